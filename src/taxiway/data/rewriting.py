"""What has to change of a stored item for it to be as its entity is declared now: its form, its keys in the indexes.

Attributes that the entity doesn't know stay as they are, but for the keys of indexes that it has no pattern for any
more. Versions and timestamps stay too: nothing changes to a reader.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from taxiway.data.encoding import ENTITY, EXPIRES, WIDEST, Codec
from taxiway.data.errors import StoredItemInvalid
from taxiway.data.evolution import SCHEMA
from taxiway.data.expressions import Expression
from taxiway.data.patterns import PARTITION, SORT, index_attributes
from taxiway.data.write_ids import WRITE
from taxiway.sdk.dynamodb import Item


class Rewriting:
    """The difference between a row and what it should be: `attributes`, of the item that the row is read as."""

    def __init__(
        self,
        entity: Any,
        row: Item,
        upcast: Item,
        attributes: Item,
        where: str,
        indexes: Sequence[str] = (),
    ) -> None:
        self._codec: Codec = entity.__codec__
        codec = self._codec
        self._row = row
        self._fields = {field.stored: field for field in codec.fields.values()}
        version = entity.__roles__.get("version")
        self._version = None if version is None else codec.fields[version].stored
        if any(attributes[name] != row[name] for name in (PARTITION, SORT)):
            raise StoredItemInvalid(
                f"{where} would be at {attributes[PARTITION]!r}, {attributes[SORT]!r} by its fields."
            )
        every = (*indexes, *(found.index for found in entity.__indexed__))
        keys = (key for index in every for key in index_attributes(index))
        # An entity without a ttl() never expires: with what one left behind, DynamoDB would delete it all the same.
        self._known = {PARTITION, SORT, ENTITY, SCHEMA, EXPIRES, *self._fields, *keys}
        kept = {name: value for name, value in upcast.items() if name not in self._known}
        wanted = attributes | kept
        self._set = {name: value for name, value in wanted.items() if self._differs(name, value)}
        self._removed = [name for name in row if name not in wanted]

    @property
    def is_empty(self) -> bool:
        return not self._set and not self._removed

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of an update that holds only while the item is as it was read; of a check where it is empty."""
        expression = Expression()
        sets = ", ".join(f"{expression.name(name)} = {expression.value(value)}" for name, value in self._set.items())
        removals = ", ".join(map(expression.name, self._removed))
        clauses = [f"SET {sets}" if sets else "", f"REMOVE {removals}" if removals else ""]
        conditions = [f"attribute_exists({PARTITION})"]
        for name in self._basis():
            there = name in self._row
            conditions.append(
                f"{expression.name(name)} = {expression.value(self._row[name])}"
                if there
                else f"attribute_not_exists({expression.name(name)})"
            )
        update = {} if self.is_empty else {"update_expression": " ".join(filter(None, clauses))}
        return {**update, **expression.arguments(conditions)}

    def _basis(self) -> list[str]:
        """What shows that nobody has changed the item: its version, or everything in it; and what is overwritten."""
        changed = [SCHEMA, *self._set, *self._removed]
        if self._version is not None and self._version in self._row:
            return list(dict.fromkeys((self._version, *changed)))
        if len(self._codec.fields) > WIDEST:
            return list(dict.fromkeys((WRITE, *changed)))
        return [name for name in dict.fromkeys((*self._row, *self._fields, *changed)) if name not in (PARTITION, SORT)]

    def _differs(self, name: str, value: Any) -> bool:
        if name not in self._row:
            return True
        stored, field = self._row[name], self._fields.get(name)
        if field is None:
            return stored != value
        if _kind(stored) != _kind(value) or stored == value:
            return _kind(stored) != _kind(value)
        if not isinstance(stored, list | dict):
            return True
        try:  # a set in a list has no order of its own
            return _sorted(stored) != _sorted(value) or field.decode(stored) != field.decode(value)
        except (ValueError, TypeError):
            return True


def _kind(value: Any) -> Any:
    """What DynamoDB stores a value as, by one of the types that stand for it."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal
    return list if isinstance(value, tuple) else value.__class__


def _sorted(value: Any) -> Any:
    """A value with its lists in an order that doesn't depend on theirs."""
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=repr)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  any list
    if isinstance(value, dict):
        return {name: _sorted(member) for name, member in value.items()}  # pyright: ignore[reportUnknownVariableType]  any map
    return value
