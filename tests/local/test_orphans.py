"""No process outlives the environment that started it, nor local development, whatever it does to leave them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from taxiway.local import orphans

from .workers import is_running, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt its descendants")

ROOT = Path(__file__).parents[2]

# Calls a handler for each line of its standard input, and ends all that it started at the end.
PROGRAM = """
import asyncio, json, sys
sys.path.insert(0, {root!r})
import uvloop
from taxiway.local import orphans
from tests.local.workers import function, running

async def main():
    loop = asyncio.get_running_loop()
    async with running(function("handlers.daemonizes"), keep_warm=1) as started:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            outcome = await started.call("daemonizes", json.loads(line))
            print(json.dumps([outcome.failure, outcome.payload.decode()]), flush=True)

orphans.adopt()
try:
    uvloop.run(main())
finally:
    orphans.end_descendants()
"""


class Program:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def call(self, event: dict[str, Any]) -> list[Any]:
        self._in.write(json.dumps(event) + "\n")
        self._in.flush()
        return json.loads(self._out.readline())


@pytest.fixture
def program() -> Iterator[Program]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(root=str(ROOT))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Program(process)


def test_a_daemon_runs_as_long_as_its_environment_and_is_ended_and_reaped_with_it(
    program: Program, tmp_path: Path
) -> None:
    _, pid = program.call({"note": str(tmp_path / "1")})
    assert is_running(int(pid))
    wait_until(lambda: not Path(f"/proc/{pid}").exists())  # its environment is idle for long
    failure, _ = program.call({"note": str(tmp_path / "2"), "exit": True})
    assert failure == "exit"
    gone = (tmp_path / "2").read_text()
    wait_until(lambda: not Path(f"/proc/{gone}").exists())


def test_a_daemon_ends_with_the_program_that_its_environment_belongs_to(program: Program, tmp_path: Path) -> None:
    _, pid = program.call({"note": str(tmp_path / "1")})
    program.process.communicate()
    assert program.process.returncode == 0
    assert not is_running(int(pid))


def test_what_a_killed_program_left_behind_is_ended_by_the_next_and_nothing_else_is(
    program: Program, tmp_path: Path
) -> None:
    _, pid = program.call({"note": str(tmp_path / "1")})
    orphans.end_left_behind()
    assert is_running(int(pid))
    os.kill(program.process.pid, signal.SIGKILL)
    program.process.wait()
    orphans.end_left_behind()
    assert not is_running(int(pid))
