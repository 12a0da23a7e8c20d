"""HTTP/1.1 connections to one host: made, kept, shared by threads, and dropped when they can't be trusted any more."""

import select
import socket
import time
import weakref
from typing import TYPE_CHECKING, Any

from taxiway.sdk.endpoints import Endpoint
from taxiway.sdk.forks import tell_after_fork
from taxiway.sdk.responses import LARGEST_BODY, Response, ResponseError, read_response

if TYPE_CHECKING:
    from ssl import SSLContext

LONGEST_IDLE = 50.0
"""Seconds. AWS closes a connection that was idle for about 60; a frozen environment doesn't see it.

Idle time is the wall clock's: it goes on while an environment is frozen or its machine paused, and is set right after,
because signatures depend on it. A monotonic clock may stand still meanwhile.
"""
MOST_IDLE = 16
"""Connections that are kept to one host."""


class TransportError(Exception):
    """No answer came. `sent` says whether the request may have reached the service."""

    def __init__(self, problem: str, *, sent: bool) -> None:
        super().__init__(problem)
        self.sent = sent


class Connection:
    """One connection, which does one exchange at a time."""

    __slots__ = ("_poll", "_receive", "_socket", "_timeout", "_write", "idle_since")

    def __init__(self, made: Any, *, secure: bool, timeout: float) -> None:
        self._socket = made
        # Of an SSLSocket, `read` and `write` are the same with fewer steps in between.
        self._receive = made.read if secure else made.recv
        self._write = made.write if secure else made.send
        self._timeout = timeout
        poll = select.poll()
        poll.register(made, select.POLLIN)
        self._poll = poll.poll
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether it may take another request: nothing has come unasked, such as its end, and it was not idle long."""
        return 0 <= time.time() - self.idle_since <= LONGEST_IDLE and not self._poll(0)

    def exchange(self, request: bytes, timeout: float, deadline: float | None, largest: int) -> Response:
        """Send a request and read its response, waiting `timeout` seconds at most for each part of it."""
        if deadline is None:
            self._wait(timeout)
            self._send(request)
            return read_response(self._receive, largest)

        def receive(size: int) -> bytes:
            self._wait(left(timeout, deadline))
            return self._receive(size)

        self._wait(left(timeout, deadline))
        self._send(request)
        return read_response(receive, largest)

    def close(self) -> None:
        """Close the descriptor; nothing is sent, so that a child doesn't end its parent's TLS session."""
        self._socket.close()

    def _send(self, request: bytes) -> None:
        sent = self._write(request)
        while sent < len(request):
            request = request[sent:]
            sent = self._write(request)

    def _wait(self, timeout: float) -> None:
        if timeout != self._timeout:
            self._socket.settimeout(timeout)
            self._timeout = timeout


class Pool:
    """The connections to one host. Threads share it, and a child process begins without any.

    `connect_timeout` holds for a connection with its TLS handshake, `read_timeout` for each wait; both are in seconds.
    A host name is looked up by the system, which has time-outs of its own.
    """

    def __init__(
        self, endpoint: Endpoint, *, connect_timeout: float, read_timeout: float, largest: int = LARGEST_BODY
    ) -> None:
        self._endpoint = endpoint
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._largest = largest
        self._idle: list[Connection] = []
        self._context: SSLContext | None = None
        self._widened = False
        tell_after_fork(self)
        weakref.finalize(self, _close, self._idle)  # a client that nobody closed leaves no open sockets

    def exchange(self, request: bytes, deadline: float | None = None) -> Response:
        """Send a request on a connection that is idle, or on a new one.

        `deadline` is a time of `time.monotonic()` after which nothing is waited for. Raises TransportError.
        """
        if deadline is not None and time.monotonic() >= deadline:
            raise TransportError("no time is left", sent=False)
        connection = self._take() or self._connect(deadline)
        try:
            response = connection.exchange(request, self._read_timeout, deadline, self._largest)
        except (OSError, ResponseError) as error:
            connection.close()
            raise TransportError(_told(error), sent=True) from error
        except BaseException:
            connection.close()
            raise
        if response.reusable and len(self._idle) < MOST_IDLE:
            connection.idle_since = time.time()
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close the connections that are idle."""
        _close(self._idle)

    def after_fork(self) -> None:
        """Drop the connections: they are the parent's, and two processes would mix what they say on them."""
        self.close()

    def _take(self) -> Connection | None:
        while (connection := _pop(self._idle)) is not None:
            if connection.usable:
                return connection
            connection.close()
        return None

    def _connect(self, deadline: float | None) -> Connection:
        try:
            limit = time.monotonic() + self._connect_timeout
            limit = limit if deadline is None else min(limit, deadline)
            return self._secured(limit) if self._endpoint.secure else self._plain(limit)
        except OSError as error:
            raise TransportError(f"cannot connect to {self._endpoint.host}: {_told(error)}", sent=False) from error

    def _plain(self, limit: float) -> Connection:
        return Connection(_connected(self._endpoint, limit), secure=False, timeout=-1)

    def _secured(self, limit: float) -> Connection:
        from taxiway.sdk import tls

        if self._context is None:
            self._context = tls.amazon_context()
        try:
            return self._handshake(self._context, limit)
        except tls.CertificateError:
            wider = None if self._widened else tls.system_context()
            if wider is None:
                raise
            made = self._handshake(wider, limit)
            self._context, self._widened = wider, True
            return made

    def _handshake(self, context: "SSLContext", limit: float) -> Connection:
        plain = _connected(self._endpoint, limit)
        try:
            plain.settimeout(left(self._connect_timeout, limit))
            made = context.wrap_socket(plain, server_hostname=self._endpoint.name)
        except BaseException:
            plain.close()
            raise
        return Connection(made, secure=True, timeout=-1)


def _pop(idle: list[Connection]) -> Connection | None:
    try:
        return idle.pop()  # the last that was used: the others are older
    except IndexError:
        return None


def _close(idle: list[Connection]) -> None:
    while (connection := _pop(idle)) is not None:
        connection.close()


def left(timeout: float, deadline: float) -> float:
    """The seconds to wait: `timeout`, or what is left until the deadline. Raises TimeoutError where nothing is."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("timed out")
    return min(timeout, remaining)


def _connected(endpoint: Endpoint, limit: float) -> socket.socket:
    """A socket connected to the first of the host's addresses that answers; each has its share of the time."""
    name = endpoint.name.encode()  # of a str, the codec for international names would be loaded
    addresses = socket.getaddrinfo(name, endpoint.port, type=socket.SOCK_STREAM)
    failed: OSError | None = None
    for place, (family, kind, protocol, _, address) in enumerate(addresses):
        made = None
        try:
            made = socket.socket(family, kind, protocol)
            made.settimeout(left(3600, limit) / (len(addresses) - place))
            made.connect(address)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        except OSError as error:
            failed = error
            if made is not None:
                made.close()
    raise failed or OSError("the host has no address")


def _told(error: Exception) -> str:
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
