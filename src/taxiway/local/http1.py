"""A small HTTP/1.1 server for loopback: the gateway, the Lambda Runtime API and the secrets extension speak it.

httptools parses; this file keeps connections, bodies and answers in order. docs/decisions/0003 says why no larger
server stands here.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import TypeAlias, cast

import httptools
from msgspec import Struct

Headers: TypeAlias = list[tuple[str, str]]

_MAX_HEAD = 64 * 1024  # bytes of a head, and bytes read with no progress
_MAX_QUEUED = 16  # requests of one connection that wait for an answer before reading pauses
_LINGER = 2.0  # seconds
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_UNSAFE = re.compile(r"[\r\n\x00]")


class Request(Struct, kw_only=True):
    """One request, as it came over the wire."""

    method: str
    target: str
    """Path and query string, percent-encoded as the client sent them."""
    headers: Headers
    """In order, with lower-case names; a repeated header stands as often as it was sent."""
    body: bytes
    """Empty where `too_large`."""
    too_large: bool
    """The body was over the server's limit; it was read and dropped."""
    client: str
    """The client's IP address."""
    protocol: str
    """`HTTP/1.1` or `HTTP/1.0`."""

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Response(Struct, kw_only=True):
    """One answer. Content-Length, Date and Connection are the server's own to add."""

    status: int
    headers: Headers = []
    body: bytes = b""


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Serves one handler on one port until closed.

    `max_body` is in bytes. With `cancel_on_disconnect` a handler is cancelled when its client goes away; without it
    the handler runs to its end, as a Lambda function does.
    """

    def __init__(self, handler: Handler, *, max_body: int, cancel_on_disconnect: bool = False) -> None:
        self.handler = handler
        self.max_body = max_body
        self.cancel_on_disconnect = cancel_on_disconnect
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Bind and listen; 0 takes a free port. Returns the port. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        self._server.close()
        tasks = [task for connection in list(self.connections) if (task := connection.abort()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    """One client: parses requests as they arrive and answers them in that order."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._client = ""
        self._unread = 0
        self._deaf = False
        self._ended = False
        self._refusal: int | None = None
        self._continue = False
        self._writable: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases
        self._client = (transport.get_extra_info("peername") or ("",))[0]
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.connections.discard(self)
        self._deaf = True
        self._waiting.clear()
        self.resume_writing()
        if self._linger is not None:
            self._linger.cancel()
        if self._task is not None and self._server.cancel_on_disconnect:
            self._task.cancel()

    def abort(self) -> asyncio.Task[None] | None:
        """Drop the connection; returns the task of the request in hand, cancelled, where there is one."""
        self._deaf = True
        self._waiting.clear()
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # on_message_complete has seen to it
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(self._refusal or 400)
            return
        if self._unread > _MAX_HEAD:
            self._refuse(431)

    def eof_received(self) -> bool:
        """A client that only closed its writing side still gets its answers; one that is waited on is taken as gone."""
        self._deaf = self._ended = True
        return self._task is not None and not self._server.cancel_on_disconnect

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What httptools calls, in this order, for each request.

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: Headers = []
        self._in_head = True
        self._head_size = 0
        self._chunks: list[bytes] = []
        self._body_size = 0

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._grow_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow_head(len(name) + len(value) + 4)
        if self._in_head:  # a trailer is no header: RFC 9110, section 6.5.1
            self._headers.append((name.decode("latin-1").lower(), value.rstrip(b" \t").decode("utf-8", "replace")))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unread = 0
        expects = any(name == "expect" and value.lower() == "100-continue" for name, value in self._headers)
        if expects and self._parser.get_http_version() == "1.1":
            self._continue = True
            if self._task is None:
                self._send_continue()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        self._body_size += len(body)
        if self._body_size <= self._server.max_body:
            self._chunks.append(body)
        else:
            self._chunks.clear()

    def on_message_complete(self) -> None:
        self._unread = 0
        self._continue = False
        upgrade = self._parser.should_upgrade()
        if upgrade and any(name in ("content-length", "transfer-encoding") for name, _ in self._headers):
            self._refuse(400)  # the parser takes the body for the other protocol's
            return
        keep_alive = self._parser.should_keep_alive() and not upgrade
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            target=self._target.decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._chunks),
            too_large=self._body_size > self._server.max_body,
            client=self._client,
            protocol=f"HTTP/{self._parser.get_http_version()}",
        )
        self._chunks.clear()
        self._deaf = not keep_alive
        self._waiting.append((request, keep_alive))
        if len(self._waiting) >= _MAX_QUEUED:
            self._transport.pause_reading()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    def _grow_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _MAX_HEAD:
            self._refusal = 431
            raise ValueError("the head is too large")  # the only way to stop the parser in the middle of its input

    async def _answer(self) -> None:
        """Answer what has arrived, one request after the other; then close if that was all there will be."""
        try:
            while self._waiting:
                request, keep_alive = self._waiting.popleft()
                if len(self._waiting) == _MAX_QUEUED - 1 and not self._deaf:
                    self._transport.resume_reading()
                try:
                    answer = _render(request, await self._server.handler(request), keep_alive=keep_alive)
                except Exception as error:  # whatever a handler raises, the client gets an answer
                    asyncio.get_running_loop().call_exception_handler(
                        {"message": f"{request.method} {request.target} was not answered", "exception": error}
                    )
                    self._waiting.clear()
                    self._deaf = True
                    self._refusal = 500
                    break
                if self._transport.is_closing():
                    return
                self._transport.write(answer)
                if self._writable is not None:
                    await self._writable
        finally:
            self._task = None
        if self._deaf:
            self._finish()
        elif self._continue:
            self._send_continue()

    def _send_continue(self) -> None:
        self._continue = False
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, status: int) -> None:
        """Read no more; answer what came before, then answer with `status` and close."""
        self._deaf = True
        self._refusal = status
        if self._task is None:
            self._finish()

    def _finish(self) -> None:
        """Close, after the refusal where there is one."""
        if self._transport.is_closing():
            return
        if self._refusal is not None:
            reason = _REASONS[self._refusal]
            body = b'{"message":"%s"}' % reason.encode()
            head = f"HTTP/1.1 {self._refusal} {reason}\r\ncontent-type: application/json\r\nconnection: close\r\n"
            self._transport.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        if self._refusal is None or self._ended:
            self._transport.close()
            return
        # A client that is still sending would lose the answer to a reset: let it finish (RFC 9112, section 9.6).
        self._transport.resume_reading()
        self._transport.write_eof()
        self._linger = asyncio.get_running_loop().call_later(_LINGER, self._transport.abort)


_clock = (0, "")


def _date() -> str:
    """The Date header, made once a second."""
    global _clock
    now = int(time())
    if _clock[0] != now:
        _clock = (now, formatdate(now, usegmt=True))
    return _clock[1]


def _render(request: Request, response: Response, *, keep_alive: bool) -> bytes:
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
    if not keep_alive:
        lines.append("connection: close")
    elif request.protocol == "HTTP/1.0":
        lines.append("connection: keep-alive")
    head = "\r\n".join([*lines, "", ""]).encode()
    return head if request.method == "HEAD" or not has_body else head + response.body
