"""Between Python's values and DynamoDB's wire form, `{"S": "a"}`, exact at any depth.

| Python | stored as | read as |
| --- | --- | --- |
| str | S | str |
| bytes, bytearray, memoryview | B | bytes |
| bool | BOOL | bool |
| int, Decimal, float | N | int where it is written without a fraction, else Decimal |
| None | NULL | None |
| list, tuple | L | list |
| dict with keys of str | M | dict |
| set, frozenset of str, of bytes, or of numbers | SS, BS, NS | set |

A float is stored as the shortest decimal that is that float, as repr shows it; read, it is exactly that decimal.
DynamoDB drops zeros that say nothing: Decimal("1.50") is read as Decimal("1.5"), and 2.0 as 2.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from taxiway.sdk.errors import InvalidAnswer, InvalidValue, text_of

Item: TypeAlias = dict[str, Any]
"""Attributes as Python values."""
WireValue: TypeAlias = dict[str, Any]
"""One value of the wire form: a dict of one type and what it holds."""
WireItem: TypeAlias = dict[str, WireValue]

DIGITS = 38
LARGEST, SMALLEST = 125, -130
"""The exponents of the largest and the smallest number, written with one digit before the point."""
NESTING = 32
"""Levels of a value, counted from the attribute's own, which is the first."""

_INT_LIMIT = 10**DIGITS
_SMALLEST_FLOAT, _LARGEST_FLOAT = 1e-130, 9.99e125


def to_wire(value: Any) -> WireValue:
    """One value in the wire form. Raises InvalidValue where DynamoDB has no such value."""
    try:
        return _to_wire(value, 0)
    except (ValueError, TypeError) as error:
        raise _explained(value, "", error) from None


def item_to_wire(item: Mapping[str, Any]) -> WireItem:
    """Attributes in the wire form. Raises InvalidValue, which names the path of what can't be stored."""
    try:
        return {name: {"S": value} if type(value) is str else _to_wire(value, 0) for name, value in item.items()}
    except (ValueError, TypeError) as error:
        raise _explained(dict(item), "", error) from None


def from_wire(value: Mapping[str, Any]) -> Any:
    """The Python value of one value in the wire form. Raises InvalidAnswer where it is not in that form."""
    try:
        ((kind, held),) = value.items()
        return _FROM_WIRE[kind](held)
    except _MALFORMED as error:
        raise _not_wire(value, error) from None


def item_from_wire(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """The attributes of an item in the wire form. Raises InvalidAnswer where it is not in that form."""
    try:
        return _map(item)
    except _MALFORMED as error:
        raise _not_wire(item, error) from None


def number(text: str) -> int | Decimal:
    """A number of the wire form, exactly: an int where it has neither a point nor an exponent."""
    if type(text) is not str:
        raise TypeError("a number of the wire form must be a string")
    try:
        return int(text)
    except ValueError:
        value = Decimal(text)
        if not value.is_finite():
            raise ValueError(f"{text_of(text)} is not a number") from None
        return value


# ---- to the wire


def _to_wire(value: object, depth: int) -> WireValue:
    writer = _TO_WIRE.get(type(value))
    if writer is None:
        writer = _writer_of_subclass(value)
    return writer(value, depth)


def _writer_of_subclass(value: object) -> Callable[[Any, int], WireValue]:
    for kind, writer in _TO_WIRE.items():
        if isinstance(value, kind):
            return writer
    raise TypeError(f"DynamoDB has no type for `{type(value).__name__}`")


def _string(value: str, _: int) -> WireValue:
    return {"S": value if type(value) is str else str.__str__(value)}


def _boolean(value: bool, _: int) -> WireValue:
    return {"BOOL": value}


def _null(_: None, __: int) -> WireValue:
    return {"NULL": True}


def _integer(value: int, _: int) -> WireValue:
    return {"N": _integer_text(value)}


def _float(value: float, _: int) -> WireValue:
    return {"N": _float_text(value)}


def _decimal(value: Decimal, _: int) -> WireValue:
    return {"N": _decimal_text(value)}


def _binary(value: bytes | bytearray | memoryview, _: int) -> WireValue:
    return {"B": bytes(value)}


def _mapping(value: dict[Any, Any], depth: int) -> WireValue:
    if depth >= NESTING - 1 and value:
        raise ValueError(f"it is nested more than {NESTING} levels deep")
    members: dict[str, WireValue] = {}
    for name, member in value.items():
        if not isinstance(name, str):
            raise TypeError(f"the key {text_of(name)} of a map must be a str")
        members[name] = _to_wire(member, depth + 1)
    return {"M": members}


def _sequence(value: Sequence[Any], depth: int) -> WireValue:
    if depth >= NESTING - 1 and value:
        raise ValueError(f"it is nested more than {NESTING} levels deep")
    return {"L": [_to_wire(member, depth + 1) for member in value]}


def _set(value: set[Any] | frozenset[Any], _: int) -> WireValue:
    if not value:
        raise ValueError("a set must not be empty: DynamoDB has no empty set")
    written = [_to_wire(member, 0) for member in value]
    kinds = {kind for member in written for kind in member}
    if len(kinds) > 1 or not kinds <= {"S", "N", "B"}:
        raise TypeError("the members of a set must all be str, all bytes, or all numbers")
    (kind,) = kinds
    return {f"{kind}S": [member[kind] for member in written]}


def _integer_text(value: int) -> str:
    if -_INT_LIMIT < value < _INT_LIMIT:
        return int.__repr__(value)
    return _decimal_text(Decimal(value))  # its zeros at the end don't count as digits


def _float_text(value: float) -> str:
    if _SMALLEST_FLOAT <= abs(value) <= _LARGEST_FLOAT:
        return float.__repr__(value)
    return _decimal_text(Decimal(float.__repr__(value)))


def _decimal_text(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"DynamoDB can't store {value} as a number")
    if not value:
        return "0"
    if len(digits) > DIGITS:
        while not digits[-1]:
            digits, exponent = digits[:-1], exponent + 1
        if len(digits) > DIGITS:
            raise ValueError(f"a number must have at most {DIGITS} digits, and this one has {len(digits)}")
        value = Decimal((sign, digits, exponent))
    if not SMALLEST <= value.adjusted() <= LARGEST:
        raise ValueError(f"a number must be 0 or between 1E{SMALLEST} and 9.99E+{LARGEST} in size")
    return Decimal.__str__(value)


# ---- from the wire


def _same(value: Any) -> Any:
    return value


def _nothing(_: Any) -> None:
    return None


def _map(item: Mapping[str, Mapping[str, Any]]) -> Item:
    return {
        name: held if kind == "S" else _FROM_WIRE[kind](held)
        for name, value in item.items()
        for kind, held in value.items()
    }


def _list(values: list[Mapping[str, Any]]) -> list[Any]:
    return [held if kind == "S" else _FROM_WIRE[kind](held) for value in values for kind, held in value.items()]


def _numbers(values: list[str]) -> set[int | Decimal]:
    return {number(value) for value in values}


def _binaries(values: list[str]) -> set[bytes]:
    return {a2b_base64(value) for value in values}


_TO_WIRE: dict[type[Any], Callable[[Any, int], WireValue]] = {
    str: _string,
    bool: _boolean,  # before int, of which it is a kind
    int: _integer,
    float: _float,
    Decimal: _decimal,
    type(None): _null,
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    bytes: _binary,
    bytearray: _binary,
    memoryview: _binary,
}

_FROM_WIRE: dict[str, Callable[[Any], Any]] = {
    "S": _same,
    "N": number,
    "BOOL": _same,
    "NULL": _nothing,
    "M": _map,
    "L": _list,
    "B": a2b_base64,
    "SS": set,
    "NS": _numbers,
    "BS": _binaries,
}

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, InvalidOperation, RecursionError)


# ---- errors, which may take their time


def _explained(value: Any, path: str, error: Exception, depth: int = 0) -> InvalidValue:
    """The error, with the path of the innermost value that is at fault."""
    members: list[tuple[str, Any]] = []
    kind: type[object] = value.__class__
    if issubclass(kind, dict):
        members = [(f"{path}.{name}" if path else str(name), member) for name, member in value.items()]
    elif issubclass(kind, list | tuple):
        members = [(f"{path}[{place}]", member) for place, member in enumerate(value)]
    for inner, member in members if depth <= NESTING else ():
        try:
            _to_wire(member, depth)
        except (ValueError, TypeError) as found:
            return _explained(member, inner, found, depth + 1)
    return InvalidValue(f"{text_of(value)} can't be stored: {error}", where=f"at {path}" if path else "")


def _not_wire(value: Any, error: Exception) -> InvalidAnswer:
    return InvalidAnswer(f"{text_of(value)} is not DynamoDB's wire form: {type(error).__name__}: {error}")
