"""Requests as JSON and answers from it, with typed errors for what can't be one."""

from typing import Any, TypeVar

import msgspec

from taxiway.sdk.errors import InvalidAnswer, InvalidValue

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


def encode(request: object) -> bytes:
    """A request as it is sent. Raises InvalidValue where a text is not valid Unicode."""
    try:
        return _encoder.encode(request)
    except UnicodeEncodeError:
        where = _path_of_surrogate(msgspec.to_builtins(request, builtin_types=(bytes,)), "")
        raise InvalidValue(
            "A text has a lone surrogate, which is not valid Unicode and can't be sent", where=f"at {where}"
        ) from None
    except (TypeError, RecursionError) as error:
        raise InvalidValue(f"The request can't be encoded: {error}") from None


def decode(body: bytes, kind: type[T]) -> T:
    """The body of an answer of status 200. Raises InvalidAnswer, which shows no part of the body."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidAnswer(f"The answer is not what the operation answers: {error}") from None


def _path_of_surrogate(value: Any, path: str) -> str:
    """Where the text is that can't be encoded; "" where there is none."""
    if isinstance(value, str):
        return path if any("\ud800" <= each <= "\udfff" for each in value) else ""
    members: list[tuple[str, Any]] = []
    kind: type[object] = value.__class__
    if issubclass(kind, dict):
        members = [(f"{path}.{ascii(name)[1:-1]}" if path else ascii(name)[1:-1], value[name]) for name in value]
        for (inner, _), name in zip(members, value, strict=True):
            if _path_of_surrogate(name, inner):
                return inner
    elif issubclass(kind, list | tuple):
        members = [(f"{path}[{place}]", member) for place, member in enumerate(value)]
    return next((found for inner, member in members if (found := _path_of_surrogate(member, inner))), "")
