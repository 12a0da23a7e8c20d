"""Environments come and go with demand, and none of them outlives the laptop."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from taxiway.local.invocation import Outcome

from .workers import (
    Running,
    eventually,
    function,
    is_running,
    on_uvloop,
    open_files,
    plan_of,
    running,
    wait_until,
    write,
)

ROOT = Path(__file__).parents[2]


class Busy:
    """A request to the handler `waits` that is being served until it is released."""

    def __init__(self, started: Running, directory: Path, name: str = "waits") -> None:
        self._note = directory / uuid.uuid4().hex
        self._release = directory / uuid.uuid4().hex
        self.task = asyncio.create_task(started.call(name, {"touch": str(self._note), "until": str(self._release)}))

    async def begun(self) -> "Busy":
        await eventually(lambda: self._note.exists() and self._note.read_text() != "")
        self.pid = int(self._note.read_text())
        return self

    async def end(self) -> Outcome:
        self._release.touch()
        return await self.task


@on_uvloop
async def test_an_idle_environment_is_used_again_and_only_the_first_request_is_cold() -> None:
    async with running(function("handlers.process")) as started:
        outcomes = [await started.call("process") for _ in range(3)]
        assert [outcome.cold for outcome in outcomes] == [True, False, False]
        assert (await started.answer("process"))["count"] == 4
        assert len(started.environments) == 1


@on_uvloop
async def test_concurrent_requests_have_environments_of_their_own_up_to_the_limit(tmp_path: Path) -> None:
    async with running(function("handlers.waits"), limit=2) as started:
        first = await Busy(started, tmp_path).begun()
        second = await Busy(started, tmp_path).begun()
        assert first.pid != second.pid
        third = asyncio.create_task(started.answer("waits"))
        await asyncio.sleep(0.05)
        assert len(started.environments) == 2
        await first.end()
        assert await third == first.pid
        await second.end()


@on_uvloop
async def test_many_requests_at_once_are_all_served() -> None:
    async with running(function("handlers.echo"), limit=3) as started:
        answers = await asyncio.gather(*[started.answer("echo", n) for n in range(200)])
        assert answers == list(range(200))
        assert len(started.environments) <= 3


@on_uvloop
async def test_a_request_waits_for_an_environment_no_longer_than_the_timeout() -> None:
    async with running(function("handlers.sleeps", timeout=2), limit=1) as started:
        outcomes = await asyncio.gather(*[started.call("sleeps", {"seconds": 1.2}) for _ in range(3)])
        assert [outcome.failure for outcome in outcomes] == [None, None, "throttled"]
        assert "1 environments were busy for 2 seconds" in outcomes[2].detail


@on_uvloop
async def test_over_its_declared_concurrency_a_function_is_throttled_at_once(tmp_path: Path) -> None:
    async with running(function("handlers.waits", concurrency=2), limit=1) as started:
        busy = [await Busy(started, tmp_path).begun() for _ in range(2)]
        third = await started.call("waits")
        assert third.failure == "throttled"
        assert third.detail.startswith("TooManyRequestsException: Rate Exceeded.")
        assert [(await request.end()).failure for request in busy] == [None, None]
        assert await started.answer("waits")


@on_uvloop
async def test_a_request_that_is_given_up_leaves_its_environment_to_the_next(tmp_path: Path) -> None:
    async with running(function("handlers.waits"), limit=1) as started:
        given_up = await Busy(started, tmp_path).begun()
        waiting = asyncio.create_task(started.call("waits"))
        await asyncio.sleep(0)
        for task in (given_up.task, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        following = asyncio.create_task(started.answer("waits"))
        with pytest.raises(asyncio.CancelledError):
            await given_up.end()
        assert await following == given_up.pid


@on_uvloop
async def test_a_function_that_is_not_declared_fails() -> None:
    async with running(function("handlers.echo")) as started:
        outcome = await started.call("other")
        assert outcome.failure == "init"
        assert "no function called 'other'" in outcome.detail


@on_uvloop
async def test_routes_that_share_a_function_share_its_environment() -> None:
    handlers = {"GET /items": "shared.listing", "GET /items/{id}": "shared.single"}
    async with running(function("items", handlers=handlers)) as started:
        assert await started.answer("items", {"routeKey": "GET /items"}) == "a list"
        assert await started.answer("items", {"routeKey": "GET /items/{id}"}) == "one item"
        assert (await started.call("items", {"routeKey": "GET /other"})).failure == "error"
        assert len(started.environments) == 1


CODE = """
import os, pathlib, time
VERSION = {version!r}
def waits(event, context):
    if event:
        pathlib.Path(event["touch"]).write_text(str(os.getpid()))
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.005)
    return VERSION
"""


@on_uvloop
async def test_after_a_replacement_requests_run_the_new_code_and_running_ones_finish_on_the_old(tmp_path: Path) -> None:
    write(tmp_path, code=CODE.format(version="old"))
    planned = function("code.waits")
    async with running(planned, project=tmp_path) as started:
        old = await Busy(started, tmp_path).begun()
        write(tmp_path, code=CODE.format(version="new"))
        await started.replace(plan_of(planned))
        assert await started.answer("waits") == "new"
        assert (await old.end()).payload == b'"old"'
        await eventually(lambda: len(started.environments) == 1)


@on_uvloop
async def test_requests_that_wait_while_the_code_is_replaced_run_the_new_code(tmp_path: Path) -> None:
    write(tmp_path, code=CODE.format(version="old"))
    planned = function("code.waits")
    async with running(planned, project=tmp_path, limit=1) as started:
        old = await Busy(started, tmp_path).begun()
        waiting = asyncio.create_task(started.answer("waits"))
        await asyncio.sleep(0)
        write(tmp_path, code=CODE.format(version="new"))
        await started.replace(plan_of(planned))
        assert await waiting == "new"
        assert (await old.end()).payload == b'"old"'


@on_uvloop
async def test_a_replacement_under_load_loses_no_request(tmp_path: Path) -> None:
    write(tmp_path, code="def handler(event, context):\n    return event")
    planned = function("code.handler")
    async with running(planned, project=tmp_path, limit=2) as started:

        async def client(number: int) -> None:
            for n in range(30):
                assert await started.answer("handler", [number, n]) == [number, n]

        clients = [asyncio.create_task(client(number)) for number in range(4)]
        for _ in range(5):
            await asyncio.sleep(0.02)
            await started.replace(plan_of(planned))
        await asyncio.gather(*clients)
        await eventually(lambda: len(started.environments) <= 2)


@on_uvloop
async def test_closing_ends_every_process_and_every_request(tmp_path: Path) -> None:
    children = psutil.Process().children()
    started = Running(function("handlers.waits"), function("handlers.echo"))
    await started.answer("echo")
    busy = await Busy(started, tmp_path).begun()
    starting = asyncio.create_task(started.call("echo"))
    await asyncio.sleep(0)
    await started.close()
    assert (await busy.task).failure == "exit"
    await starting
    assert psutil.Process().children() == children
    assert not is_running(busy.pid)
    assert (await started.call("echo")).failure == "exit"


@on_uvloop
async def test_an_environment_that_nobody_uses_is_ended_and_another_serves_the_next_request() -> None:
    async with running(function("handlers.echo"), function("handlers.sleeps"), keep_warm=0.4) as started:
        assert (await started.call("echo")).cold
        busy = asyncio.create_task(started.call("sleeps", {"seconds": 1.5}))
        await eventually(lambda: [environment.function.name for environment in started.environments] == ["sleeps"])
        assert (await busy).failure is None
        await eventually(lambda: not started.environments)
        files = open_files()
        assert (await started.call("echo")).cold
        await eventually(lambda: not started.environments and open_files() <= files)
        assert started.printed() == []


LAPTOP = """
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.local.workers import PROJECT, Running, function

async def main():
    started = Running(function("handlers.waits"), function("handlers.spins"), function("handlers.spawns"))
    child = await started.answer("spawns", {{}})
    for name in ("waits", "spins"):
        asyncio.create_task(started.call(name, {{"touch": str(Path({notes!r}) / name), "until": "/no"}}))
    while not all((Path({notes!r}) / name).exists() for name in ("waits", "spins")):
        await asyncio.sleep(0.01)
    print(json.dumps([environment._pid for environment in started.environments] + [child]), flush=True)
    await asyncio.sleep(600)

import uvloop
uvloop.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy process ends only when it answers")
def test_nothing_survives_a_kill_of_the_laptop(tmp_path: Path) -> None:
    program = LAPTOP.format(root=str(ROOT), notes=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as laptop:
        assert laptop.stdout is not None
        pids = [int(pid) for pid in laptop.stdout.readline().strip("[]\n").split(",")]
        assert len(pids) == 4
        assert all(is_running(pid) for pid in pids)
        os.kill(laptop.pid, signal.SIGKILL)
        laptop.wait()
    wait_until(lambda: not any(is_running(pid) for pid in pids))
