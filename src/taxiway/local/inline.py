"""Runs the handlers in this process, for a debugger: no limit of time or memory, and one environment for all."""

import asyncio
import os
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias

from taxiway.declare.handler_path import LambdaHandler
from taxiway.http.dispatch import Routes
from taxiway.local.bootstrap import Context, load, report, run
from taxiway.local.environment import Ending, exit_words
from taxiway.local.functions import Variables, arn_of, lambda_variables, oversized, undeclared
from taxiway.local.invocation import Invoker, Outcome
from taxiway.local.manifest import Manifest, ServedFunction
from taxiway.local.runtime_api import MAX_ANSWER, TOO_LARGE, FunctionError

# What is left as it is, since it belongs to the process, and what each function has a value of its own for.
_KEPT = frozenset({"HOME", "LANG", "PATH", "PYTHONUNBUFFERED"})
_OWN = ("_HANDLER", "AWS_LAMBDA_FUNCTION_", "AWS_LAMBDA_LOG_")


class Inline(Invoker):
    """Runs each function in a thread of its own, one request at a time.

    A thread, so that the gateway goes on while a handler stands at a breakpoint; pdb reads the terminal from any
    thread. The functions' environment variables are merged into this process's own: where two functions differ in one,
    the first has its way.
    """

    def __init__(self, *, project: Path, plan: Manifest, variables: Variables) -> None:
        self.conflicts: tuple[str, ...] = ()
        """For each variable that functions differ in, a sentence for the user."""
        self._project = project.resolve()
        self._variables = variables
        self._runners: dict[str, _Runner] = {}
        self._before = dict(os.environ), list(sys.path)
        sys.path.insert(0, str(self._project))
        self._use(plan)

    async def invoke(self, function: str, event: bytes, *, trace_id: str) -> Outcome:
        """Run a function on one event, after the events that came before it."""
        if function not in self._runners:
            return undeclared(function)
        return oversized(event) or await self._runners[function].invoke(event, trace_id)

    async def replace(self, plan: Manifest) -> None:
        """Take up a new plan. Modules that are imported stay: the debugger's breakpoints are in them."""
        self._use(plan)

    async def close(self) -> None:
        """Give the process its environment variables back. A handler that is running is left to itself."""
        for runner in self._runners.values():
            runner.stop()
        environment, sys.path[:] = self._before
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()

    def _use(self, plan: Manifest) -> None:
        for runner in self._runners.values():
            runner.stop()
        self._runners = {}
        merged: dict[str, tuple[str, str]] = {}
        conflicts: list[str] = []
        for function in plan.functions:
            variables = lambda_variables(plan, function, self._project)
            variables |= function.environment | self._variables(function)
            self._runners[function.name] = _Runner(function, arn_of(plan, function), variables)
            for name in variables.keys() - _KEPT:
                first, value = merged.setdefault(name, (function.name, variables[name]))
                if value != variables[name] and not name.startswith(_OWN):
                    conflicts.append(
                        f"{name} differs between {first} and {function.name}; inline, both have that of {first}."
                    )
        self.conflicts = tuple(sorted(conflicts))
        os.environ.update({name: value for name, (_, value) in merged.items()})
        time.tzset()


_Call: TypeAlias = tuple[bytes, str, "asyncio.Future[Outcome]"]


class _Runner:
    """One function and its thread."""

    def __init__(self, function: ServedFunction, arn: str, variables: dict[str, str]) -> None:
        self._function = function
        self._arn = arn
        self._variables = variables
        self._handler: LambdaHandler | None = None
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        # A daemon, since a handler that stands at a breakpoint must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=function.name, daemon=True)

    async def invoke(self, event: bytes, trace_id: str) -> Outcome:
        if not self._thread.is_alive():
            self._thread.start()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._calls.put((event, trace_id, future))
        return await future

    def stop(self) -> None:
        """End the thread when it has done what is waiting for it."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            event, trace_id, future = call
            outcome = self._run(event, trace_id)
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                future.get_loop().call_soon_threadsafe(_settle, future, outcome)

    def _run(self, event: bytes, trace_id: str) -> Outcome:
        request_id = str(uuid.uuid4())
        cold = self._handler is None
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
        try:
            self._handler = handler = self._handler or self._load()
        except SystemExit as stop:
            return _stopped("init", stop).outcome(request_id, cold=cold)
        except Exception as error:  # importing a module runs the user's code
            return Outcome(failure="init", detail=str(_error(report(error, request_id))), cold=cold)
        started = time.perf_counter()
        deadline = int(time.time() * 1000) + self._function.timeout * 1000
        context = Context(request_id, self._arn, deadline, self._variables)
        try:
            answer, failure = run(handler, event, context)
        except SystemExit as stop:
            return _stopped("exit", stop).outcome(request_id, cold=cold)
        duration = (time.perf_counter() - started) * 1000
        if failure is not None:
            return Outcome(failure="error", detail=str(_error(failure)), cold=cold, duration_ms=duration)
        if len(answer) > MAX_ANSWER:
            return Outcome(failure="payload", detail=str(TOO_LARGE), cold=cold, duration_ms=duration)
        return Outcome(payload=answer, cold=cold, duration_ms=duration)

    def _load(self) -> LambdaHandler:
        handlers = self._function.handlers
        if len(handlers) == 1:
            return load(next(iter(handlers.values())))
        return Routes(handlers, source=f"the function {self._function.name}")


def _error(reported: dict[str, Any]) -> FunctionError:
    return FunctionError(reported["errorType"], reported["errorMessage"], tuple(reported["stackTrace"]))


def _stopped(failure: Literal["init", "exit"], stop: SystemExit) -> Ending:
    """What a process that calls sys.exit ends with."""
    code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return Ending(failure, exit_words(code), names_request=True)


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
