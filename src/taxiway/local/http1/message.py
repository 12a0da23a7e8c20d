"""Requests and responses, as a handler of the server gets and gives them."""

import re
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import TypeAlias

import msgspec
from msgspec import Struct

Headers: TypeAlias = list[tuple[str, str]]

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_UNSAFE = re.compile(r"[\r\n\x00]")


class Request(Struct, kw_only=True):
    """One request, as it came over the wire."""

    method: str
    target: str
    """Path and query string, percent-encoded as the client sent them; `*` for OPTIONS of the whole server."""
    host: str = ""
    """Host and port that the client addressed; empty where an HTTP/1.0 client did not say."""
    headers: Headers
    """In order, with lower-case names; a repeated header stands as often as it was sent."""
    body: bytes
    """Empty where `too_large`."""
    too_large: bool
    """The body was over the server's limit and was dropped."""
    client: str
    """The client's IP address."""
    protocol: str
    """`HTTP/1.1` or `HTTP/1.0`."""
    keep_alive: bool = True
    """Whether the connection goes on after the answer."""

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Response(Struct, kw_only=True):
    """One answer. Content-Length, Date and Connection are the server's own to add."""

    status: int
    headers: Headers = []
    body: bytes = b""


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def refusal(status: int, message: str | None = None) -> bytes:
    """The bytes of an answer that ends a connection; its message is the status's own by default."""
    reason = _REASONS[status]
    body = msgspec.json.encode({"message": message or reason})
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def render(request: Request, response: Response) -> bytes:
    """The bytes of an answer. Raises ValueError where a header would break out of its line."""
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    for name, value in response.headers:
        if _UNSAFE.search(name) or _UNSAFE.search(value):
            raise ValueError(f"the response header {name!r} contains a line break")
        lines.append(f"{name}: {value}")
    has_body = response.status >= 200 and response.status not in (204, 304)
    if has_body:
        lines.append(f"content-length: {len(response.body)}")
    lines.append(f"date: {_date()}")
    if not request.keep_alive:
        lines.append("connection: close")
    elif request.protocol == "HTTP/1.0":
        lines.append("connection: keep-alive")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if request.method == "HEAD" or not has_body else head + response.body


_clock = (0, "")


def _date() -> str:
    """The Date header, made once a second."""
    global _clock
    now = int(time())
    if _clock[0] != now:
        _clock = (now, formatdate(now, usegmt=True))
    return _clock[1]
