"""A keep-alive HTTP/1.1 client on the event loop, for the requests that the gate passes on."""

import asyncio
import ssl
from time import monotonic
from typing import cast
from urllib.parse import urlsplit

import httptools
from msgspec import Struct

Headers = list[tuple[str, str]]

_IDLE_LIMIT = 50.0
"""Seconds after which an idle connection is not used again: AWS ends it at about 60."""
_MAX_IDLE = 64
_ANSWER_LIMIT = 60.0
"""Seconds."""


class Answer(Struct):
    """What came back; header names are in lower case."""

    status: int
    headers: Headers
    body: bytes


class UpstreamError(Exception):
    """No whole answer came. `sent` says whether the request may have reached the server."""

    def __init__(self, problem: str, *, sent: bool) -> None:
        super().__init__(problem)
        self.sent = sent


class Upstream:
    """Sends requests to one http or https URL, each on a connection that is idle or on a new one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self.host = parts.netloc
        """As the Host header says it."""
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if secure else 80)
        self._tls = ssl.create_default_context() if secure else None
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

    async def exchange(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """Send one request and return its answer. Raises UpstreamError."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"{method} {target} HTTP/1.1\r\nhost: {self.host}\r\n{lines}content-length: {len(body)}\r\n\r\n"
        connection = self._reusable() or await self._connect()
        try:
            async with asyncio.timeout(_ANSWER_LIMIT):
                answer = await connection.exchange(head.encode() + body)
        except TimeoutError:
            raise UpstreamError(f"no answer within {_ANSWER_LIMIT:.0f} seconds", sent=True) from None
        finally:
            if connection.is_reusable and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.close()

    def _reusable(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable and monotonic() - connection.used < _IDLE_LIMIT:
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self._open), self._name, self._port, ssl=self._tls
            )
        except OSError as error:
            raise UpstreamError(f"cannot connect: {error.strerror or error}", sent=False) from None
        return connection


class _Connection(asyncio.Protocol):
    """One connection, which has one request in hand at most."""

    def __init__(self, opened: "set[_Connection]") -> None:
        self.is_reusable = False
        self.used = 0.0
        """When its last answer was complete, by the monotonic clock."""
        self._opened = opened
        self._answer: asyncio.Future[Answer] | None = None
        self._headers: Headers = []
        self._chunks: list[bytes] = []

    async def exchange(self, request: bytes) -> Answer:
        self.is_reusable = False
        self._answer = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._headers = []
        self._chunks = []
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.is_reusable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        self._opened.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        self._opened.discard(self)
        self._fail(f"the connection was closed{f': {exc}' if exc else ''}")

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # bytes that belong to no request
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            self._fail(f"the answer is not valid HTTP: {error}")

    # What httptools calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        self.is_reusable = self._parser.should_keep_alive()
        self.used = monotonic()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), self._headers, b"".join(self._chunks)))

    def _fail(self, problem: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(UpstreamError(problem, sent=True))
