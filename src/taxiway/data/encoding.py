"""Between an entity and its DynamoDB attributes: a codec per entity, made once with its class.

msgspec does the work in C; the codec names the few top-level fields that need more than it does. What is stored:
Decimals as numbers with every digit, at any depth; an entity's own datetimes in UTC with six decimals, so that they
sort; sets of str, int or bytes as DynamoDB sets; None as no attribute at all, where the field's default is None or
there is none; when an item expires as whole epoch seconds, rounded up.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, Union, get_args

import msgspec
from msgspec.structs import FieldInfo, fields

from taxiway.data._types import alternatives, constraints, is_optional, only
from taxiway.data.errors import EntityError, InvalidItem, StoredItemInvalid
from taxiway.data.evolution import SCHEMA, Evolution
from taxiway.data.keys import timestamp
from taxiway.sdk.dynamodb import Item

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DIGITS = 38
SMALLEST, LARGEST = -130, 125
NESTING = 32
WIDEST = 100
"""Fields that a condition can name: `attribute_not_exists(#n99) AND` is 31 of an expression's 4,096 bytes, and
`field = value AND` two of its 300 operators."""

ENTITY = "entity"
"""The attribute that holds the name of the entity: that of its class, or `name=`."""

EXPIRES = "expiresAt"
"""The attribute by which the table's items expire (`Table(ttl="expiresAt")`)."""

_NATIVE = (bytes, Decimal)
_EMPTY: tuple[Any, ...] = (list, dict, set, frozenset)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Convert: TypeAlias = Callable[[Any], Any]


class Field:
    """How one field is stored. `raw` says that `convert` takes the field's own value, not msgspec's builtin for it."""

    def __init__(self, info: FieldInfo, *, ttl: bool = False) -> None:
        self.name = info.name
        self.json = info.encode_name
        """Its name in JSON, which it is stored under too, but for when the item expires."""
        self.stored = EXPIRES if ttl else info.encode_name
        self.type = info.type
        self.default = info.default
        self.default_factory = info.default_factory
        self.ttl = ttl
        self.constraints = tuple(constraints(info.type))
        # A value to compare with need not meet the constraints on one that is stored.
        self._comparable: Any = Union[(*alternatives(info.type), None)]
        self.optional = is_optional(info.type)
        # Absent is None where nothing else makes sense of it; beside another default None is stored, to tell the two
        # apart. When an item expires is never NULL, which no time is later than: absent, it never does.
        self.omits_none = self.optional and (info.default is None or info.required or ttl)
        self.fills_none = self.omits_none and info.default is not None
        kind = only(info.type)
        self.decimal = kind is Decimal
        # DynamoDB has no empty set, so it is no attribute; where None is a value too, a list keeps the two apart.
        self.is_set = kind in (set, frozenset) and not self.optional and _set_member(info.type) in (str, int, bytes)
        self.raw = kind is Decimal or kind is datetime
        self.convert: Convert | None = _CONVERT.get(kind, nested)
        self.kind = kind
        self.loose = kind not in _EXACT
        """Whether what is stored may hold numbers of which no type says how they are read."""
        if self.is_set:
            self.convert = _native_set
        if ttl:
            self.convert = seconds

    @property
    def absent(self) -> Any:
        """What an item without it is read as; NODEFAULT where that is made anew for each."""
        if self.omits_none:
            return None
        if self.is_set:
            return set[Any]()
        return self.default_factory() if self.default_factory in _EMPTY else self.default

    def encode(self, value: Any) -> Any:
        """One value as it is stored; an empty set is None. Raises ValueError, or msgspec's, where it doesn't fit."""
        built = self._built(value)
        # Twice: what is stored is of the field's own type, whatever fits it and was given in its place.
        built = self._built(msgspec.convert(value if self.ttl else built, self.type, str_keys=True))
        return None if self.is_set and not built else built

    def operand(self, value: Any) -> Any:
        """A value as it is stored, to compare with what is; it need not meet the field's constraints."""
        if self.decimal and type(value) is int:
            value = Decimal(value)
        built = self._built(value)
        msgspec.convert(value if self.ttl else built, self._comparable, str_keys=True)
        return None if self.is_set and not built else built

    def decode(self, stored: Any) -> Any:
        """The value that one attribute holds. Raises msgspec's error where it doesn't fit."""
        return msgspec.convert(self.readable(stored), self.type, str_keys=True)

    def readable(self, stored: Any) -> Any:
        """What msgspec can make the field's value of."""
        if self.ttl and type(stored) is int:
            return moment(stored)
        return loose(stored) if self.loose else stored

    def _built(self, value: Any) -> Any:
        built = msgspec.to_builtins(value, builtin_types=_NATIVE, str_keys=True)
        if self.convert is not None and value is not None:
            built = self.convert(value if self.raw else built)
        return built


class Codec:
    """How an entity is stored."""

    def __init__(
        self, entity: type[Any], evolution: Evolution, *, name: str | None = None, ttl: str | None = None
    ) -> None:
        self.entity = entity
        self.evolution = evolution
        self.name = name or entity.__name__
        """What the `entity` of its items is."""
        self.fields = {info.name: Field(info, ttl=info.name == ttl) for info in fields(entity)}
        for field in self.fields.values():
            if field.is_set and field.default_factory is not msgspec.NODEFAULT and field.default_factory():
                raise EntityError(
                    self.name,
                    f"{field.name} is a set that isn't empty by default, and one that is empty isn't stored",
                    fix=f"make it a list, or {field.name}: set[…] = set()",
                )
        self.expires = ttl is not None
        self._ttl = None if ttl is None else self.fields[ttl].json
        self.checks = hasattr(entity, "__post_init__")
        self.projections: dict[type[Any], Any] = {}
        self._unconstrained: Any = None
        self._schema = evolution.version
        self._special = tuple(field for field in self.fields.values() if field.convert is not None)
        self._omitted = tuple(field.stored for field in self.fields.values() if field.omits_none)
        self._sets = tuple(field.stored for field in self.fields.values() if field.is_set)
        self._filled = tuple(field.json for field in self.fields.values() if field.fills_none)
        self._loose = tuple(field.stored for field in self.fields.values() if field.loose)
        self._fills = bool(self._filled or self._sets or self._loose or self.expires)

    def encode(self, item: Any) -> Item:
        """The attributes of an item, without its keys. Raises InvalidItem, naming the field that can't be stored."""
        field = None
        try:
            values: Item = msgspec.to_builtins(item, builtin_types=_NATIVE, str_keys=True)
            for field in self._special:
                value = values.get(field.json)
                if value is not None:
                    values[field.json] = field.convert(getattr(item, field.name) if field.raw else value)  # pyright: ignore[reportOptionalCall]  `_special` has those that convert
            field = None
            if self._ttl is not None and self._ttl != EXPIRES:
                values[EXPIRES] = values.pop(self._ttl)
            msgspec.convert(self._readable(values.copy()) if self.expires else values, self.entity, str_keys=True)
        except (ValueError, TypeError, RecursionError) as error:
            raise self.invalid(field, error) from None
        for stored in self._omitted:
            if values.get(stored, ENTITY) is None:
                del values[stored]
        for stored in self._sets:
            if not values.get(stored, ENTITY):
                del values[stored]
        values[ENTITY] = self.name
        if self._schema > 1:
            values[SCHEMA] = self._schema
        return values

    def decode(self, attributes: Item, where: str) -> Any:
        """The item, whether or not it meets the constraints on what is written.

        Raises StoredItemInvalid, naming `where` (its key) and the field, where it doesn't fit its type.
        """
        if attributes.get(ENTITY, self.name) != self.name or attributes.get(SCHEMA, 1) != self._schema:
            self.check_readable(attributes, where)
            attributes = self.evolution.upcast(attributes, where)
        if self._fills:
            self._readable(attributes)
        try:
            return msgspec.convert(attributes, self.entity, str_keys=True)
        except msgspec.ValidationError:
            return self._decode_by_type(attributes, where)

    def _decode_by_type(self, attributes: Item, where: str) -> Any:
        if self._unconstrained is None:
            from taxiway.data.unconstrained import Unconstrained

            self._unconstrained = Unconstrained(self.entity)
        try:
            return self._unconstrained.read(attributes)
        except msgspec.ValidationError as error:
            raise StoredItemInvalid(f"{where} does not fit {self.name}: {error}.") from None

    def decode_written(self, attributes: Item, where: str) -> Any:
        """The item that a write has changed or deleted. It has been, so a value that no longer fits is as it is stored.

        Raises StoredItemInvalid where the class itself refuses to be made of it.
        """
        try:
            return self.decode(dict(attributes), where)
        except StoredItemInvalid:
            if self.checks:
                raise
        values: dict[str, Any] = {}
        for field in self.fields.values():
            stored = attributes.get(field.stored, msgspec.UNSET)
            if stored is msgspec.UNSET:
                missing = field.absent is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
                values |= {field.name: None} if missing else {}
                continue
            try:
                values[field.name] = field.decode(stored)
            except (ValueError, TypeError):
                values[field.name] = stored
        return self.entity(**values)

    def derived(self, attributes: Item) -> dict[str, Any]:
        """The fields that the class itself makes other than these attributes have them, in its `__post_init__`.

        Raises InvalidItem where they don't fit the entity as a whole.
        """
        try:
            item = msgspec.convert(self._readable(dict(attributes)), self.entity, str_keys=True)
        except msgspec.ValidationError as error:
            raise self.invalid(None, error) from None
        found: dict[str, Any] = {}
        for field in self.fields.values():
            value = getattr(item, field.name)
            given = field.decode(attributes[field.stored]) if field.stored in attributes else field.absent
            if given is not msgspec.NODEFAULT and value != given:
                found[field.name] = value
        return found

    def check_readable(self, attributes: Item, where: str) -> None:
        """Raise StoredItemInvalid for an item of another entity, and UnknownVersion for one of newer code."""
        if attributes.get(ENTITY, self.name) != self.name:
            raise StoredItemInvalid(f"{where} holds a {attributes[ENTITY]}, and not a {self.name}.")
        self.evolution.check_known(attributes, where)

    def decode_all(self, rows: list[Item], where: Callable[[Item], str]) -> list[Any]:
        """The items of rows of this entity."""
        present = self.present(rows, where)
        for row in present if self._fills else ():
            self._readable(row)
        try:
            return msgspec.convert(present, list[self.entity], str_keys=True)
        except msgspec.ValidationError:
            return [self.decode(row, where(row)) for row in present]

    def present(self, rows: list[Item], where: Callable[[Item], str]) -> list[Item]:
        """Rows of this entity in the present form."""
        schema = self._schema
        if any(row.get(SCHEMA, 1) != schema for row in rows):
            return [self.evolution.upcast(row, where(row)) if self.evolution.is_other(row) else row for row in rows]
        return rows

    def invalid(self, field: Field | None, error: Exception) -> InvalidItem:
        """The error that names the field: from one of ours (`field` is known), or of msgspec's, which has its path."""
        if isinstance(error, RecursionError):
            return InvalidItem(f"{self.name} is nested too deeply.", public_detail="It is nested too deeply.")
        problem = str(error)
        public = f"{field.json}: {problem}." if field else f"{problem}."
        return InvalidItem(f"This {self.name} can't be stored: {public}", public_detail=public)

    def has_expired(self, attributes: Item, now: float) -> bool:
        """Whether the item counts as deleted, and DynamoDB hasn't come round to it yet, which may take days."""
        at = attributes.get(EXPIRES) if self.expires else None
        return isinstance(at, int | Decimal) and at <= now

    def _readable(self, attributes: Item) -> Item:
        """The same attributes, as msgspec can read them: with what is stored as none where the type has no default."""
        if self._ttl is not None and EXPIRES in attributes:
            expires = attributes.pop(EXPIRES)
            attributes[self._ttl] = moment(expires) if type(expires) is int else expires
        for stored in self._filled:
            attributes.setdefault(stored, None)
        for stored in self._sets:
            attributes.setdefault(stored, [])
        for stored in self._loose:
            if stored in attributes:
                attributes[stored] = loose(attributes[stored])
        return attributes


def whole(value: int) -> int:
    """An integer that DynamoDB stores exactly. Raises ValueError for one of more than 38 significant digits."""
    _check_is(int, value)
    if -(10**DIGITS) < value < 10**DIGITS:
        return value
    if value.bit_length() <= (10 ** (LARGEST + 1)).bit_length():
        decimal(Decimal(value))
        return value
    raise ValueError("a number must be below 1E+126")


def fraction(value: float | Decimal) -> Decimal:
    """A float as the decimal that it shows. Raises ValueError for NaN, Infinity, and what DynamoDB can't store."""
    if isinstance(value, Decimal):
        return decimal(value)
    _check_is((int, float), value)
    exact = Decimal(repr(value))
    return exact if 1e-129 < abs(value) < 1e125 else decimal(exact)


def _check_is(kind: type | tuple[type, ...], value: object) -> None:
    """Refuse what no checker has seen, such as a string among an update's changes."""
    if not isinstance(value, kind):
        raise ValueError(f"Expected a number, got `{type(value).__name__}`")


def decimal(value: Decimal) -> Decimal:
    """A Decimal that DynamoDB stores exactly. Raises ValueError for NaN, Infinity, and what is out of range."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("a number must be finite")
    if not value:
        return Decimal(0)
    if len(digits) > DIGITS:
        kept = len(digits)
        while digits[kept - 1] == 0:
            kept -= 1
        if kept > DIGITS:
            raise ValueError(f"a number must have at most {DIGITS} significant digits")
        value = Decimal((sign, digits[:kept], exponent + len(digits) - kept))
    if not SMALLEST <= value.adjusted() <= LARGEST:
        raise ValueError("a number's magnitude must be from 1E-130 to 9.99E+125")
    return value


def seconds(value: Any) -> int:
    """A moment in whole seconds since 1970, rounded up. Raises ValueError where it is none, or has no time zone."""
    if not isinstance(value, datetime):
        raise ValueError("it must be a datetime")
    if value.tzinfo is None:
        raise ValueError("it has no time zone")
    found = -((_EPOCH - value) // timedelta(seconds=1))
    if type(moment(found)) is int:
        raise ValueError("it is past the last second that there is: use None for never")
    return found


def moment(value: int) -> Any:
    """The moment so many seconds after 1970; where there is none `value` itself, which then fits no datetime."""
    try:
        return _EPOCH + timedelta(seconds=value)
    except OverflowError:
        return value


def plain(value: Any) -> Any:
    """Any value as it is stored inside a list or a map. Raises ValueError, or msgspec's, where it can't be."""
    return nested(msgspec.to_builtins(value, builtin_types=_NATIVE, str_keys=True))


def nested(value: Any, depth: int = 1) -> Any:
    """A list or map as it is stored: tuples are lists, numbers are in range. Raises ValueError where one is not."""
    kind = value.__class__
    if kind is str or kind is bytes or kind is bool or value is None:
        return value
    if kind is int:
        return whole(value)
    if kind is float:
        return fraction(value)
    if kind is Decimal:
        return decimal(value)
    if depth >= NESTING:
        raise ValueError(f"it is nested more than {NESTING} levels deep")
    if kind is dict:
        return {name: nested(member, depth + 1) for name, member in value.items()}
    return [nested(member, depth + 1) for member in value]


def loose(value: Any) -> Any:
    """A stored value in which each fraction that a float holds exactly is one: what `Any` is read as."""
    kind = value.__class__
    if kind is Decimal:
        number = float(value)
        return number if Decimal(repr(number)) == value else value
    if kind is dict:
        return {name: loose(member) for name, member in value.items()}
    if kind is list:
        return [loose(member) for member in value]
    return {loose(member) for member in value} if kind is set else value


def _own_decimal(value: Any) -> Decimal:
    if not isinstance(value, Decimal):
        raise ValueError("it must be a Decimal")
    return decimal(value)


def _own_timestamp(value: Any) -> str:
    if not isinstance(value, datetime):
        raise ValueError("it must be a datetime")
    return timestamp(value)


def _native_set(value: Any) -> set[Any]:
    if not isinstance(value, list | tuple | set | frozenset):  # of a str, the set would be of its characters
        raise ValueError(f"Expected a set, got `{type(value).__name__}`")
    return set(nested(value))


def _set_member(annotation: Any) -> Any:
    arguments = get_args(alternatives(annotation)[0])
    return only(arguments[0]) if arguments else None


_EXACT = frozenset((str, bytes, bool, int, float, Decimal, datetime))
"""The types whose values msgspec makes of what is stored without a doubt."""

_CONVERT: dict[Any, Convert | None] = {
    Decimal: _own_decimal,
    datetime: _own_timestamp,
    int: whole,
    float: fraction,
    str: None,
    bytes: None,
    bool: None,
}
