"""A proxy before DynamoDB that lets calls fail, in every way in which a network and a busy service do.

`with Proxy(endpoint) as proxy:` serves on `proxy.url`. What happens to a call is decided by `proxy.plan` while there is
something in it, and by chance after that; the same seed makes the same choices, in the order in which calls arrive.
"""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Mapping
from enum import Enum
from random import Random
from typing import Self
from urllib.parse import urlsplit

import msgspec


class Fault(Enum):
    """What happens to one call."""

    THROTTLE = "throttled, not carried out"
    FAIL = "answered 500, not carried out"
    FAIL_AFTER = "carried out and answered 500"
    DROP = "not carried out, the connection dropped"
    DROP_AFTER = "carried out, the connection dropped"
    CUT = "carried out, the answer cut in the middle"
    DELAY = "carried out, the answer held back"
    LATE = "carried out later, when the client has given up"


OFTEN: Mapping[Fault, float] = dict.fromkeys(Fault, 0.03)
"""About a quarter of the calls."""

_ERRORS = {
    Fault.THROTTLE: (400, "ProvisionedThroughputExceededException", "The level of configured throughput is exceeded."),
    Fault.FAIL: (500, "InternalServerError", "Internal server error"),
    Fault.FAIL_AFTER: (500, "InternalServerError", "Internal server error"),
}
_TYPE = b"content-type: application/x-amz-json-1.0\r\n"


class Proxy:
    """Passes calls on to `endpoint`. `delay` is how long, in seconds, answers are held back and calls come late."""

    def __init__(
        self, endpoint: str, *, seed: int = 0, chances: Mapping[Fault, float] | None = None, delay: float = 0.0
    ) -> None:
        self.plan: deque[Fault | None] = deque()
        self.calls = 0
        self.faults: Counter[Fault] = Counter()
        self._engine = urlsplit(endpoint)
        self._random = Random(seed)
        self._chances = dict(chances or {})
        self._delay = delay
        self._started = threading.Event()
        self._pending: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving, when everything that comes late has come. Closing twice does nothing."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 20)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._started.set()
        await self._stop.wait()
        server.close()
        late = [task for task in self._pending if task.get_name() == "late"]
        await asyncio.gather(*late)
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pending.add(task)
        try:
            while await self._answer(await _read(reader), writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or it is all over
        finally:
            self._pending.discard(task)
            writer.transport.abort()

    async def _answer(self, call: bytes, writer: asyncio.StreamWriter) -> bool:
        """Let one call come to what it is to come to; whether the connection is still good."""
        fault = self._choose()
        if fault in (Fault.THROTTLE, Fault.FAIL):
            writer.write(_error(fault))
            return True
        if fault is Fault.DROP:
            return False
        if fault is Fault.LATE:
            late = asyncio.create_task(self._late(call), name="late")
            self._pending.add(late)
            late.add_done_callback(self._pending.discard)
            await asyncio.sleep(2 * self._delay)
            return False
        answer = await self._forward(call)
        if fault is Fault.DROP_AFTER:
            return False
        if fault is Fault.CUT:
            writer.write(answer[: len(answer) - max(1, len(answer) // 8)])
            await writer.drain()
            return False
        if fault is Fault.DELAY:
            await asyncio.sleep(self._delay)
        writer.write(_error(fault) if fault is Fault.FAIL_AFTER else answer)
        return True

    def _choose(self) -> Fault | None:
        self.calls += 1
        fault = self.plan.popleft() if self.plan else self._by_chance()
        if fault is not None:
            self.faults[fault] += 1
        return fault

    def _by_chance(self) -> Fault | None:
        place = self._random.random()
        for fault, chance in self._chances.items():
            place -= chance
            if place < 0:
                return fault
        return None

    async def _late(self, call: bytes) -> None:
        await asyncio.sleep(self._delay)
        await self._forward(call)

    async def _forward(self, call: bytes) -> bytes:
        """The engine's answer. It is asked in HTTP/1.0, which ends an answer by closing the connection."""
        reader, writer = await asyncio.open_connection(self._engine.hostname, self._engine.port)
        try:
            writer.write(call.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            status = head.partition(b"\r\n")[0].partition(b" ")[2]
            return b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, _TYPE, len(body), body)
        finally:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


def _error(fault: Fault) -> bytes:
    status, kind, message = _ERRORS[fault]
    body = msgspec.json.encode({"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message})
    return b"HTTP/1.1 %d Error\r\n%scontent-length: %d\r\n\r\n%s" % (status, _TYPE, len(body), body)
