"""A load generator for loopback: keeps N connections busy with one request, and tells how long the answers took."""

import asyncio
from time import perf_counter
from typing import NamedTuple, cast


class Load(NamedTuple):
    """What came of a run; times in ms."""

    per_second: float
    p50: float
    p99: float
    failed: int


def request_bytes(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send `request` again and again on each of `connections`, one at a time on each, for `seconds`."""
    loop = asyncio.get_running_loop()
    clients = [_Client(request) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    begin = perf_counter()
    for client in clients:
        client.start(begin + seconds)
    await asyncio.gather(*(client.done for client in clients))
    took = perf_counter() - begin
    times = sorted(time for client in clients for time in client.times)
    return Load(
        per_second=len(times) / took,
        p50=times[len(times) // 2] * 1e3,
        p99=times[int(len(times) * 0.99)] * 1e3,
        failed=sum(client.failed for client in clients),
    )


class _Client(asyncio.Protocol):
    """One connection; reads answers that carry a Content-Length."""

    def __init__(self, request: bytes) -> None:
        self.times: list[float] = []
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def start(self, until: float) -> None:
        self._until = until
        self._send()

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        now = perf_counter()
        self.times.append(now - self._sent)
        self.failed += head[9:10] != b"2"
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()
