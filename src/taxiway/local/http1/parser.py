"""Reads HTTP/1.1 requests from bytes, strictly: what two servers could read in two ways is refused (RFC 9112)."""

import re
from collections.abc import Iterator

from taxiway.local.http1.message import Headers, Request

MAX_HEAD = 64 * 1024
"""Bytes of a request line and its headers, or of a trailer section."""

_MAX_CHUNK_LINE = 4096  # bytes of a chunk's size and its extensions

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  the grammar's word: RFC 9110, section 5.6.2
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([\x21-\x7e]+) (HTTP/\d\.\d)")
_FIELDS = re.compile(rf"(?:{_TOKEN}:[\t\x20-\x7e\x80-\xff]*\r\n)*")
_CAN_BEGIN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]|\r?\Z")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_ABSOLUTE = re.compile(r"https?://([^/?]*)([/?].*)?", re.IGNORECASE)
# A DNS name or an address. RFC 3986 also lets a registered name hold what no DNS name does; nobody sends it.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::\d{0,5})?", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?")
# What decides where a request ends, and for whom it is.
_DECISIVE = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding"})


class Refused(Exception):  # noqa: N818  it is the client's error, and the server's answer
    """What arrived is not a request that is served: the connection ends with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class RequestParser:
    """Cuts the bytes of one connection into requests. A body of more than `max_body` bytes is read and dropped."""

    def __init__(self, *, client: str, max_body: int) -> None:
        self.awaits_continue = False
        """The client waits for 100 Continue before it sends the body (RFC 9110, section 10.1.1)."""
        self.abandoned = False
        """A body was refused before it was read, so it may still be on its way."""
        self._client = client
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0  # bytes of the buffer in which the head does not end
        self._request: Request | None = None  # the one whose body is being read
        self._remaining: int | None = None  # bytes of the body that are to come; None where it is chunked
        self._chunks = _Chunks(max_body)

    @property
    def in_head(self) -> bool:
        """A head has begun and is not complete."""
        return self._request is None and bool(self._buffer)

    @property
    def in_body(self) -> bool:
        """A body is not complete."""
        return self._request is not None

    def feed(self, data: bytes) -> Iterator[Request]:
        """The requests that are complete with these bytes. Nothing is read after one that ends the connection.

        Raises Refused; the requests that came before are given first.
        """
        self._buffer += data
        while self._request is not None or self._read_head():
            request = self._request
            assert request is not None
            if not self._read_body(request):
                return
            self._request = None
            yield request
            if not request.keep_alive:
                self._buffer.clear()
                return

    def _read_head(self) -> bool:
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):  # RFC 9112, section 2.2
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n", self._searched)
        if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
            raise Refused(431)
        if end < 0:
            _check_beginning(buffer, self._searched)
            self._searched = max(0, len(buffer) - 3)
            return False
        head = buffer[: end + 2].decode("latin-1")
        del buffer[: end + 4]
        self._searched = 0
        self._begin(head)
        return True

    def _begin(self, head: str) -> None:
        """Take a request's head, whose lines all end in CRLF, and make ready for its body."""
        line, _, fields = head.partition("\r\n")
        method, target, protocol = _request_line(line)
        headers, decisive = _headers(fields)
        hosts = decisive.get("host", [])
        if len(hosts) != 1 and (hosts or protocol == "HTTP/1.1"):  # RFC 9112, section 3.2
            raise Refused(400)
        if not all(_HOST.fullmatch(host) for host in hosts):
            raise Refused(400)
        host = "".join(hosts)
        if not target.startswith("/"):
            target, host = _absolute(method, target, host)
            headers = [(name, host if name == "host" else value) for name, value in headers]
        length = _length(decisive.get("content-length"), decisive.get("transfer-encoding"), protocol)
        self._request = Request(
            method=method,
            target=target,
            host=host,
            headers=headers,
            body=b"",
            too_large=length is not None and length > self._max_body,
            client=self._client,
            protocol=protocol,
            keep_alive=_keeps_alive(decisive.get("connection", []), protocol),
        )
        self._remaining = length
        expected = decisive.get("expect", [])
        if expected and protocol == "HTTP/1.1" and length != 0 and "100-continue" in map(str.lower, expected):
            self._expect(self._request)

    def _expect(self, request: Request) -> None:
        """Ask for the body, or refuse it before it is sent."""
        if request.too_large:
            self.abandoned = True
            request.keep_alive = False
            self._remaining = 0
        else:
            self.awaits_continue = True

    def _read_body(self, request: Request) -> bool:
        if self._remaining is None:
            return self._read_chunks(request)
        buffer = self._buffer
        if request.too_large:
            dropped = min(self._remaining, len(buffer))
            del buffer[:dropped]
            self._remaining -= dropped
            return self._remaining == 0
        if len(buffer) < self._remaining:
            return False
        if self._remaining:
            with memoryview(buffer) as view:
                request.body = bytes(view[: self._remaining])
            del buffer[: self._remaining]
        self.awaits_continue = False
        return True

    def _read_chunks(self, request: Request) -> bool:
        if not self._chunks.read(self._buffer):
            return False
        request.body, request.too_large = bytes(self._chunks.body), self._chunks.too_large
        self._chunks = _Chunks(self._max_body)
        self.awaits_continue = False
        return True


class _Chunks:
    """The chunks of one body: RFC 9112, section 7.1."""

    def __init__(self, max_body: int) -> None:
        self.body = bytearray()
        self.too_large = False
        self._max_body = max_body
        self._remaining = 0  # bytes of the present chunk that are to come
        self._in_data = False  # also after them, until the CRLF that ends a chunk
        self._in_trailer = False

    def read(self, buffer: bytearray) -> bool:
        """Take what has arrived out of the buffer; true where the body is complete. Raises Refused."""
        while not self._in_trailer:
            if not (self._read_data(buffer) if self._in_data else self._read_size(buffer)):
                return False
        return _skip_trailer(buffer)

    def _read_size(self, buffer: bytearray) -> bool:
        end = buffer.find(b"\r\n")
        if end > _MAX_CHUNK_LINE or (end < 0 and len(buffer) > _MAX_CHUNK_LINE):
            raise Refused(400)
        if end < 0:
            return False
        size = _CHUNK_LINE.fullmatch(buffer, 0, end)
        if size is None:
            raise Refused(400)
        self._remaining = int(size[1], 16)
        self._in_data = self._remaining > 0
        self._in_trailer = not self._in_data
        size = None  # a match holds on to the buffer, which could not be cut then
        del buffer[: end + 2]
        return True

    def _read_data(self, buffer: bytearray) -> bool:
        taken = min(self._remaining, len(buffer))
        if len(self.body) + taken > self._max_body:
            self.too_large = True
            self.body.clear()
        if not self.too_large:
            self.body += buffer[:taken]
        del buffer[:taken]
        self._remaining -= taken
        if self._remaining or len(buffer) < 2:
            return False
        if not buffer.startswith(b"\r\n"):
            raise Refused(400)
        del buffer[:2]
        self._in_data = False
        return True


def _skip_trailer(buffer: bytearray) -> bool:
    """Drop the trailer section, which is not part of the headers. Fields that frame a message may not be in it.

    RFC 9110, section 6.5.1. Raises Refused.
    """
    if buffer.startswith(b"\r\n"):
        del buffer[:2]
        return True
    end = buffer.find(b"\r\n\r\n")
    if end > MAX_HEAD or (end < 0 and len(buffer) > MAX_HEAD):
        raise Refused(431)
    if end < 0:
        return False
    trailer, _ = _headers(buffer[: end + 2].decode("latin-1"))
    if any(name in _DECISIVE for name, _ in trailer):
        raise Refused(400)
    del buffer[: end + 4]
    return True


def _check_beginning(buffer: bytearray, start: int) -> None:
    """Refuse at once what can't become a head, however much follows: TLS, HTTP/0.9, lines that end in LF alone."""
    if not _CAN_BEGIN.match(buffer) or _BARE_LINE_FEED.search(buffer, start):
        raise Refused(400)
    end = buffer.find(b"\r\n")
    if end >= 0:
        _request_line(buffer[:end].decode("latin-1"))


def _request_line(line: str) -> tuple[str, str, str]:
    """Method, target and protocol: RFC 9112, section 3."""
    parts = _REQUEST_LINE.fullmatch(line)
    if parts is None:
        raise Refused(400)
    method, target, protocol = parts.groups()
    if protocol not in ("HTTP/1.1", "HTTP/1.0"):
        raise Refused(505)
    if method == "CONNECT":  # it asks for a tunnel, and what follows its head would be no body
        raise Refused(501)
    return method, target, protocol


def _headers(fields: str) -> tuple[Headers, dict[str, list[str]]]:
    """The headers in order, and the values of those that are decisive."""
    if not _FIELDS.fullmatch(fields):
        raise Refused(400)
    is_ascii = fields.isascii()
    headers: Headers = []
    decisive: dict[str, list[str]] = {}
    for field in fields.split("\r\n")[:-1]:
        name, _, value = field.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not is_ascii:
            value = value.encode("latin-1").decode("utf-8", "replace")
        headers.append((name, value))
        if name in _DECISIVE:
            decisive.setdefault(name, []).append(value)
    return headers, decisive


def _absolute(method: str, target: str, host: str) -> tuple[str, str]:
    """Target and host of a request whose target is not a path. A URL's host wins: RFC 9112, section 3.2.2."""
    if target == "*" and method == "OPTIONS":
        return target, host
    parts = _ABSOLUTE.fullmatch(target)
    if parts is None or not _HOST.fullmatch(parts[1]):
        raise Refused(400)
    path = parts[2] or "/"
    return path if path.startswith("/") else f"/{path}", parts[1]


def _keeps_alive(values: list[str], protocol: str) -> bool:
    """Whether the connection goes on: RFC 9112, section 9.3."""
    if not values:
        return protocol == "HTTP/1.1"
    options = {option.strip().lower() for value in values for option in value.split(",")}
    return "close" not in options if protocol == "HTTP/1.1" else "keep-alive" in options


def _length(lengths: list[str] | None, codings: list[str] | None, protocol: str) -> int | None:
    """How long the body is; None where it is chunked: RFC 9112, section 6.3."""
    if codings:
        if lengths or protocol != "HTTP/1.1":
            raise Refused(400)
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise Refused(501)
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(400)
    return int(lengths[0])
