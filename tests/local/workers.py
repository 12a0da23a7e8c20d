"""A small project of misbehaving handlers, and the functions of it that a test runs."""

import asyncio
import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import uvloop

from taxiway.local.functions import Functions
from taxiway.local.invocation import Outcome
from taxiway.local.manifest import Manifest, ServedFunction

PROJECT = Path(__file__).parent / "project"
PATIENCE = 20  # seconds that a test waits for what must happen
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test on the loop that `taxiway dev` runs on."""

    @functools.wraps(test)
    def run(*args: Any, **options: Any) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(*args, **options))

    return run


def function(handler: str, **options: Any) -> ServedFunction:
    """A function called like its handler; with none of its own, a timeout that a slow machine does not reach."""
    name = options.pop("name", handler.rpartition(".")[2].replace("_", "-"))
    handlers = options.pop("handlers", {f"GET /{name}": handler})
    settings = {"memory": 512, "timeout": PATIENCE, "concurrency": None, "environment": {}, "secrets": (), **options}
    return ServedFunction(name=name, handlers=handlers, **settings)


def plan_of(*functions: ServedFunction) -> Manifest:
    return Manifest(
        backend="tests",
        stage="dev",
        region="eu-west-1",
        account="123456789012",
        routes=(),
        functions=functions,
        table=None,
        cors=None,
        secrets=(),
    )


class Running(Functions):
    """Functions that keep what they print."""

    def __init__(self, *functions: ServedFunction, **options: Any) -> None:
        self.lines: list[tuple[str, str, str]] = []
        settings = {"project": PROJECT, "limit": 4, "variables": lambda _: {}, **options}
        super().__init__(plan=plan_of(*functions), output=lambda *line: self.lines.append(line), **settings)

    async def call(self, name: str, event: object = None) -> Outcome:
        """What a function does with an event; it must do it in time."""
        async with asyncio.timeout(PATIENCE * 2):
            return await self.invoke(name, json.dumps(event).encode(), trace_id=TRACE)

    async def answer(self, name: str, event: object = None) -> Any:
        """What a function answers, where it does."""
        outcome = await self.call(name, event)
        assert outcome.failure is None, outcome.detail
        return json.loads(outcome.payload)

    def printed(self, stream: str | None = None) -> list[str]:
        return [text for _, text, where in self.lines if stream in (None, where)]


@asynccontextmanager
async def running(*functions: ServedFunction, **options: Any) -> AsyncIterator[Running]:
    started = Running(*functions, **options)
    try:
        yield started
    finally:
        await started.close()


def write(project: Path, **modules: str) -> Path:
    """A project with these modules."""
    project.mkdir(exist_ok=True)
    for name, source in modules.items():
        project.joinpath(f"{name}.py").write_text(source)
    return project


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))
