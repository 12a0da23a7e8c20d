"""Serves one handler on one port until closed."""

import asyncio
import math

from taxiway.local.http1.connection import Admission, Connection, Rules
from taxiway.local.http1.message import Handler


class HttpServer:
    """An HTTP/1.1 server.

    `max_body` is in bytes. With `cancel_on_disconnect` a handler is cancelled when its client goes away; without it
    the handler runs to its end, as a Lambda function does. A head must be complete, and more of a body must come,
    within `head_timeout` seconds; else the client gets 408. A connection without a request is closed after
    `idle_timeout` seconds. `admission` is asked once for each connection; whom it refuses gets 403.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        max_body: int,
        cancel_on_disconnect: bool = False,
        head_timeout: float = 15.0,
        idle_timeout: float = 75.0,
        admission: Admission | None = None,
    ) -> None:
        self.connections: set[Connection] = set()
        self._rules = Rules(
            handler=handler,
            max_body=max_body,
            cancel_on_disconnect=cancel_on_disconnect,
            admission=admission,
            head_timeout=head_timeout,
            idle_timeout=idle_timeout,
        )
        self._server: asyncio.Server | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Bind and listen; 0 takes a free port. Returns the port. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._rules, self.connections), host, port, backlog=1024
        )
        self._sweep(loop)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is None:
            return
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._server.close()
        tasks = [task for connection in list(self.connections) if (task := connection.abort()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the connections whose time is up: one timer for all, so that a request costs none."""
        now = loop.time()
        for connection in [connection for connection in self.connections if connection.deadline <= now]:
            connection.expire()
        shortest = min(self._rules.head_timeout, self._rules.idle_timeout)
        if shortest < math.inf:
            self._sweeping = loop.call_later(min(1.0, shortest / 4), self._sweep, loop)
