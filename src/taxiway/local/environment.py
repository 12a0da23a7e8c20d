"""One execution environment: a process that runs a function's handler, one event at a time, until it is ended.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from taxiway.local.family import Family
from taxiway.local.invocation import Failure, Outcome
from taxiway.local.manifest import ServedFunction
from taxiway.local.runtime_api import TOO_LARGE, FunctionError, Invocation, RuntimeApi

Stream: TypeAlias = Literal["stdout", "stderr"]
Output: TypeAlias = Callable[[str, str, Stream], None]
"""Takes a function's name, a line that it printed, and where it printed it."""

INIT_TIMEOUT = 10.0
"""Seconds that Lambda gives a function to import its module."""

_MB = 1024 * 1024
_MEMORY_EVERY = 0.025  # seconds
_PIPES_CLOSE_WITHIN = 1.0  # seconds after the process has ended; a child that left its group may hold them open
_LONGEST_LINE = 64 * 1024  # bytes


class Ending(Struct, frozen=True):
    """Why an environment has ended."""

    failure: Failure
    words: str
    names_request: bool = False

    def outcome(self, request_id: str, *, cold: bool, duration_ms: float = 0.0) -> Outcome:
        """What the invocation that it cost is told."""
        detail = f"RequestId: {request_id} Error: {self.words}" if self.names_request else self.words
        return Outcome(failure=self.failure, detail=detail, cold=cold, duration_ms=duration_ms)


_KILLED = Ending("exit", "Runtime exited with error: signal: killed", names_request=True)


class Environment:
    """A process, its port of the Runtime API, and the limits that it is held to.

    `on_ready` is called each time that it can take an event, `on_ending` once, when the process is gone and reaped.
    """

    def __init__(
        self,
        function: ServedFunction,
        *,
        arn: str,
        output: Output,
        on_ready: "Callable[[Environment], None]",
        on_ending: "Callable[[Environment], None]",
        init_timeout: float = INIT_TIMEOUT,
    ) -> None:
        self.function = function
        self.ending: Ending | None = None
        """Set as soon as it is decided that the environment ends."""
        self.initialized = False
        self.gone = asyncio.Event()
        self._arn = arn
        self._output = output
        self._on_ready = on_ready
        self._on_ending = on_ending
        self._init_timeout = init_timeout
        self._api = RuntimeApi(self, admission=self._admit if sys.platform == "linux" else None)
        self._running = asyncio.Event()
        self._idle = False
        self._used = False
        self._reaped = False
        self._request_id = ""
        self._delivered = 0.0
        self._answer: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._active = asyncio.Event()

    async def start(self, command: Sequence[str], *, variables: Mapping[str, str], directory: Path) -> None:
        """Start the process; `on_ready` is called when its module is imported. Raises OSError where it can't be."""
        loop = asyncio.get_running_loop()
        address = await self._api.start()
        lifeline, self._lifeline = os.pipe()  # its other end is the process's standard input: see bootstrap.py
        try:
            await loop.subprocess_exec(
                lambda: _Streams(self._print, self._started, self._exited, self._finish),
                *command,
                env={**variables, "AWS_LAMBDA_RUNTIME_API": address},
                cwd=directory,
                stdin=lifeline,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError):
            os.close(self._lifeline)
            await self._api.close()
            raise
        finally:
            os.close(lifeline)

    async def invoke(self, event: bytes, *, request_id: str, trace_id: str) -> Outcome:
        """Run the handler on one event. It must be ready; it is again when `on_ready` is called."""
        loop = asyncio.get_running_loop()
        timeout = self.function.timeout
        self._idle = False
        self._request_id = request_id
        self._delivered = time.perf_counter()  # uvloop's own clock counts whole milliseconds
        self._answer = loop.create_future()
        self._timer = loop.call_later(timeout, self._timed_out)
        self._active.set()
        deadline = int(time.time() * 1000) + timeout * 1000
        self._api.deliver(
            Invocation(request_id=request_id, event=event, arn=self._arn, trace_id=trace_id, deadline=deadline)
        )
        return await self._answer

    def kill(self, ending: Ending | None = None) -> None:
        """End the process and all that it started, at once."""
        self.ending = self.ending or ending or _KILLED
        self._kill_group()

    # What the Runtime API reports.

    def on_next(self) -> None:
        if self._idle or self.ending is not None:
            return
        self._stop_timer()
        self._idle = self.initialized = True
        self._on_ready(self)

    def on_init_error(self, error: FunctionError) -> None:
        self.kill(Ending("init", str(error)))

    def on_answer(self, answer: bytes | FunctionError) -> None:
        duration = self._elapsed()
        if isinstance(answer, bytes):
            self._settle(Outcome(payload=answer, cold=not self._used, duration_ms=duration))
        else:
            failure = "payload" if answer is TOO_LARGE else "error"
            self._settle(Outcome(failure=failure, detail=str(answer), cold=not self._used, duration_ms=duration))

    async def _admit(self, peer: tuple[str, int]) -> str | None:
        await self._running.wait()
        return None if self._family.holds(peer) else "Only the environment's own processes may call its Runtime API"

    # What happens to the process.

    def _started(self, transport: asyncio.SubprocessTransport) -> None:
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._pid = transport.get_pid()
        self._family = Family(self._pid)
        self._running.set()
        self._active.set()
        self._watching = loop.create_task(self._watch_memory())
        self._timer = loop.call_later(self._init_timeout, self._init_timed_out)

    def _init_timed_out(self) -> None:
        ms = self._init_timeout * 1000
        self.kill(Ending("init", f"INIT_REPORT Init Duration: {ms:.2f} ms\tPhase: init\tStatus: timeout"))

    def _timed_out(self) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        timeout = self.function.timeout
        self.kill(Ending("timeout", f"{now} {self._request_id} Task timed out after {timeout:.2f} seconds"))

    async def _watch_memory(self) -> None:
        """Measure while there is work, and once after it: many short invocations leak as well as a long one."""
        limit = self.function.memory * _MB
        while self.ending is None:
            await self._active.wait()
            await asyncio.sleep(_MEMORY_EVERY)
            if self._idle:
                self._active.clear()
            used = self._family.memory(limit)
            if used > limit:
                size = f"Memory Size: {self.function.memory} MB\tMax Memory Used: {used // _MB} MB"
                self.kill(Ending("memory", f"Runtime exited with error: signal: killed\t{size}", names_request=True))

    def _exited(self, code: int) -> None:
        """The process has ended, by itself or killed; what it printed may still be in the pipes."""
        if self.ending is None:
            self.ending = Ending("exit" if self.initialized else "init", exit_words(code), names_request=True)
        self._kill_group()
        self._family.kill()
        self._reaped = True
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(_PIPES_CLOSE_WITHIN, self._transport.close)

    def _finish(self) -> None:
        """Process and pipes are done with."""
        self._closing.cancel()
        self._stop_timer()
        self._watching.cancel()
        self._transport.close()
        os.close(self._lifeline)
        self._finishing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        await self._api.close()
        assert self.ending is not None
        self._settle(self.ending.outcome(self._request_id, cold=not self._used, duration_ms=self._elapsed()))
        if self._idle and self.ending is not _KILLED:  # there is no request to tell of it
            self._print(self.ending.words, "stderr")
        self._on_ending(self)
        self.gone.set()

    def _kill_group(self) -> None:
        if self._reaped:  # its number may be another's by now
            return
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: what macOS says of a group of zombies
            os.killpg(self._pid, signal.SIGKILL)

    def _settle(self, outcome: Outcome) -> None:
        self._used = True
        if self._answer is not None and not self._answer.done():  # it is done where the caller has given up
            self._answer.set_result(outcome)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _elapsed(self) -> float:
        return (time.perf_counter() - self._delivered) * 1000

    def _print(self, line: str, stream: Stream) -> None:
        self._output(self.function.name, line, stream)


def exit_words(code: int) -> str:
    """How Lambda says that a runtime ended: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"


class _Streams(asyncio.SubprocessProtocol):
    """Standard output and standard error of a process, line by line as they come."""

    def __init__(
        self,
        output: Callable[[str, Stream], None],
        started: Callable[[asyncio.SubprocessTransport], None],
        exited: Callable[[int], None],
        finished: Callable[[], None],
    ) -> None:
        self._output = output
        self._on_start = started
        self._on_exit = exited
        self._on_finish = finished
        self._lines = {1: Lines(), 2: Lines()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._on_start(self._transport)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        self._print(fd, self._lines[fd].feed(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        self._print(fd, self._lines[fd].end())

    def process_exited(self) -> None:
        self._on_exit(self._transport.get_returncode() or 0)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._on_finish()

    def _print(self, fd: int, lines: Iterator[str]) -> None:
        for line in lines:
            self._output(line, "stdout" if fd == 1 else "stderr")


class Lines:
    """Cuts bytes into lines of text.

    A line of over 64 KB comes in pieces, so that memory is bounded. What is not UTF-8 shows as `\\xff`.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = b""
        for line in lines:
            while len(line) > _LONGEST_LINE:
                piece, line = _cut(line)
                yield _text(piece)
            yield _text(line.removesuffix(b"\r"))
        while len(rest) > _LONGEST_LINE:
            piece, rest = _cut(rest)
            yield _text(piece)
        self._rest = rest

    def end(self) -> Iterator[str]:
        if self._rest:
            yield _text(self._rest)
        self._rest = b""


def _cut(line: bytes) -> tuple[bytes, bytes]:
    """Cut off a piece that does not end within a character."""
    end = _LONGEST_LINE
    while end > _LONGEST_LINE - 3 and line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end], line[end:]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
