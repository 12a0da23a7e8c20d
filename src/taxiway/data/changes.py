"""The changes of one update: which attributes and index keys change, what that depends on, and as which expression."""

from collections.abc import Mapping, Set
from typing import Any, TypeAlias

import msgspec

from taxiway.data.encoding import Codec, Field
from taxiway.data.errors import EntityError, InvalidItem, InvalidKey, StoredItemInvalid
from taxiway.data.expressions import Expression
from taxiway.data.fields import STAMPS, now
from taxiway.data.keys import Template, timestamp
from taxiway.data.patterns import IndexPattern, Key
from taxiway.data.update_actions import UpdateAction
from taxiway.data.write_ids import WRITE, new_write_id, not_yet
from taxiway.sdk.dynamodb import Item

Changes: TypeAlias = msgspec.Struct | Mapping[str, Any]


class Unfit(Exception):  # noqa: N818  caught by the verbs, which know the item that it is about
    """A change would make of what is stored a value that doesn't fit its field."""

    def __init__(self, field: Field, problem: Exception) -> None:
        super().__init__(f"{field.stored}: {problem}")


class ChangeSet:
    """The changes of one `update`. Raises InvalidItem and EntityError where they can't be made."""

    def __init__(self, key: Key[Any], changes: Changes) -> None:
        self.key = key
        self._arguments = dict(key.arguments)
        self._codec: Codec = key.entity.__codec__
        self._roles = key.entity.__roles__
        self._indexed: tuple[IndexPattern[..., Any, Any], ...] = key.entity.__indexed__
        primary = key.entity.__primary__
        self._folded = primary.partition.folded | primary.sort.folded
        self.write = new_write_id()
        self._changed: dict[str, Any] = {}
        self._encoded: Item = {}
        self._native: list[tuple[Field, UpdateAction]] = []
        self._computed: list[tuple[Field, UpdateAction]] = []
        in_keys = {name for each in self._indexed for name in each.partition.fields + each.sort.fields}
        for name, value in _items(changes):
            if value is not msgspec.UNSET:
                self._change(name, value, in_key=name in in_keys)
        self.is_empty = not (self._changed or self._native or self._computed)
        self._moment = now()
        if "updated" in self._roles:
            self._changed[self._roles["updated"]] = self._moment
            self._encoded[self._codec.fields[self._roles["updated"]].stored] = timestamp(self._moment)
        self._known = {name: value for name, value in key.arguments if name not in self._folded} | self._changed
        self._changes = self._changed.keys() | {field.name for field, _ in self._native + self._computed}
        self._rewritten = self._index_keys(self._changes)
        needed = {name for _, template in self._rewritten for name in template.fields if name not in self._known}
        needed |= {field.name for field, _ in self._computed}
        self.depends_on = tuple(
            field for field in self._codec.fields.values() if self._codec.checks or field.name in needed
        )
        """The fields that have to be read before: of a class that checks its objects, all."""
        self._settled: Item = {}
        self._derived: Set[str] = frozenset()

    def touches(self, fields: tuple[str, ...]) -> bool:
        """Whether one of these fields changes; of a class that can make any of any it isn't known."""
        return self._codec.checks or not self._changes.isdisjoint(fields)

    def native(self, expression: Expression, basis: Item) -> tuple[str, list[str]]:
        """The update expression, and what must hold for it, given what `depends_on` was found to be.

        Raises Unfit, InvalidItem.
        """
        self._settled = self._encoded | _computed(self._computed, basis)
        if self._codec.checks:
            self._derive(self._replaced(basis, self._settled | _computed(self._native, basis) | self._next(basis)))
        clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": [], "DELETE": []}
        conditions = [not_yet(expression, self.write)]
        self._assign(clauses, expression, self._settled | self._keys(basis) | {WRITE: self.write})
        for field, change in self._native:
            if field.name not in self._derived:
                clause, text = change.clause(field, expression, conditions)
                clauses[clause].append(text)
        if "version" in self._roles:
            version = expression.name(self._stored("version"))
            one, none = expression.value(1), expression.value(0)
            clauses["SET"].append(f"{version} = if_not_exists({version}, {none}) + {one}")
        return _joined(clauses), conditions

    def settled(self, expression: Expression, row: Item) -> tuple[str, Item]:
        """The update expression, and the whole item as it will be, from the whole that is stored.

        Raises Unfit and InvalidItem.
        """
        self._settled = self._encoded | _computed(self._native + self._computed, row) | self._next(row)
        if self._codec.checks:
            self._derive(self._replaced(row, self._settled))
        values = self._settled | self._keys(row) | {WRITE: self.write}
        clauses: dict[str, list[str]] = {"SET": [], "REMOVE": []}
        self._assign(clauses, expression, values)
        return _joined(clauses), self._replaced(row, values)

    def check_fit(self, stored: Item) -> None:
        """Raise Unfit where a change that DynamoDB was to make would make what doesn't fit its field."""
        _computed(self._native, stored)

    @property
    def accumulates(self) -> bool:
        """Whether they change more if they are made twice."""
        return any(not change.is_idempotent for _, change in self._native + self._computed)

    def _next(self, row: Item) -> Item:
        """The version that comes after that of a row; nothing for an entity without one."""
        if "version" not in self._roles:
            return {}
        return {self._stored("version"): row.get(self._stored("version"), 0) + 1}

    def _derive(self, row: Item) -> None:
        """Settle what the class itself makes of its fields, where the changes make it another. Raises InvalidItem."""
        derived = self._codec.derived(row)
        for name, value in derived.items():
            if name in self._arguments and not self._keeps_place(name, value):
                raise self._immovable(name)
            field = self._codec.fields[name]
            self._settled[field.stored] = field.encode(value)
        self._derived = derived.keys()

    def _replaced(self, row: Item, values: Item) -> Item:
        """A row with other values; an attribute whose value is None is left out."""
        kept = {name: value for name, value in row.items() if name not in values}
        return kept | {name: value for name, value in values.items() if self._is_stored(name, value)}

    def _assign(self, clauses: dict[str, list[str]], expression: Expression, values: Item) -> None:
        for stored, value in values.items():
            if self._is_stored(stored, value):
                clauses["SET"].append(f"{expression.name(stored)} = {expression.value(value)}")
            else:
                clauses["REMOVE"].append(expression.name(stored))

    def _change(self, name: str, value: Any, *, in_key: bool) -> None:
        field = self._codec.fields.get(name)
        if field is None:
            raise EntityError(
                self._codec.name, f"{name!r} is not a field", fix=f"change {', '.join(self._codec.fields)}"
            )
        if any(self._roles.get(role) == name for role in STAMPS):
            raise EntityError(self._codec.name, f"{name} is set by the table client", fix="leave it out of the changes")
        if name in self._arguments and not self._keeps_place(name, value):
            raise self._immovable(name)
        if name in self._arguments and name not in self._folded:
            return  # a body repeats what its URL says
        if value is None and not field.optional:
            raise InvalidItem(
                f"{self._codec.name}.{name} is required: it can't be removed.",
                public_detail=f"{field.stored} can't be removed.",
            )
        if isinstance(value, UpdateAction):
            self._let(field, value, in_key=in_key)
            return
        try:
            stored = self._encoded[field.stored] = None if value is None else field.encode(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._codec.invalid(field, error) from None
        self._changed[name] = value if stored is None else field.decode(stored)

    def _immovable(self, name: str) -> InvalidItem:
        return InvalidItem(
            f"{self._codec.name}.{name} is part of its key, which is where it is: it can't change.",
            public_detail=f"{self._codec.fields[name].stored} can't be changed.",
        )

    def _keeps_place(self, name: str, value: Any) -> bool:
        """Whether the item is where it is with this value in its key: the same, or one that is folded to the same."""
        if name not in self._folded:
            return value == self._arguments[name]
        get = (self._arguments | {name: value}).get
        primary = self.key.entity.__primary__
        try:
            return (primary.partition.render(get), primary.sort.render(get)) == (self.key.partition, self.key.sort)
        except InvalidKey:
            return False

    def _let(self, field: Field, change: UpdateAction, *, in_key: bool) -> None:
        own = f"{self._codec.name}.{field.name}"
        if change.path not in (None, own):
            raise EntityError(self._codec.name, f"{field.name} can't become what {change.path} does", fix=f"use {own}")
        try:
            change.operand(field)
        except (ValueError, TypeError) as error:
            raise self._codec.invalid(field, error) from None
        (self._native if change.is_native(field) and not in_key else self._computed).append((field, change))

    def _index_keys(self, changes: Set[str]) -> list[tuple[str, Template]]:
        """The index keys to rewrite where these fields change, each with its template.

        An index that an item may be left out of is rewritten as a whole: it needs both keys, or neither.
        """
        found: list[tuple[str, Template]] = []
        for pattern in self._indexed:
            both = [(pattern.partition_attribute, pattern.partition), (pattern.sort_attribute, pattern.sort)]
            touched = [pair for pair in both if not changes.isdisjoint(pair[1].fields)]
            found += both if touched and (pattern.partition.optional or pattern.sort.optional) else touched
        return found

    def _keys(self, basis: Item) -> Item:
        def value_of(name: str) -> Any:
            if name in self._known and name not in self._derived:
                return self._known[name]
            field = self._codec.fields[name]
            stored = self._settled[field.stored] if field.stored in self._settled else basis.get(field.stored)
            try:
                return None if stored is None else field.decode(stored)
            except msgspec.ValidationError as error:
                raise StoredItemInvalid(f"{self.key} does not fit {self._codec.name}: {name}: {error}.") from None

        rewritten = self._index_keys(self._changes | self._derived) if self._derived else self._rewritten
        keys: Item = {attribute: template.render(value_of) for attribute, template in rewritten}
        for pattern in self._indexed:
            pair = (pattern.partition_attribute, pattern.sort_attribute)
            if any(keys.get(attribute, "") is None for attribute in pair):
                keys.update(dict.fromkeys(pair))
            elif pair[0] in keys:
                keys[pair[0]] = pattern.written(keys[pair[0]], (self.key.partition, self.key.sort))
        return keys

    def _stored(self, role: Any) -> str:
        return self._codec.fields[self._roles[role]].stored

    def _is_stored(self, stored: str, value: Any) -> bool:
        """Whether a value is an attribute: None is one only where a field's default is another."""
        return value is not None or any(
            field.stored == stored and field.optional and not field.omits_none for field in self._codec.fields.values()
        )


def _computed(changes: list[tuple[Field, UpdateAction]], basis: Item) -> Item:
    """What changes make of what is stored. Raises Unfit."""
    found: Item = {}
    for field, change in changes:
        try:
            found[field.stored] = change.checked(field, basis.get(field.stored))
        except (ValueError, TypeError) as error:
            raise Unfit(field, error) from None
    return found


def _joined(clauses: dict[str, list[str]]) -> str:
    return " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)


def _items(changes: Changes) -> list[tuple[str, Any]]:
    if isinstance(changes, msgspec.Struct):
        return [(name, getattr(changes, name)) for name in changes.__struct_fields__]
    if not isinstance(changes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
        raise TypeError(f"update takes changes as a dict or a struct, and not as a {type(changes).__name__}.")
    return list(changes.items())
