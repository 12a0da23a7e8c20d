"""Some fields of an entity, read as a struct of one's own: `Item.by_category("home").only(ItemCard)`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import FieldInfo, fields

from taxiway.data._types import is_optional, only
from taxiway.data.encoding import ENTITY, EXPIRES, Codec, Field
from taxiway.data.errors import EntityError, StoredItemInvalid
from taxiway.data.evolution import SCHEMA
from taxiway.data.expressions import Expression
from taxiway.data.rows import label
from taxiway.sdk.dynamodb import Item

_TEXTS = frozenset((str, datetime, date, UUID))
_NUMBERS = frozenset((int, float, Decimal))
_LISTS = frozenset((list, tuple, set, frozenset))
_READS: dict[Any, frozenset[Any]] = {
    **{kind: frozenset((kind,)) for kind in (bool, bytes, dict, datetime, date, UUID)},
    str: _TEXTS,
    int: frozenset((int,)),
    float: _NUMBERS,
    Decimal: _NUMBERS,
    **dict.fromkeys(_LISTS, _LISTS),
}
"""The types that a value of each type can be read from, where both are known exactly."""


def _mismatch(field: Field, info: FieldInfo) -> str:
    """Why a field of a struct can't hold what the entity's field does; empty where it can, or where no type tells."""
    if field.optional and not is_optional(info.type) and (info.required or not field.omits_none):
        return "there it may be None"
    found, wanted = field.kind, only(info.type)
    if found in _READS and wanted in _READS and found not in _READS[wanted]:
        return f"there it is a {found.__name__}, and not a {wanted.__name__}"
    return ""


class Projection:
    """How a struct is read from an entity's items: each of its fields is one of the entity's, of the same name."""

    def __init__(self, codec: Codec, shape: type[Any]) -> None:
        self._codec = codec
        self._shape = shape
        self._unconstrained: Any = None
        self._fields: list[tuple[Field, str]] = []
        self._absent: dict[str, Any] = {}
        self._made: list[tuple[str, Field]] = []
        for info in fields(shape):
            field = codec.fields.get(info.name)
            if field is None:
                raise EntityError(
                    shape.__name__,
                    f"{info.name!r} is not a field of {codec.name}",
                    fix=f"use some of {', '.join(codec.fields)}",
                )
            problem = _mismatch(field, info)
            if problem:
                raise EntityError(
                    shape.__name__,
                    f"{info.name} can't be read from {codec.entity.__name__}.{info.name}: {problem}",
                    fix="give it the type that the entity has",
                )
            self._fields.append((field, info.encode_name))
            if info.required and field.is_set:
                self._absent[info.encode_name] = []
            elif info.required and field.omits_none:
                self._absent[info.encode_name] = None
            elif info.required and field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
                self._absent[info.encode_name] = field.encode(field.default)
            elif info.required and field.default_factory is not msgspec.NODEFAULT:
                self._made.append((info.encode_name, field))

    def expression(self, expression: Expression, keys: tuple[str, ...]) -> str | None:
        """What is asked of DynamoDB, the keys included that a cursor needs; everything where there are older forms."""
        if self._codec.evolution.version > 1:
            return None
        stored = [*keys, ENTITY, EXPIRES, SCHEMA, *(field.stored for field, _ in self._fields)]
        return ", ".join(expression.name(each) for each in dict.fromkeys(stored))

    def decode_all(self, rows: list[Item]) -> list[Any]:
        """The structs. Raises StoredItemInvalid where one doesn't fit."""
        present = self._codec.present(rows, label)
        built = [self._built(row) for row in present]
        try:
            return msgspec.convert(built, list[self._shape], str_keys=True)
        except msgspec.ValidationError:
            return [self._decode_by_type(values, row) for values, row in zip(built, present, strict=True)]

    def _decode_by_type(self, values: Item, row: Item) -> Any:
        if self._unconstrained is None:
            from taxiway.data.unconstrained import Unconstrained

            self._unconstrained = Unconstrained(self._shape)
        try:
            return self._unconstrained.read(values)
        except msgspec.ValidationError as error:
            raise StoredItemInvalid(f"{label(row)} does not fit {self._shape.__name__}: {error}.") from None

    def _built(self, row: Item) -> Item:
        built = dict(self._absent)
        for field, name in self._fields:
            if field.stored in row:
                built[name] = field.readable(row[field.stored])
        for name, field in self._made:
            if name not in built:
                built[name] = field.encode(field.default_factory())
        return built
