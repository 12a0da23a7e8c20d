"""Finds every fault of a value that does not fit its type, because msgspec only reports the first.

It only runs after a failure: it walks through the value and the type in parallel, and validates each invalid part with
msgspec. A union counts as a whole, unless its value shows which member was meant.
"""

import re
import types
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, MutableMapping, MutableSequence, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, TypeAlias, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

Fault: TypeAlias = tuple[str, str]
"""A JSON pointer (RFC 6901), and what is wrong there."""

MAX_FAULTS = 100
"""More would help nobody, and the response has a limit of its own."""

_MAX_DEPTH = 32
_ARRAYS = (
    *(list, set, frozenset, Sequence, MutableSequence),
    *(AbstractCollection, AbstractSet, MutableSet),
)
_OBJECTS = (dict, Mapping, MutableMapping)
_WHERE = r" - at (?:`key` in )?`\$(.*)`$"
_STEP = r"\.([^.\[\]]+)|\[(\d+)\]"


def faults(value: object, type_: Any) -> list[Fault]:
    """Everything wrong with `value`, the decoded JSON, as a `type_`; MAX_FAULTS at most."""
    found: list[Fault] = []
    _descend(value, type_, "", found, _MAX_DEPTH)
    return found


def locate(error: msgspec.ValidationError) -> Fault:
    """The fault that msgspec names, as a pointer and what is wrong."""
    message = str(error)
    where = re.search(_WHERE, message)
    if where is None:
        return "", message
    pointer, path = "", where[1]
    while step := re.match(_STEP, path):  # stops at `[...]`, which stands for any key
        pointer += "/" + _escape(step[1] or step[2])
        path = path[step.end() :]
    return pointer, message[: where.start()]


def mentions(type_: Any, wanted: tuple[Any, ...], seen: set[Any] | None = None) -> bool:
    """Whether a value of this type may hold one of the wanted types; True where that can't be seen."""
    seen = set() if seen is None else seen
    type_ = _bare(type_)
    arguments = get_args(type_)
    origin: Any = get_origin(type_) or type_
    if origin in wanted:
        return True
    if isinstance(origin, type) and issubclass(origin, Struct):
        if type_ in seen:
            return False
        seen.add(type_)
        return any(mentions(field.type, wanted, seen) for field in fields(type_))
    if not arguments and hasattr(cast(object, origin), "__annotations__"):  # a TypedDict, a NamedTuple, a dataclass
        return True
    return any(mentions(argument, wanted, seen) for argument in arguments)


def not_finite(value: object, at: str = "") -> list[Fault]:
    """Where NaN and infinities are, which Decimal and float take from text and JSON has no numbers for."""
    if isinstance(value, Decimal):
        return [] if value.is_finite() else [(at, "Expected a finite number")]
    if isinstance(value, float):
        return [] if isfinite(value) else [(at, "Expected a finite number")]
    if isinstance(value, Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        parts = [(encoded, getattr(value, name)) for name, encoded in names]
    elif isinstance(value, dict):
        parts = list(cast(dict[object, object], value).items())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(enumerate(cast(Sequence[object], value)))
    else:
        return []
    return [fault for key, part in parts for fault in not_finite(part, f"{at}/{_escape(str(key))}")]


def _descend(value: object, type_: Any, at: str, found: list[Fault], depth: int) -> None:
    if len(found) >= MAX_FAULTS:
        return
    try:
        converted = msgspec.convert(value, type_, str_keys=True)
    except msgspec.ValidationError as error:
        pointer, message = locate(error)
    else:
        if isinstance(converted, Decimal):
            found += not_finite(converted, at)
        return
    before = len(found)
    if depth:
        _descend_parts(value, _bare(type_), at, found, depth - 1)
    is_own = not pointer and isinstance(value, list)  # the length of a list is not one of its items' faults
    if (is_own or len(found) == before) and len(found) < MAX_FAULTS:
        found.append((at + pointer, message))


def _descend_parts(value: object, type_: Any, at: str, found: list[Fault], depth: int) -> None:
    if get_origin(type_) in (Union, types.UnionType):
        meant = [member for member in map(_bare, get_args(type_)) if _is_meant(value, member)]
        if len(meant) == 1:
            _descend_parts(value, meant[0], at, found, depth)
        return
    origin = get_origin(type_) or type_
    if isinstance(value, list) and origin in _ARRAYS:
        _descend_items(cast(list[object], value), (get_args(type_) or (Any,))[0], at, found, depth)
    elif isinstance(value, dict) and origin in _OBJECTS:
        for key, item in cast(dict[str, object], value).items():
            _descend(item, (*get_args(type_), Any, Any)[1], f"{at}/{_escape(key)}", found, depth)
    elif isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Struct):
        _descend_fields(cast(dict[str, object], value), type_, origin, at, found, depth)


def _descend_items(items: list[object], type_: Any, at: str, found: list[Fault], depth: int) -> None:
    """Let msgspec find the next wrong item, so that a long list with few faults costs little."""
    start = 0
    while len(found) < MAX_FAULTS:
        try:
            msgspec.convert(items[start:] if start else items, list[type_], str_keys=True)
        except msgspec.ValidationError as error:
            index = re.match(r"/(\d+)", locate(error)[0])
            if index is None:
                return
            start += int(index[1])
            _descend(items[start], type_, f"{at}/{start}", found, depth)
            start += 1
        else:
            return


def _descend_fields(
    value: dict[str, object], type_: Any, struct: type[Struct], at: str, found: list[Fault], depth: int
) -> None:
    known = set[str]()
    for field in fields(type_):
        known.add(field.encode_name)
        pointer = f"{at}/{_escape(field.encode_name)}"
        if field.encode_name in value:
            _descend(value[field.encode_name], field.type, pointer, found, depth)
        elif field.required and len(found) < MAX_FAULTS:
            found.append((pointer, "Missing required field"))
    config = struct.__struct_config__
    if config.forbid_unknown_fields:
        unknown = [name for name in value if name not in known and name != config.tag_field]
        found += ((f"{at}/{_escape(name)}", "Unknown field") for name in unknown[: MAX_FAULTS - len(found)])


def _is_meant(value: object, type_: Any) -> bool:
    origin = get_origin(type_) or type_
    if isinstance(value, list):
        return origin in _ARRAYS
    if not isinstance(value, dict) or not isinstance(origin, type) or not issubclass(origin, Struct):
        return isinstance(value, dict) and origin in _OBJECTS
    config = origin.__struct_config__
    return config.tag_field is None or cast(dict[str, object], value).get(config.tag_field) == config.tag


def _bare(type_: Any) -> Any:
    """The type inside `Annotated`, a `NewType` or a `type` alias."""
    while True:
        if get_origin(type_) is Annotated:
            type_ = type_.__origin__
        elif hasattr(type_, "__supertype__"):
            type_ = type_.__supertype__
        elif type(type_).__name__ == "TypeAliasType":
            type_ = type_.__value__
        else:
            return type_


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
