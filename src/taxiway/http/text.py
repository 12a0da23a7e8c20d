"""Arguments from text: the path, the query string, headers and cookies."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import ValidationError, convert, inspect

from taxiway.http.context import Json, strings
from taxiway.http.cookies import find_cookie
from taxiway.http.parameters import Parameter
from taxiway.http.problems import FieldError
from taxiway.http.validation import locate, mentions, not_finite

_TYPES = (
    *(inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.DecimalType, inspect.UUIDType),
    *(inspect.DateTimeType, inspect.DateType, inspect.TimeType, inspect.TimeDeltaType),
    *(inspect.EnumType, inspect.LiteralType),
)


def text_reader(parameter: Parameter) -> Callable[[Json, list[FieldError]], Any]:
    """How to read a parameter from an event. Raises TypeError where its type can't be read from text."""
    type_ = _without_none(parameter.type)
    is_list = _check(type_, parameter)
    find = (_FIND_LIST if is_list else _FIND)[parameter.source]
    name, required, default = parameter.wire, parameter.required, parameter.default
    is_plain = type_ is str
    may_be_infinite = mentions(type_, (Decimal, float))

    def read(event: Json, errors: list[FieldError]) -> Any:
        try:
            found = find(event, name)
            if found is None:
                if required:
                    raise ValidationError("Missing required parameter")
                return default
            if is_plain:
                return found
            value = convert(found, type_, strict=False)
            if may_be_infinite and not_finite(value):
                raise ValidationError("Expected a finite number")
        except ValidationError as error:
            detail = re.sub(r", got `\w+`", "", locate(error)[1])  # it got text, as every parameter is
            errors.append(FieldError(name=name, detail=detail, in_=parameter.source))
            return None
        return value

    return read


def _path(event: Json, name: str) -> str | None:
    return strings(event, "pathParameters").get(name)


def _query(event: Json, name: str) -> str | None:
    value = strings(event, "queryStringParameters").get(name)
    if value is not None and "," in value and len(_query_values(event, name)) > 1:
        raise ValidationError("Expected one value, got several")
    return value


def _query_list(event: Json, name: str) -> list[str] | None:
    return _query_values(event, name) or None


def _query_values(event: Json, name: str) -> list[str]:
    """Every value of a name, from the raw query string: the gateway joins repeats by commas that a value may hold."""
    from urllib.parse import parse_qsl

    return [value for key, value in parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True) if key == name]


def _header(event: Json, name: str) -> str | None:
    return strings(event, "headers").get(name)


def _header_list(event: Json, name: str) -> list[str] | None:
    value = _header(event, name)
    return None if value is None else [item for part in value.split(",") if (item := part.strip())]


def _cookie(event: Json, name: str) -> str | None:
    return find_cookie(event.get("cookies") or (), name)


_FIND: dict[str, Callable[[Json, str], str | None]] = {
    "path": _path,
    "query": _query,
    "header": _header,
    "cookie": _cookie,
}
_FIND_LIST: dict[str, Callable[[Json, str], list[str] | None]] = {"query": _query_list, "header": _header_list}


def _without_none(type_: Any) -> Any:
    """A parameter that is left out has its default, so the text `null` never means None."""
    if get_origin(type_) is Annotated:
        return Annotated[_without_none(type_.__origin__), *type_.__metadata__]
    members = [member for member in get_args(type_) if member is not type(None)]
    return Union[tuple(members)] if type(None) in get_args(type_) else type_  # noqa: UP007  built at run time


def _check(type_: Any, parameter: Parameter) -> bool:
    """Whether the type is a list. Raises TypeError where its values can't be read from text."""
    info = _inner(inspect.type_info(type_))
    is_list = isinstance(info, inspect.ListType)
    if isinstance(info, inspect.ListType):
        if parameter.source not in _FIND_LIST:
            raise TypeError(f"a {parameter.source} parameter has one value, not a list")
        info = _inner(info.item_type)
    members = info.types if isinstance(info, inspect.UnionType) else (info,)
    for member in members:
        if not isinstance(_inner(member), _TYPES):
            raise TypeError(f"a {parameter.source} parameter is text, from which {type_!r} can't be read")
    return is_list


def _inner(info: inspect.Type) -> inspect.Type:
    return _inner(info.type) if isinstance(info, inspect.Metadata) else info
