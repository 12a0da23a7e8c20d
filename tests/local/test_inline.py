"""Inline, a handler does in this process what it does in one of its own."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from taxiway.local.functions import MAX_EVENT
from taxiway.local.inline import Inline
from taxiway.local.manifest import ServedFunction

from .workers import PATIENCE, PROJECT, TRACE, function, on_uvloop, plan_of, running, write


@asynccontextmanager
async def inline(
    *functions: ServedFunction, project: Path = PROJECT, **variables: dict[str, str]
) -> AsyncIterator[Inline]:
    """Inline functions; a keyword names a function, and what the laptop adds to its variables."""
    modules = set(sys.modules)
    started = Inline(
        project=project, plan=plan_of(*functions), variables=lambda planned: variables.get(planned.name, {})
    )
    try:
        yield started
    finally:
        await started.close()
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(project)):
                del sys.modules[name]


async def call(invoker: Any, name: str, event: object = None) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await invoker.invoke(name, json.dumps(event).encode(), trace_id=TRACE)


CASES = [
    ("echo", {"a": [1, None, "é"]}),
    ("raises", "no"),
    ("raises_unprintable", None),
    ("answers_no_json", "set"),
    ("answers_numbers", None),
    ("answers_bytes", None),
    ("answers", 7_000_000),
    ("leaves", 3),
    ("leaves", 0),
    ("leaves", "a reason"),
]


@pytest.mark.parametrize(("handler", "event"), CASES)
def test_an_event_has_the_outcome_that_it_has_in_a_process_of_its_own(handler: str, event: object) -> None:
    @on_uvloop
    async def check() -> None:
        planned = function(f"handlers.{handler}")
        async with running(planned) as started, inline(planned) as here:
            theirs = await call(started, planned.name, event)
            ours = await call(here, planned.name, event)
        assert (ours.payload, ours.failure, ours.cold) == (theirs.payload, theirs.failure, theirs.cold)
        request_id = re.compile(r"[0-9a-f-]{36}")
        assert request_id.sub("", ours.detail) == request_id.sub("", theirs.detail)

    check()


@on_uvloop
async def test_the_second_request_is_warm_and_an_event_over_6_mb_is_refused() -> None:
    async with inline(function("handlers.echo")) as here:
        assert [(await call(here, "echo")).cold for _ in range(2)] == [True, False]
        assert (await call(here, "echo", "x" * MAX_EVENT)).failure == "payload"
        assert (await call(here, "other")).failure == "init"


@on_uvloop
async def test_the_context_is_that_of_the_function() -> None:
    async with inline(function("handlers.whole_context", memory=256)) as here:
        context = json.loads((await call(here, "whole-context")).payload)
    assert context["function_name"] == "tests-dev_whole-context"
    assert context["memory_limit_in_mb"] == "256"
    assert context["trace"] == TRACE
    assert 0 < context["remaining"] <= PATIENCE * 1000


@on_uvloop
async def test_a_module_that_can_not_be_imported_is_imported_again_at_the_next_request(tmp_path: Path) -> None:
    write(tmp_path, mended="raise ValueError('at import')")
    async with inline(function("mended.handler"), project=tmp_path) as here:
        outcome = await call(here, "handler")
        assert outcome.failure == "init"
        assert outcome.detail.startswith("ValueError: at import\nTraceback")
        write(tmp_path, mended="def handler(event, context):\n    return 'mended at another size'")
        assert (await call(here, "handler")).payload == b'"mended at another size"'


@on_uvloop
async def test_a_function_has_one_request_at_a_time_and_the_loop_goes_on(tmp_path: Path) -> None:
    source = (
        "import pathlib, time\n"
        "def handler(event, context):\n"
        "    started = time.monotonic()\n"
        "    while not pathlib.Path(event).exists(): time.sleep(0.005)\n"
        "    return [started, time.monotonic()]"
    )
    write(tmp_path, slow=source)
    gate = tmp_path / "gate"
    async with inline(function("slow.handler"), project=tmp_path) as here:
        tasks = [asyncio.create_task(call(here, "handler", str(gate))) for _ in range(2)]
        await asyncio.sleep(0.05)
        gate.touch()
        (_, first), (second, _) = [json.loads((await task).payload) for task in tasks]
        assert first <= second


@on_uvloop
async def test_routes_that_share_a_function_are_told_apart() -> None:
    handlers = {"GET /items": "shared.listing", "GET /items/{id}": "shared.single"}
    async with inline(function("items", handlers=handlers)) as here:
        assert (await call(here, "items", {"routeKey": "GET /items"})).payload == b'"a list"'
        assert (await call(here, "items", {"routeKey": "GET /items/{id}"})).payload == b'"one item"'


@on_uvloop
async def test_variables_are_merged_and_what_differs_is_named() -> None:
    first = function("handlers.echo", environment={"SAME": "1", "LEVEL": "info"})
    second = function("handlers.process", environment={"SAME": "1", "LEVEL": "debug", "OWN": "2"})
    before = dict(os.environ)
    async with inline(first, second, echo={"AWS_ACCESS_KEY_ID": "a"}, process={"AWS_ACCESS_KEY_ID": "b"}) as here:
        assert here.conflicts == (
            "AWS_ACCESS_KEY_ID differs between echo and process; inline, both have that of echo.",
            "LEVEL differs between echo and process; inline, both have that of echo.",
        )
        environment = {name: os.environ[name] for name in ("SAME", "LEVEL", "OWN", "AWS_REGION", "HOME", "PATH")}
        assert environment == {
            "SAME": "1",
            "LEVEL": "info",
            "OWN": "2",
            "AWS_REGION": "eu-west-1",
            "HOME": before["HOME"],
            "PATH": before["PATH"],
        }
    assert dict(os.environ) == before


LAPTOP = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from taxiway.local.inline import Inline
from tests.local.workers import function, plan_of
import uvloop

async def main():
    here = Inline(project=Path({project!r}), plan=plan_of(function("stops.handler")), variables=lambda _: {{}})
    print((await here.invoke("handler", b"1", trace_id="")).payload.decode(), flush=True)

uvloop.run(main())
"""


def test_a_breakpoint_opens_pdb_on_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, stops="def handler(event, context):\n    value = event + 1\n    breakpoint()\n    return value")
    program = LAPTOP.format(root=str(Path(__file__).parents[2]), project=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="value = 41 + event\ncontinue\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert re.search(r"^-> (return value|breakpoint\(\))$", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1].endswith("42")
