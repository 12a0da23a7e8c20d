"""The argument that is the request's body: JSON of a type, or raw."""

import re
from binascii import a2b_base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec import ValidationError

from taxiway.http.context import Json, strings
from taxiway.http.parameters import Parameter
from taxiway.http.problems import FieldError, UnsupportedMediaType
from taxiway.http.validation import Fault, faults, locate, mentions, not_finite

BodyReader: TypeAlias = Callable[[Json, list[FieldError]], Any]

_BOM = b"\xef\xbb\xbf"
"""Before JSON it is skipped: https://www.rfc-editor.org/rfc/rfc8259#section-8.1."""
_GZIP = b"\x1f\x8b"
"""The first bytes of what gzip compressed: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1."""

_JSON = r"application/(?:[\w.!#$&^-]+\+)?json\s*(?:;.*)?"


def body_reader(parameter: Parameter) -> BodyReader:
    """How to read the body from an event. Raises TypeError where msgspec can't decode its type."""
    read = _raw(parameter.type) if parameter.type in (bytes, str) else _json(parameter.type)

    def read_if_any(event: Json, errors: list[FieldError]) -> Any:
        if event.get("body"):
            return read(event, errors)
        if parameter.required:
            errors.append(_error("", "A body is required"))
        return parameter.default

    return read_if_any


def _raw(type_: type[bytes | str]) -> BodyReader:
    def read(event: Json, errors: list[FieldError]) -> Any:
        body: str = event["body"]
        if type_ is str:
            _check_coding(event)
        try:
            if event.get("isBase64Encoded"):
                raw = a2b_base64(body)
                return raw if type_ is bytes else raw.decode()
            return body.encode() if type_ is bytes else body
        except ValueError:
            errors.append(_error("", "The body is not valid UTF-8"))

    return read


def _json(type_: Any) -> BodyReader:
    decode = msgspec.json.Decoder(type_).decode
    has_decimals = mentions(type_, (Decimal,))

    def read(event: Json, errors: list[FieldError]) -> Any:
        body: str | bytes = event["body"]
        _check_content_type(strings(event, "headers").get("content-type", ""))
        _check_coding(event)
        try:
            if event.get("isBase64Encoded"):
                body = _plain(a2b_base64(body))
            elif body[0] == "\ufeff":
                body = body[1:]
            value = decode(body)
            if has_decimals and _may_hold_nan(body):
                errors += (_error(*fault) for fault in not_finite(value))
        except (ValueError, RecursionError) as error:
            errors += (_error(*fault) for fault in _explain(body, type_, error))
            return None
        return value

    return read


def _check_content_type(content_type: str) -> None:
    if content_type != "application/json" and not re.fullmatch(_JSON, content_type, re.IGNORECASE):
        sent = f"as {content_type!r}" if content_type else "with no content type"
        raise UnsupportedMediaType(f"The body was sent {sent}; send it as application/json.")


def _check_coding(event: Json) -> None:
    """Refuse a compressed body, as https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16 says."""
    coding = strings(event, "headers").get("content-encoding")
    if coding is not None and coding.strip().lower() not in ("", "identity"):
        raise _compressed(coding)


def _plain(body: bytes) -> bytes:
    """A body without its byte order mark. Raises UnsupportedMediaType where gzip has compressed it."""
    if body.startswith(_GZIP):
        raise _compressed("gzip")
    return body.removeprefix(_BOM)


def _compressed(coding: str) -> UnsupportedMediaType:
    problem = UnsupportedMediaType(f"The body was sent with the content coding {coding!r}; send it without one.")
    problem.headers["accept-encoding"] = "identity"
    return problem


def _may_hold_nan(body: str | bytes) -> bool:
    """A cheap look before the thorough one: NaN and Infinity can only come as text, plain or escaped."""
    if isinstance(body, bytes):
        body = body.decode()
    lowered = body.lower()
    return "nan" in lowered or "inf" in lowered or "\\u" in lowered


def _explain(body: str | bytes, type_: Any, error: ValueError | RecursionError) -> list[Fault]:
    """Everything wrong with a body that could not be decoded as `type_`."""
    if isinstance(error, ValidationError):
        try:
            return faults(msgspec.json.decode(body), type_) or [locate(error)]
        except ValidationError:  # a number out of range, so that nothing beyond the first fault can be looked at
            return [locate(error)]
        except (ValueError, RecursionError) as worse:  # what came after the first fault is no JSON at all
            error = worse
    if isinstance(error, RecursionError):
        return [("", "The body is nested too deeply")]
    if isinstance(error, UnicodeError):
        return [("", "The body is not valid UTF-8")]
    if isinstance(error, msgspec.DecodeError):
        return [("", f"The body is not valid JSON: {str(error).removeprefix('JSON is malformed: ')}")]
    return [("", "The body is not valid base64")]


def _error(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, detail=detail, in_="body")
