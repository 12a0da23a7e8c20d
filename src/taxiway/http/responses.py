"""What a handler answers with, and how it becomes the response that API Gateway reads.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from msgspec import Raw
from msgspec.json import Encoder

from taxiway.http.compression import MINIMUM, accepts_gzip, gzip, is_compressible
from taxiway.http.context import Json, strings
from taxiway.http.preconditions import add_etag, compressed, is_current, version_field

T = TypeVar("T")

JSON = "application/json"

_encode_exactly = Encoder(decimal_format="number").encode
_encode_finitely = Encoder(decimal_format=lambda number: Raw(str(number)) if number.is_finite() else None).encode


class Response(Generic[T]):
    """An answer with a status, headers and cookies of its own.

    With no `content_type`, bytes are `application/octet-stream` and anything else is JSON. With one, a str or bytes is
    sent as it is and anything else is JSON under that type. `cookies` are values made by `set_cookie`.
    """

    __slots__ = ("body", "content_type", "cookies", "headers", "status")

    def __init__(
        self,
        body: T = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
        content_type: str | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()} if headers else {}
        self.cookies = cookies
        self.content_type = content_type
        for name, value in self.headers.items():
            if "\n" in value or "\r" in value:
                raise ValueError(f"the header {name!r} has a line break in its value")


class Created(Response[T]):
    """201, and where the new resource is: a URL or path, in which what no URL may hold is percent-encoded."""

    __slots__ = ()

    def __init__(
        self,
        body: T,
        *,
        location: str | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Sequence[str] = (),
    ) -> None:
        super().__init__(body, status=201, headers=headers, cookies=cookies)
        if location is not None:
            self.headers["location"] = _uri(location)


class Accepted(Response[T]):
    """202: accepted, and not done yet."""

    __slots__ = ()

    def __init__(self, body: T, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body, status=202, headers=headers)


class NoContent(Response[None]):
    """204. A handler that returns None answers the same."""

    __slots__ = ()

    def __init__(self, *, headers: Mapping[str, str] | None = None, cookies: Sequence[str] = ()) -> None:
        super().__init__(None, status=204, headers=headers, cookies=cookies)


def render(result: Any, event: Json) -> Json:
    """The payload 2.0 response for a handler's result."""
    if result is None:
        return _empty(204, {})
    if not isinstance(result, Response):
        content_type, body = _encode(result, None)
        headers = {"content-type": content_type}
        if name := version_field(result.__class__):
            add_etag(headers, getattr(result, name), event)
        return assemble(200, headers, body, event, binary=isinstance(result, bytes))
    response = cast(Response[Any], result)
    headers = dict(response.headers)
    if response.status in (204, 304) or response.body is None:
        rendered = _empty(response.status, headers)
    else:
        headers["content-type"], body = _encode(response.body, response.content_type or headers.get("content-type"))
        if name := version_field(response.body.__class__):
            add_etag(headers, getattr(response.body, name), event)
        binary = isinstance(response.body, bytes)
        rendered = assemble(response.status, headers, body, event, binary=binary)
    if response.cookies:
        rendered["cookies"] = list(response.cookies)
    return rendered


def assemble(status: int, headers: dict[str, str], body: bytes, event: Json, *, binary: bool = False) -> Json:
    """A response with an encoded body, compressed if that helps and the client accepts it.

    It is 304 and empty if the client already has this representation.
    """
    squeeze = False
    if len(body) >= MINIMUM and "content-encoding" not in headers and is_compressible(headers["content-type"]):
        varies = headers.get("vary")
        if varies is None or "accept-encoding" not in varies.lower():
            headers["vary"] = f"{varies}, accept-encoding" if varies else "accept-encoding"
        squeeze = accepts_gzip(strings(event, "headers").get("accept-encoding", ""))
    if "etag" in headers:
        if squeeze:
            headers["etag"] = compressed(headers["etag"])
        if status == 200 and is_current(headers["etag"], event):
            del headers["content-type"]
            return _empty(304, headers)
    if squeeze:
        headers["content-encoding"] = "gzip"
        body, binary = gzip(body), True
    text = b2a_base64(body, newline=False).decode() if binary else body.decode()
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": binary}


def _empty(status: int, headers: dict[str, str]) -> Json:
    return {"statusCode": status, "headers": headers, "body": "", "isBase64Encoded": False}


def encode_json(value: Any) -> bytes:
    """JSON in which Decimals are numbers with every digit, and datetimes ISO 8601, those in UTC with a `Z`.

    Numbers that are not finite become null, as msgspec writes floats; it would write a Decimal as NaN, which is not
    valid JSON.
    """
    body = _encode_exactly(value)
    return _encode_finitely(value) if b"NaN" in body or b"Infinity" in body else body


def _encode(body: Any, content_type: str | None) -> tuple[str, bytes]:
    if isinstance(body, bytes):
        return content_type or "application/octet-stream", body
    if content_type is None or not isinstance(body, str):
        return content_type or JSON, encode_json(body)
    if content_type.startswith("text/") and "charset" not in content_type:
        content_type += "; charset=utf-8"
    return content_type, body.encode()


def _uri(location: str) -> str:
    if location.isascii() and location.isprintable() and " " not in location:
        return location
    from urllib.parse import quote

    return quote(location, safe="!#$%&'()*+,/:;=?@[]~")
