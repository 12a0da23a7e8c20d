"""What a function answered, as the HTTP response that API Gateway makes of it; and API Gateway's own answers."""

import binascii
import re

import msgspec
from msgspec import UNSET, Struct, UnsetType

from taxiway.local.http1 import Response

# docs/reference/gateway.md says which of these AWS documents, and what each is for.
_MESSAGES = {
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_BODIES = {status: b'{"message":"%s"}' % message.encode() for status, message in _MESSAGES.items()}

# They belong to one connection (RFC 9110, section 7.6.1), or the server writes them itself.
_NOT_FORWARDED = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("apigw-requestid", "content-length", "date"),
    }
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MalformedResponse(Exception):  # noqa: N818  it names what the function answered
    """The function's answer can't be made into an HTTP response; the message says why."""


class _Answer(Struct, rename="camel"):
    """The response format of payload 2.0."""

    status_code: int | str | UnsetType = UNSET
    headers: dict[str, str | int | float | bool] | None = None
    cookies: list[str] | None = None
    body: str | None = None
    is_base64_encoded: bool | None = False


class _Status(Struct, rename="camel"):
    status_code: msgspec.Raw | UnsetType = UNSET


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_status = msgspec.json.Decoder(_Status).decode
_decode_text = msgspec.json.Decoder(str).decode


def own_response(status: int, message: str | None = None) -> Response:
    """One of API Gateway's own answers: 404, 413, 429, 431, 500 or 503. Others need a message."""
    body = _BODIES[status] if message is None else msgspec.json.encode({"message": message})
    return Response(status=status, headers=[("content-type", "application/json")], body=body)


def function_response(payload: bytes) -> Response:
    """The HTTP response for what a function answered with (payload format 2.0).

    Only a JSON object with a `statusCode` is a response of its own. Whatever else the payload is, be it JSON or not, is
    the body of a 200; a JSON string without its quotes. Raises MalformedResponse.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    first = payload.lstrip()[:1]
    try:
        if first == b"{":
            return _object_response(payload)
        return _inferred(_decode_text(payload).encode() if first == b'"' else payload)
    except msgspec.ValidationError as error:
        raise MalformedResponse(f"the function's answer is malformed: {error}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _inferred(payload)


def _object_response(payload: bytes) -> Response:
    try:
        answer = _decode_answer(payload)
    except msgspec.ValidationError:
        if _decode_status(payload).status_code is UNSET:
            return _inferred(payload)  # then `headers` and the rest are the function's own words
        raise
    if answer.status_code is UNSET:
        return _inferred(payload)
    return _explicit(answer, _status(answer.status_code))


def _status(code: int | str) -> int:
    """A status code, which may be written as text."""
    if isinstance(code, str):
        if not re.fullmatch("[0-9]{3}", code):
            raise MalformedResponse(f"the function's answer has the statusCode {code!r}, which is not a number")
        return int(code)
    return code


def _inferred(body: bytes) -> Response:
    return Response(status=200, headers=[("content-type", "application/json")], body=body)


def _explicit(answer: _Answer, status: int) -> Response:
    if not 200 <= status <= 599:
        raise MalformedResponse(f"the function's answer has the statusCode {status}, which is not in 200 to 599")
    named: dict[str, str] = {}
    for name, value in (answer.headers or {}).items():
        if (lower := name.lower()) not in _NOT_FORWARDED:
            named[lower] = _checked(name, value if isinstance(value, str) else _text(value))
    body = (answer.body or "").encode()
    if answer.is_base64_encoded:
        try:
            body = binascii.a2b_base64(body, strict_mode=True) if body else body
        except binascii.Error as error:
            raise MalformedResponse(f"the function's answer has a body that is not base64: {error}") from None
    if body:
        named.setdefault("content-type", "text/plain; charset=utf-8")
    cookies = [("set-cookie", _checked("set-cookie", cookie)) for cookie in answer.cookies or ()]
    return Response(status=status, headers=[*cookies, *named.items()], body=body)


def _text(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        raise MalformedResponse(f"the function's answer has a header that is not an HTTP header name: {name!r}")
    if _UNSAFE.search(value):
        raise MalformedResponse(f"the function's answer has a line break or a control character in the header {name!r}")
    return value
