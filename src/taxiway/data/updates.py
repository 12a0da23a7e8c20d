"""One update of an item: which attributes and index keys change, what that depends on, and as which expression."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from taxiway.data._core import Attributes
from taxiway.data.encoding import Field, Plan
from taxiway.data.errors import EntityError, InvalidItem, VersionMismatch
from taxiway.data.fields import now
from taxiway.data.keys import Template, timestamp
from taxiway.data.patterns import IndexPattern, Key

Changes: TypeAlias = msgspec.Struct | Mapping[str, Any]


class Expression:
    """An expression's clauses, with placeholders for every name and value in them."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: Attributes = {}

    def name(self, attribute: str) -> str:
        return self._placeholder(self.names, "#n", attribute)

    def value(self, value: Any) -> str:
        return self._placeholder(self.values, ":v", value)

    def holds(self, basis: Attributes, fields: tuple[Field, ...]) -> list[str]:
        """The conditions under which these fields still are what was read."""
        return [
            f"{self.name(field.stored)} = {self.value(basis[field.stored])}"
            if field.stored in basis
            else f"attribute_not_exists({self.name(field.stored)})"
            for field in fields
        ]

    @staticmethod
    def _placeholder(known: dict[str, Any], prefix: str, meaning: Any) -> str:
        placeholder = f"{prefix}{len(known)}"
        known[placeholder] = meaning
        return placeholder


class Update:
    """The changes of one `update`. Raises InvalidItem and EntityError where they can't be made."""

    def __init__(self, key: Key[Any], changes: Changes, expect_version: int | None) -> None:
        self._key = key
        self._plan: Plan = key.entity.__plan__
        self._roles = key.entity.__roles__
        self._expected = expect_version
        if expect_version is not None and "version" not in self._roles:
            raise EntityError(self._plan.name, "expect_version needs a version", fix="add version: int = version()")
        self._changed: dict[str, Any] = {}
        self._encoded: Attributes = {}
        for name, value in _items(changes):
            if value is not msgspec.UNSET:
                self._change(name, value)
        self.is_empty = not self._changed
        self._moment = now()
        if "updated" in self._roles:
            self._changed[self._roles["updated"]] = self._moment
            self._encoded[self._plan.fields[self._roles["updated"]].stored] = timestamp(self._moment)
        self._known = dict(key.arguments) | self._changed
        self._rewritten = self._index_keys()
        needed = {name for _, template in self._rewritten for name in template.fields if name not in self._known}
        self.depends_on = tuple(
            field
            for field in self._plan.fields.values()
            if field.name in needed or (field.decimal and field.name not in self._changed)
        )

    def request(self, basis: Attributes) -> dict[str, Any]:
        """The arguments of `sync_update_item`, given what `depends_on` was found to be."""
        expression = Expression()
        assign: list[str] = []
        remove: list[str] = []
        for stored, value in (self._encoded | self._keys(basis)).items():
            if value is None and not self._stores_null(stored):
                remove.append(expression.name(stored))
            else:
                assign.append(f"{expression.name(stored)} = {expression.value(value)}")
        conditions = ["attribute_exists(pk)", *expression.holds(basis, self.depends_on)]
        if "version" in self._roles:
            version = expression.name(self._stored("version"))
            assign.append(f"{version} = if_not_exists({version}, {expression.value(0)}) + {expression.value(1)}")
            if self._expected is not None:
                conditions.append(f"{version} = {expression.value(self._expected)}")
        clauses = [f"SET {', '.join(assign)}"] if assign else []
        clauses += [f"REMOVE {', '.join(remove)}"] if remove else []
        return {
            "update_expression": " ".join(clauses),
            "condition_expression": " AND ".join(conditions),
            "expression_attribute_names": expression.names,
            "expression_attribute_values": expression.values or None,
        }

    def exact(self, basis: Attributes) -> Attributes:
        """Every Decimal that the item has after the update, with all its digits: those written, and those read."""
        written = {
            field.stored: self._encoded.get(field.stored, basis.get(field.stored)) for field in self._plan.decimals
        }
        return {stored: value for stored, value in written.items() if value is not None}

    def was_applied(self, stored: Attributes) -> bool:
        """Whether the item is what this update made of it: its answer was lost, and the core's repetition found it."""
        return (
            self._expected is not None
            and "updated" in self._roles
            and stored.get(self._stored("version")) == self._expected + 1
            and stored.get(self._stored("updated")) == timestamp(self._moment)
        )

    def check_version(self, stored: Attributes) -> None:
        """Raise VersionMismatch where the item is not at the version expected."""
        if self._expected is None:
            return
        actual = stored.get(self._stored("version"))
        if actual != self._expected:
            raise VersionMismatch(f"{self._key} is at version {actual}, not {self._expected}.", actual=actual)

    def _change(self, name: str, value: Any) -> None:
        field = self._plan.fields.get(name)
        if field is None:
            raise EntityError(
                self._plan.name, f"{name!r} is no field of it", fix=f"change {', '.join(self._plan.fields)}"
            )
        if name in self._roles.values():
            raise EntityError(self._plan.name, f"{name} is set by the table client", fix="leave it out of the changes")
        if name in dict(self._key.arguments):
            raise InvalidItem(
                f"{self._plan.name}.{name} is part of its key, which is where it is: it can't change.",
                public_detail=f"{field.stored} can't be changed.",
            )
        if value is None and not field.optional:
            raise InvalidItem(
                f"{self._plan.name}.{name} is required: it can't be removed.",
                public_detail=f"{field.stored} can't be removed.",
            )
        try:
            self._encoded[field.stored] = None if value is None else field.encode(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._plan.invalid(field, error) from None
        self._changed[name] = value

    def _index_keys(self) -> list[tuple[str, Template]]:
        """The index keys to rewrite, each with its template.

        An index that an item may be left out of is rewritten as a whole: it needs both keys, or neither.
        """
        found: list[tuple[str, Template]] = []
        patterns: tuple[IndexPattern[..., Any], ...] = self._key.entity.__patterns__
        for pattern in patterns:
            both = [(pattern.partition_attribute, pattern.partition), (pattern.sort_attribute, pattern.sort)]
            touched = [pair for pair in both if not self._changed.keys().isdisjoint(pair[1].fields)]
            found += both if touched and (pattern.partition.optional or pattern.sort.optional) else touched
        return found

    def _keys(self, basis: Attributes) -> Attributes:
        def value_of(name: str) -> Any:
            if name in self._known:
                return self._known[name]
            field = self._plan.fields[name]
            stored = basis.get(field.stored)
            return None if stored is None else msgspec.convert(stored, field.type)

        keys: Attributes = {attribute: template.render(value_of) for attribute, template in self._rewritten}
        for pattern in self._key.entity.__patterns__:
            pair = (pattern.partition_attribute, pattern.sort_attribute)
            if any(keys.get(attribute, "") is None for attribute in pair):
                keys.update(dict.fromkeys(pair))
        return keys

    def _stored(self, role: Any) -> str:
        return self._plan.fields[self._roles[role]].stored

    def _stores_null(self, stored: str) -> bool:
        return any(
            field.stored == stored and field.optional and not field.omits_none for field in self._plan.fields.values()
        )


def _items(changes: Changes) -> list[tuple[str, Any]]:
    if isinstance(changes, msgspec.Struct):
        return [(name, getattr(changes, name)) for name in changes.__struct_fields__]
    return list(changes.items())
