"""One connection of the HTTP server: keeps requests and answers in order, and its client to the time it has."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from msgspec import Struct

from taxiway.local.http1.message import Handler, Request, refusal, render
from taxiway.local.http1.parser import Refused, RequestParser

_MAX_QUEUED = 16  # requests of one connection that wait for an answer before reading pauses
_LINGER = 2.0  # seconds

Address: TypeAlias = tuple[str, int]
Admission: TypeAlias = Callable[[Address], Awaitable[str | None]]
"""Takes a client's address; gives the reason why it is refused, or None where it is served."""


class Rules(Struct, frozen=True, kw_only=True):
    """What a server does, and what it holds its clients to."""

    handler: Handler
    max_body: int
    """Bytes."""
    cancel_on_disconnect: bool
    admission: Admission | None
    """Asked once for each connection, before its first request is served."""
    head_timeout: float
    """Seconds within which a head must be complete, and within which more of a body must come."""
    idle_timeout: float
    """Seconds after which a connection without a request is closed."""


class Connection(asyncio.Protocol):
    """One client: its requests as they arrive, and the answers in that order."""

    def __init__(self, rules: Rules, connections: "set[Connection]") -> None:
        self.deadline = math.inf
        """When `expire` is to be called, by the loop's clock."""
        self._rules = rules
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._admitted = rules.admission is None
        self._deaf = False
        self._ended = False
        self._refusal: bytes | None = None
        self._continued = False
        self._writable: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        self._peer: Address = (transport.get_extra_info("peername") or ("", 0))[:2]
        self._parser = RequestParser(client=self._peer[0], max_body=self._rules.max_body)
        self._connections.add(self)
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._deaf = True
        self._waiting.clear()
        del self._parser  # what has arrived of a body is given back at once
        self.resume_writing()
        if self._linger is not None:
            self._linger.cancel()
        if self._task is not None and self._rules.cancel_on_disconnect:
            self._task.cancel()

    def abort(self) -> asyncio.Task[None] | None:
        """Drop the connection; returns the task of the request in hand, cancelled, where there is one."""
        self._deaf = True
        self._waiting.clear()
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def expire(self) -> None:
        """The deadline has passed: answer 408 where a request has begun, and close."""
        self.deadline = math.inf
        if self._parser.in_head or self._parser.in_body:
            self._refuse(408)
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        parser = self._parser
        was_in_head = parser.in_head
        try:
            for request in parser.feed(data):
                self._take(request)
        except Refused as refused:
            self._refuse(refused.status)
            return
        if self._task is not None:
            return
        if parser.awaits_continue:
            self._send_continue()
        if parser.in_body or (parser.in_head and not was_in_head):
            self.deadline = self._loop.time() + self._rules.head_timeout

    def eof_received(self) -> bool:
        """A client that only closed its writing side still gets its answers; one that is waited on is taken as gone."""
        self._deaf = self._ended = True
        return self._task is not None and not self._rules.cancel_on_disconnect

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _take(self, request: Request) -> None:
        self._deaf = not request.keep_alive
        self._continued = False
        self._waiting.append(request)
        if len(self._waiting) == _MAX_QUEUED:
            self._transport.pause_reading()
        if self._task is None:
            self.deadline = math.inf
            self._task = self._loop.create_task(self._answer())

    async def _answer(self) -> None:
        """Answer what has arrived, one request after the other; then close if that was all there will be."""
        try:
            if self._admitted or await self._is_admitted():
                await self._answer_waiting()
        finally:
            self._task = None
        if self._transport.is_closing():
            return
        if self._deaf:
            self._finish()
            return
        if self._parser.awaits_continue:
            self._send_continue()
        self._rest()

    async def _answer_waiting(self) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            if len(self._waiting) == _MAX_QUEUED - 1 and not self._deaf:
                self._transport.resume_reading()
            try:
                answer = render(request, await self._rules.handler(request))
            except Exception as error:  # whatever a handler raises, the client gets an answer
                self._loop.call_exception_handler(
                    {"message": f"{request.method} {request.target} was not answered", "exception": error}
                )
                self._waiting.clear()
                self._refuse(500)
                return
            if self._transport.is_closing():
                return
            self._transport.write(answer)
            if self._writable is not None:
                await self._writable

    async def _is_admitted(self) -> bool:
        assert self._rules.admission is not None
        reason = await self._rules.admission(self._peer)
        self._admitted = reason is None
        if reason is not None:
            self._waiting.clear()
            self._refuse(403, reason)
        return self._admitted

    def _rest(self) -> None:
        """Give the client its time for the next request, or for the rest of one that has begun."""
        begun = self._parser.in_head or self._parser.in_body
        self.deadline = self._loop.time() + (self._rules.head_timeout if begun else self._rules.idle_timeout)

    def _send_continue(self) -> None:
        if not self._continued:
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, status: int, message: str | None = None) -> None:
        """Read no more; answer what came before, then answer with `status` and close."""
        self._deaf = True
        self._refusal = refusal(status, message)
        if self._task is None:
            self._finish()

    def _finish(self) -> None:
        """Close, after the refusal where there is one."""
        if self._transport.is_closing():
            return
        if self._refusal is not None:
            self._transport.write(self._refusal)
        if self._ended or (self._refusal is None and not self._parser.abandoned):
            self._transport.close()
            return
        # A client that is still sending would lose the answer to a reset: let it finish (RFC 9112, section 9.6).
        self._transport.resume_reading()
        self._transport.write_eof()
        self._linger = self._loop.call_later(_LINGER, self._transport.abort)
