"""One execution environment: a process that runs a function's handler, one event at a time, until it is ended.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from msgspec import Struct

from taxiway.local import orphans
from taxiway.local.family import Family
from taxiway.local.invocation import Failure, Outcome
from taxiway.local.manifest import ServedFunction
from taxiway.local.output import Pipe, Share
from taxiway.local.runtime_api import TOO_LARGE, FunctionError, Invocation, RuntimeApi

Stream: TypeAlias = Literal["stdout", "stderr"]
Output: TypeAlias = Callable[[str, str, Stream], None]
"""Takes a function's name, a line that it printed, and where it printed it."""

INIT_TIMEOUT = 10.0
"""Seconds that Lambda gives a function to import its module."""

_MB = 1024 * 1024
_MEMORY_EVERY = 0.025  # seconds


class Ending(Struct, frozen=True):
    """Why an environment has ended."""

    failure: Failure
    words: str
    names_request: bool = False
    again: bool = False
    """Whether the import of the module is tried once more."""

    def outcome(self, request_id: str, *, cold: bool, duration_ms: float = 0.0) -> Outcome:
        """What the invocation that it cost reports."""
        detail = f"RequestId: {request_id} Error: {self.words}" if self.names_request else self.words
        return Outcome(failure=self.failure, detail=detail, cold=cold, duration_ms=duration_ms)


_KILLED = Ending("exit", "Runtime exited with error: signal: killed", names_request=True)


class Environment:
    """A process, its port of the Runtime API, and its limits.

    `on_ready` is called each time that it can take an event, `on_ending` once, when the process is gone and reaped.
    A `second` environment tries again where importing the module took too long in the first: now the function's own
    timeout is for the import and the first event together
    (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib).
    """

    def __init__(
        self,
        function: ServedFunction,
        *,
        arn: str,
        output: Output,
        on_ready: "Callable[[Environment], None]",
        on_ending: "Callable[[Environment], None]",
        share: Share,
        init_timeout: float = INIT_TIMEOUT,
        second: bool = False,
    ) -> None:
        self.id = f"{orphans.marker()}/{uuid.uuid4().hex}"
        """The marker of its processes."""
        self.function = function
        self.ending: Ending | None = None
        """Set as soon as it is decided that the environment ends."""
        self.initialized = False
        self.gone = asyncio.Event()
        self._arn = arn
        self._output = output
        self._on_ready = on_ready
        self._on_ending = on_ending
        self._share = share
        self._second = second
        self._init_timeout = function.timeout if second else init_timeout
        self._api = RuntimeApi(self, admission=self._admit if sys.platform == "linux" else None)
        self._running = asyncio.Event()
        self.idle_since: float | None = None
        """When it became idle, by the loop's clock; None while it is not."""
        self._used = False
        self._reaped = False
        self._request_id = ""
        self._delivered = 0.0
        self._answer: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._active = asyncio.Event()

    @property
    def request_id(self) -> str:
        """That of the invocation that runs in it; "" while none does."""
        return self._request_id if self.idle_since is None else ""

    async def start(self, command: Sequence[str], *, variables: Mapping[str, str], directory: Path) -> None:
        """Start the process; `on_ready` is called when its module is imported. Raises OSError where that fails."""
        loop = asyncio.get_running_loop()
        address = await self._api.start()
        lifeline, self._lifeline = os.pipe()  # its other end is the process's standard input: see bootstrap.py
        self._stdout = Pipe(lambda line: self._print(line, "stdout"), self._share)
        self._stderr = Pipe(lambda line: self._print(line, "stderr"), self._share)
        try:
            await loop.subprocess_exec(
                lambda: _Process(self._started, self._exited),
                *command,
                env={**variables, "AWS_LAMBDA_RUNTIME_API": address, orphans.MARKER: self.id},
                cwd=directory,
                stdin=lifeline,
                stdout=self._stdout.writer,
                stderr=self._stderr.writer,
                start_new_session=True,
            )
        except (OSError, ValueError):
            self._close_descriptors()
            await self._api.close()
            raise
        finally:
            os.close(lifeline)
            self._stdout.started()
            self._stderr.started()

    async def invoke(self, event: bytes, *, request_id: str, trace_id: str) -> Outcome:
        """Run the handler on one event. It must be ready; it is again when `on_ready` is called."""
        loop = asyncio.get_running_loop()
        timeout = self.function.timeout
        self.idle_since = None
        self._request_id = request_id
        self._delivered = time.perf_counter()  # uvloop's own clock counts whole milliseconds
        self._answer = loop.create_future()
        imported = loop.time() - self._begun if self._second and not self._used else 0.0
        self._timer = loop.call_later(timeout - imported, self._timed_out)
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
        if self.idle_since is not None or self.ending is not None:
            return
        self._stop_timer()
        self.idle_since = asyncio.get_running_loop().time()
        self.initialized = True
        self._on_ready(self)

    def on_init_error(self, error: FunctionError) -> None:
        self.kill(Ending("init", str(error)))

    def on_answer(self, answer: bytes | FunctionError) -> None:
        duration = self._elapsed()
        self._stdout.drain()
        self._stderr.drain()
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
        self._begun = loop.time()
        self._timer = loop.call_later(self._init_timeout, self._init_timed_out)

    def _init_timed_out(self) -> None:
        phase = "invoke" if self._second else "init"
        words = f"INIT_REPORT Init Duration: {self._init_timeout * 1000:.2f} ms\tPhase: {phase}\tStatus: timeout"
        if self._second:
            timed_out = f"Task timed out after {self.function.timeout:.2f} seconds"
            self.kill(Ending("timeout", f"{words}\n{timed_out}"))
        else:
            self.kill(Ending("init", words, again=True))

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
            if self.idle_since is not None:
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
        self._transport.close()
        self._stop_timer()
        self._watching.cancel()
        self._close_descriptors()
        self._finishing = asyncio.get_running_loop().create_task(self._close())

    def _close_descriptors(self) -> None:
        self._stdout.close()
        self._stderr.close()
        os.close(self._lifeline)

    async def _close(self) -> None:
        await self._api.close()
        assert self.ending is not None
        self._settle(self.ending.outcome(self._request_id, cold=not self._used, duration_ms=self._elapsed()))
        if self.idle_since is not None and self.ending is not _KILLED:  # there is no request to tell of it
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


class _Process(asyncio.SubprocessProtocol):
    """Tells when a process has been started and when it has ended."""

    def __init__(self, started: Callable[[asyncio.SubprocessTransport], None], exited: Callable[[int], None]) -> None:
        self._on_start = started
        self._on_exit = exited

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._on_start(self._transport)

    def process_exited(self) -> None:
        self._on_exit(self._transport.get_returncode() or 0)
