"""Reads one HTTP/1.1 response, bounded in every part. RFC 9112.

It reads from a function, so that it knows no sockets. A response whose end can't be told, because it has
neither a length nor chunks, is refused: it could not be told from one that was cut.
"""

from collections.abc import Callable

from msgspec import Struct

LARGEST_HEAD = 65_536
"""Bytes of a status line with its headers, and of the trailers."""
LARGEST_BODY = 160 * 1024 * 1024
"""Bytes. BatchGetItem answers up to 16 MB of items, which JSON may make ten times as long."""
MOST_HEADERS = 200

_AT_ONCE = 65_536
_INTERIM = 8
"""How many responses of 1xx may come first."""

Receive = Callable[[int], bytes]
"""Gives up to so many bytes, and none at the end of the stream."""


class ResponseError(Exception):
    """What came is not a whole HTTP response."""


class Response(Struct):
    """`headers` have their names in lower case. `reusable` says whether the connection may serve another request."""

    status: int
    headers: dict[str, str]
    body: bytes
    reusable: bool


def read_response(receive: Receive, largest: int) -> Response:
    """The next response that is not an interim one. Raises ResponseError, and what `receive` raises."""
    rest = b""
    for _ in range(_INTERIM):
        head, rest = _head(receive, rest)
        version, status, headers = _parse(head)
        if status >= 200:
            body, rest = _body(receive, rest, status, headers, largest)
            # More than the response is no answer to anything that was asked.
            reusable = version == "HTTP/1.1" and not rest and "close" not in headers.get("connection", "").lower()
            return Response(status, headers, body, reusable)
        if status == 101:
            break
    raise ResponseError("the server sent interim responses alone")


def _head(receive: Receive, data: bytes) -> tuple[bytes, bytes]:
    """The bytes up to the empty line, and those after it."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > LARGEST_HEAD:
            raise ResponseError(f"the headers exceed {LARGEST_HEAD} bytes")
        data += _some(receive, "the headers" if data else "the response")
    if end > LARGEST_HEAD:
        raise ResponseError(f"the headers exceed {LARGEST_HEAD} bytes")
    return data[:end], data[end + 4 :]


def _some(receive: Receive, what: str) -> bytes:
    more = receive(_AT_ONCE)
    if not more:
        raise ResponseError(f"the connection was closed before {what} ended")
    return more


def _parse(head: bytes) -> tuple[str, int, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    start = lines[0]
    version, status = start[:8], start[9:12]
    if (
        version not in ("HTTP/1.1", "HTTP/1.0")
        or not status.isdecimal()
        or start[8] != " "
        or start[12:13] not in ("", " ")
    ):
        raise ResponseError("the response does not begin as HTTP/1.1 does")
    if len(lines) > MOST_HEADERS:
        raise ResponseError(f"the response has more than {MOST_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name[0] in " \t" or name[-1] in " \t":
            raise ResponseError("the response has a header line that is not valid")
        name = name.lower()
        value = value.strip(" \t")
        known = headers.get(name)
        headers[name] = value if known is None else f"{known}, {value}"
    return version, int(status), headers


def _body(receive: Receive, rest: bytes, status: int, headers: dict[str, str], largest: int) -> tuple[bytes, bytes]:
    """The body, and what came after it."""
    length = headers.get("content-length")
    if "transfer-encoding" in headers:
        if length is not None or headers["transfer-encoding"].lower() != "chunked":
            raise ResponseError("the response's length can't be told: Transfer-Encoding is not just chunked")
        return _chunked(receive, rest, largest)
    if length is not None:
        if not length.isdecimal() or not length.isascii() or len(length) > 12:
            raise ResponseError("the response has a Content-Length that is not valid")
        size = int(length)
        if size > largest:
            raise ResponseError(f"the body exceeds {largest} bytes")
        return _exactly(receive, rest, size)
    if status in (204, 304):
        return b"", rest
    raise ResponseError("the response has no Content-Length")


def _exactly(receive: Receive, data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        parts = [data]
        have = len(data)
        while have < size:
            more = _some(receive, "the body")
            parts.append(more)
            have += len(more)
        data = b"".join(parts)
    return (data, b"") if len(data) == size else (data[:size], data[size:])


def _chunked(receive: Receive, rest: bytes, largest: int) -> tuple[bytes, bytes]:
    """RFC 9112 §7.1. Chunk extensions and trailers are read and dropped."""
    parts: list[bytes] = []
    total = 0
    while True:
        line, rest = _line(receive, rest)
        text = line.partition(b";")[0].strip(b" \t")
        if not text or len(text) > 8 or not frozenset(b"0123456789abcdefABCDEF").issuperset(text):
            raise ResponseError("the body has a chunk size that is not valid")
        size = int(text, 16)
        if not size:
            break
        total += size
        if total > largest:
            raise ResponseError(f"the body exceeds {largest} bytes")
        part, rest = _exactly(receive, rest, size + 2)
        if part[size:] != b"\r\n":
            raise ResponseError("the body has a chunk that does not end as it should")
        parts.append(part[:size])
    left = LARGEST_HEAD
    while line:
        line, rest = _line(receive, rest)
        left -= len(line) + 2
        if left < 0:
            raise ResponseError(f"the trailers exceed {LARGEST_HEAD} bytes")
    return b"".join(parts), rest


def _line(receive: Receive, data: bytes) -> tuple[bytes, bytes]:
    while (end := data.find(b"\r\n")) < 0:
        if len(data) > LARGEST_HEAD:
            raise ResponseError(f"a line of the body exceeds {LARGEST_HEAD} bytes")
        data += _some(receive, "the body")
    return data[:end], data[end + 2 :]
