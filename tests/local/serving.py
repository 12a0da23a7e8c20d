"""A real HTTP server for the tests of this directory, on a free port, with its event loop in a thread of its own."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Any, Self

import uvloop

from taxiway.local.callers import OwnHosts
from taxiway.local.gateway import MAX_BODY, Entry, Gateway
from taxiway.local.http1 import Handler, HttpServer
from taxiway.local.invocation import Outcome
from taxiway.local.manifest import Manifest, ServedCors, ServedRoute, ServedThrottle

PATIENCE = 20  # seconds that a test waits for what must happen


class Serving:
    """Serves a handler while it is entered."""

    def __init__(self, handler: Handler, *, loop: str = "asyncio", max_body: int = 1000, **options: Any) -> None:
        self._server = HttpServer(handler, max_body=max_body, **options)
        self._new_loop = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.port = 0
        self.problems: list[dict[str, Any]] = []
        """What the event loop's exception handler was told."""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._new_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _, context: self.problems.append(context))
        self._stop = asyncio.Event()
        self.port = await self._server.start()
        self._started.set()
        await self._stop.wait()
        await self._server.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def exchange(self, *parts: bytes) -> bytes:
        """Send bytes, half-close, and read until the server closes."""
        with self.connect() as client:
            for part in parts:
                client.sendall(part)
            with suppress(OSError):  # a server that has refused already may have closed
                client.shutdown(socket.SHUT_WR)
            return read_to_end(client)

    def request(
        self, method: str, target: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> "Answer":
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())


class Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The value of a header that stands at most once."""
        values = self.all(name)
        assert len(values) <= 1
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


def read_to_end(client: socket.socket) -> bytes:
    chunks: list[bytes] = []
    while chunk := client.recv(1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def a_plan(
    routes: Iterable[str | tuple[str, ServedThrottle]],
    cors: ServedCors | None = None,
    backend: str = "items",
    authorizer: str | None = None,
) -> Manifest:
    """A plan of route keys, each with a function that is called like it, all behind the authorizer."""
    plans: list[ServedRoute] = []
    for route in routes:
        key, throttle = route if isinstance(route, tuple) else (route, None)
        method, path = ("ANY", key) if key == "$default" else key.split(" ")
        plans.append(
            ServedRoute(
                key=key,
                method=method,
                path=path,
                function=key,
                handler="m.f",
                throttle=throttle,
                authorizer=authorizer,
            )
        )
    return Manifest(
        backend=backend,
        stage="test",
        region="us-east-1",
        account="123456789012",
        routes=tuple(plans),
        functions=(),
        table=None,
        cors=cors,
        secrets=(),
    )


class InProcess:
    """An invoker that calls a Python function with the event and takes what it returns as the function's answer.

    An Outcome that it returns stands for itself, and what it raises goes through.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.invoked: list[tuple[str, str]] = []
        """Function and trace id of each invocation."""

    async def invoke(self, function: str, event: bytes, *, trace_id: str) -> Outcome:
        self.invoked.append((function, trace_id))
        answer = self._function(json.loads(event))
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, Outcome) else Outcome(payload=json.dumps(answer).encode(), cold=False)


class ServedGateway(Serving):
    """A gateway behind a real server; `entries` are what it logged. Echoes the event where no function is given."""

    def __init__(
        self,
        *routes: str | tuple[str, ServedThrottle],
        function: Callable[[Any], Any] = lambda event: event,
        cors: ServedCors | None = None,
        timeout: float = 30.0,
        is_open: bool = False,
        authorizer: str | None = None,
    ) -> None:
        self.entries: list[Entry] = []
        self.invoker = InProcess(function)
        hosts = OwnHosts("127.0.0.1", ["x", ".amazonaws.com", "api.example.com"])
        plan = a_plan(routes, cors, authorizer=authorizer)
        self.gateway = Gateway(plan, self.invoker, self.entries.append, hosts=hosts, timeout=timeout, is_open=is_open)
        super().__init__(self.gateway.handle, max_body=MAX_BODY)
