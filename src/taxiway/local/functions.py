"""Lambda, locally: every function of the manifest, each in environments of its own that come and go with demand."""

import asyncio
import os
import sys
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TypeAlias

import msgspec

from taxiway.local import orphans
from taxiway.local.environment import INIT_TIMEOUT, Ending, Environment, Output
from taxiway.local.invocation import Invoker, Outcome
from taxiway.local.manifest import Manifest, ServedFunction
from taxiway.local.output import Share

Command: TypeAlias = Callable[[ServedFunction], list[str]]
Variables: TypeAlias = Callable[[ServedFunction], dict[str, str]]
Admit: TypeAlias = Callable[[Environment], dict[str, str]]
Dismiss: TypeAlias = Callable[[Environment], None]

MAX_EVENT = 6_291_456
"""Bytes: the 6 MB of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, as Invoke counts it."""

KEEP_WARM = 600.0
"""Seconds after which an environment that nobody uses is ended."""

_LOOK_EVERY = 15.0  # seconds, for what is idle or was left behind
_LOOK_SOON = 0.05  # seconds after an environment has ended

_SHARED = "taxiway.http.dispatch.handler"
_BOOTSTRAP = str(Path(__file__).with_name("bootstrap.py"))


class Functions(Invoker):
    """Runs functions in worker processes that speak the Lambda Runtime API.

    `variables` gives what is added to a function's environment variables locally, and `output` takes each line that a
    function prints. `admit` gives the variables that one environment alone has, its credentials, when it starts;
    `dismiss` is called when it has ended. `limit` is the most environments a function has at once, where it declares no
    concurrency.
    `command` starts an environment: AWS's own runtime client in place of Taxiway's is
    `[sys.executable, "-m", "awslambdaric", handler_of(function)]`.
    """

    def __init__(
        self,
        *,
        project: Path,
        plan: Manifest,
        variables: Variables,
        output: Output,
        limit: int,
        admit: Admit = lambda _: {},
        dismiss: Dismiss = lambda _: None,
        command: Command | None = None,
        init_timeout: float = INIT_TIMEOUT,
        keep_warm: float = KEEP_WARM,
    ) -> None:
        self.project = project.resolve()
        self.variables = variables
        self.output = output
        self.limit = limit
        self.admit = admit
        self.dismiss = dismiss
        self.command = command or _bootstrap
        self.init_timeout = init_timeout
        self.share = Share()
        self.environments: set[Environment] = set()
        """Those that run, for code that has been replaced too."""
        self.closed = False
        self._keep_warm = keep_warm
        self._strays = orphans.Strays()
        self._looking: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._files: TemporaryDirectory[str] | None = None
        self._pools: dict[str, _Pool] = {}
        self._use(plan)

    async def invoke(self, function: str, event: bytes, *, trace_id: str) -> Outcome:
        """Run a function on one event, in an environment that is idle or in a new one.

        A request waits for an environment for as long as the function's own timeout (and for one that is being
        started, until it has); then it is throttled. With declared concurrency it is throttled at once, as AWS does.
        """
        refusal = oversized(event)
        if refusal is not None:
            return refusal
        while not self.closed:
            pool = self._pools.get(function)
            if pool is None:
                return undeclared(function)
            outcome = await pool.invoke(event, trace_id)
            if outcome is not None:
                return outcome
        return Outcome(failure="exit", detail="The functions are being stopped.")

    async def replace(self, plan: Manifest) -> None:
        """Run new code from the next request on; what is running finishes on the old code, and its environments go."""
        self._use(plan)

    async def close(self) -> None:
        """Kill every environment. When it returns, every process is gone and reaped."""
        self.closed = True
        for pool in self._pools.values():
            pool.retire()
        await asyncio.gather(*self._tasks)
        environments = list(self.environments)
        for environment in environments:
            environment.kill()
        await asyncio.gather(*[environment.gone.wait() for environment in environments])
        if self._looking is not None:
            self._looking.cancel()
        if self._files is not None:
            self._files.cleanup()

    def started(self, environment: Environment) -> None:
        self.environments.add(environment)
        if self._looking is None:
            self._look_in(min(_LOOK_EVERY, self._keep_warm / 4))

    def ended(self, environment: Environment) -> None:
        self.environments.discard(environment)
        self.dismiss(environment)
        self._look_in(_LOOK_SOON)

    def _look_in(self, seconds: float) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """End environments that have been idle for long, and what those that have ended left behind."""
        self._looking = None
        idle_before = asyncio.get_running_loop().time() - self._keep_warm
        for environment in self.environments:
            if environment.idle_since is not None and environment.idle_since <= idle_before:
                environment.kill()
        running = {environment.id for environment in self.environments}
        if self._strays.end(running.__contains__):
            self._look_in(_LOOK_SOON)
        elif running:
            self._look_in(min(_LOOK_EVERY, self._keep_warm / 4))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def variables_of(self, plan: Manifest, function: ServedFunction) -> dict[str, str]:
        """Every environment variable of a new environment, but for the address of its Runtime API."""
        variables = lambda_variables(plan, function, self.project) | function.environment
        if len(function.handlers) > 1:
            self._files = self._files or TemporaryDirectory(prefix="taxiway-")
            routes = Path(self._files.name) / f"{function.name}.{uuid.uuid4().hex}.json"
            routes.write_bytes(msgspec.json.encode(function.handlers))
            variables["TAXIWAY_ROUTES"] = str(routes)
        return variables | self.variables(function)

    def _use(self, plan: Manifest) -> None:
        for pool in self._pools.values():
            pool.retire()
        self._pools = {function.name: _Pool(self, plan, function) for function in plan.functions}


class _Pool:
    """The environments of one function at one state of its code, and the requests that wait for one of them."""

    def __init__(self, owner: Functions, plan: Manifest, function: ServedFunction) -> None:
        self._owner = owner
        self._plan = plan
        self._function = function
        self._limit = function.concurrency or owner.limit
        self._running = 0
        self._environments: set[Environment] = set()
        self._starting: set[Environment] = set()
        self._idle: list[Environment] = []
        self._waiting: deque[asyncio.Future[_Turn]] = deque()
        self._retired = False

    async def invoke(self, event: bytes, trace_id: str) -> Outcome | None:
        """The outcome, or None where the pool was retired before the request's turn came."""
        reserved = self._function.concurrency
        if reserved is not None and self._running >= reserved:
            return _throttled(f"{self._running} requests run, and it has concurrency={reserved}")
        self._running += 1
        try:
            turn = self._idle.pop() if self._idle else await self._wait()
            while isinstance(turn, Environment) and turn.ending is not None:  # it ended while it was idle
                turn = self._idle.pop() if self._idle else await self._wait()
            request_id = str(uuid.uuid4())
            if isinstance(turn, Environment):
                return await turn.invoke(event, request_id=request_id, trace_id=trace_id)
            return turn.outcome(request_id, cold=True) if isinstance(turn, Ending) else turn
        finally:
            self._running -= 1

    def retire(self) -> None:
        """Send the waiting requests to the pool of the new code, and end each environment when it is idle."""
        self._retired = True
        while self._idle:
            self._idle.pop().kill()
        while self._waiting:
            self._waiting.popleft().set_result(None)

    async def _wait(self) -> "_Turn | Outcome":
        """Wait in line, for the function's timeout, and for longer only while an environment is being started."""
        if self._retired:
            return None
        place: asyncio.Future[_Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._grow()
        try:
            await asyncio.wait([place], timeout=self._function.timeout)
            if not place.done() and self._starting:
                longest = self._owner.init_timeout + self._function.timeout
                await asyncio.wait([place], timeout=longest)
        except asyncio.CancelledError:
            if place.done() and isinstance(environment := place.result(), Environment):
                self._ready(environment)
            raise
        finally:
            if not place.done():
                self._waiting.remove(place)
        if place.done():
            return place.result()
        return _throttled(f"its {self._limit} environments were busy for {self._function.timeout} seconds")

    def _grow(self) -> None:
        """Start environments while more requests wait than environments are being started."""
        living = sum(environment.ending is None for environment in self._environments)
        for _ in range(min(len(self._waiting) - len(self._starting), self._limit - living)):
            self._add()

    def _add(self, *, second: bool = False) -> None:
        owner = self._owner
        environment = Environment(
            self._function,
            arn=arn_of(self._plan, self._function),
            output=owner.output,
            on_ready=self._ready,
            on_ending=self._ended,
            share=owner.share,
            init_timeout=owner.init_timeout,
            second=second,
        )
        owner.started(environment)
        self._environments.add(environment)
        self._starting.add(environment)
        owner.keep(asyncio.create_task(self._start(environment)))

    async def _start(self, environment: Environment) -> None:
        owner = self._owner
        command = owner.command(self._function)
        try:
            variables = owner.variables_of(self._plan, self._function) | owner.admit(environment)
            await environment.start(command, variables=variables, directory=owner.project)
        except (OSError, ValueError) as error:  # ValueError: a variable holds a null byte
            environment.ending = Ending("init", f"{command[0]} can't be started: {error}")
            self._ended(environment)

    def _ready(self, environment: Environment) -> None:
        self._starting.discard(environment)
        if self._retired:
            environment.kill()
        elif self._waiting:
            self._waiting.popleft().set_result(environment)
        else:
            self._idle.append(environment)

    def _ended(self, environment: Environment) -> None:
        """Forget an environment. One that never became ready fails the request that has waited longest.

        Where the import of the module took too long, that request waits for a second try.
        """
        ending = environment.ending
        self._owner.ended(environment)
        self._environments.discard(environment)
        if environment in self._idle:
            self._idle.remove(environment)
        if environment in self._starting:
            self._starting.remove(environment)
            if self._waiting and ending is not None and ending.again:
                self._owner.output(self._function.name, ending.words, "stderr")
                self._add(second=True)
            elif self._waiting:
                self._waiting.popleft().set_result(ending)
        self._grow()


_Turn: TypeAlias = Environment | Ending | None
"""What comes of waiting: an environment, why the one that was started has ended, or None: the code was replaced."""


def _bootstrap(function: ServedFunction) -> list[str]:
    """Taxiway's own runtime: the interpreter and packages of this process, without the user's site-packages."""
    del function
    return [sys.executable, "-s", _BOOTSTRAP]


def _throttled(reason: str) -> Outcome:
    return Outcome(failure="throttled", detail=f"TooManyRequestsException: Rate Exceeded. ({reason})")


def oversized(event: bytes) -> Outcome | None:
    """Lambda's refusal of an event that it does not take."""
    if len(event) <= MAX_EVENT:
        return None
    detail = (
        f"RequestEntityTooLargeException: Request must be smaller than {MAX_EVENT} bytes for the InvokeFunction "
        f"operation (this event has {len(event)}: API Gateway takes 10 MB, and Lambda 6 MB)"
    )
    return Outcome(failure="payload", detail=detail)


def undeclared(function: str) -> Outcome:
    return Outcome(failure="init", detail=f"The declaration has no function called {function!r}.")


def handler_of(function: ServedFunction) -> str:
    """The handler that a function's environments run: its own, or the one that dispatches between several."""
    return _SHARED if len(function.handlers) > 1 else next(iter(function.handlers.values()))


def arn_of(plan: Manifest, function: ServedFunction) -> str:
    return f"arn:aws:lambda:{plan.region}:{plan.account}:function:{_full_name(plan, function)}"


def lambda_variables(plan: Manifest, function: ServedFunction, project: Path) -> dict[str, str]:
    """What Lambda itself sets, apart from credentials and the Runtime API's address.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime. No
    variable of the developer's own environment is in it: a function that works because of it would fail on AWS.
    PYTHONPATH is left out, since it would be the directory of Taxiway's runtime; the interpreter finds the packages
    that it has.
    """
    name = _full_name(plan, function)
    return {
        "_HANDLER": handler_of(function),
        "AWS_REGION": plan.region,
        "AWS_DEFAULT_REGION": plan.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": str(project),
        "LAMBDA_RUNTIME_DIR": str(Path(_BOOTSTRAP).parent),
        "HOME": gettempdir(),
        "LANG": "en_US.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
    }


def _full_name(plan: Manifest, function: ServedFunction) -> str:
    return f"{plan.backend}-{plan.stage}_{function.name}"
