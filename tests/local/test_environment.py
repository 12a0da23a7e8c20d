"""An environment holds a function to its limits, and whatever the function does, ends it alone."""

import asyncio
import os
import re
import signal
from pathlib import Path

import psutil
import pytest
from tests.counts import count

from taxiway.local.functions import MAX_EVENT
from taxiway.local.runtime_api import MAX_ANSWER

from .workers import TRACE, Running, eventually, function, is_running, on_uvloop, open_files, running, write


async def serves_again(started: Running) -> None:
    """The next request is answered, by a new environment."""
    outcome = await started.call("echo", "again")
    assert (outcome.payload, outcome.failure) == (b'"again"', None)


@on_uvloop
async def test_over_its_timeout_a_function_is_killed() -> None:
    async with running(function("handlers.sleeps", timeout=1)) as started:
        pid = await started.answer("sleeps", {})
        outcome = await started.call("sleeps", {"seconds": 60})
        assert (outcome.failure, outcome.cold) == ("timeout", False)
        assert outcome.duration_ms >= 1000
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f-]{36} Task timed out after 1\.00 seconds", outcome.detail
        )
        assert not is_running(pid)
        again = await started.call("sleeps", {})
        assert (again.failure, again.cold) == (None, True)


@on_uvloop
async def test_over_its_memory_a_function_is_killed() -> None:
    async with running(function("handlers.allocates", memory=128)) as started:
        assert await started.answer("allocates", {"mb": 64}) == 8
        outcome = await started.call("allocates", {"mb": 400, "seconds": 60})
        assert outcome.failure == "memory"
        words = r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: signal: killed\tMemory Size: 128 MB\tMax"
        measured = re.match(words + r" Memory Used: (\d+) MB$", outcome.detail)
        assert measured is not None
        assert int(measured[1]) >= 128
        assert await started.answer("allocates", {"mb": 8}) == 1


@on_uvloop
async def test_memory_counts_over_invocations_and_children() -> None:
    async with running(
        function("handlers.leaks", memory=128), function("handlers.children_allocate", memory=128)
    ) as started:
        calls = 0
        while True:
            calls += 1
            outcome = await started.call("leaks")
            if calls > 1 and (outcome.cold or outcome.failure == "memory"):
                break  # the environment before it was killed, in a request or between two
            assert calls * 8 < 1000
            await asyncio.sleep(0.05)
        assert calls * 8 > 64
        outcome = await started.call("children-allocate", {"mb": 150})
        assert outcome.failure == "memory"


@pytest.mark.parametrize(
    ("handler", "event", "words"),
    [
        ("exits", 7, "Runtime exited with error: exit status 7"),
        ("exits", 0, "Runtime exited without providing a reason"),
        ("leaves", 3, "Runtime exited with error: exit status 3"),
        ("segfaults", None, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_fails_its_request_alone(handler: str, event: object, words: str) -> None:
    @on_uvloop
    async def check() -> None:
        async with running(function(f"handlers.{handler}"), function("handlers.echo")) as started:
            for _ in range(2):
                outcome = await started.call(handler, event)
                assert (outcome.failure, outcome.cold) == ("exit", True)
                assert re.fullmatch(r"RequestId: [0-9a-f-]{36} Error: " + words, outcome.detail)
            await serves_again(started)

    check()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(3)", "Runtime exited with error: exit status 3"),
        ("import sys\nsys.exit(4)", "Runtime exited with error: exit status 4"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_in_init_is_an_init_failure(tmp_path: Path, source: str, words: str) -> None:
    @on_uvloop
    async def check() -> None:
        write(tmp_path, ends=source)
        async with running(function("ends.handler"), project=tmp_path) as started:
            outcome = await started.call("handler")
            assert (outcome.failure, outcome.cold) == ("init", True)
            assert re.fullmatch(r"RequestId: [0-9a-f-]{36} Error: " + words, outcome.detail)

    check()


SLOW_AT_FIRST = """
import time
from pathlib import Path

imported = Path({note!r})
if not imported.exists():
    imported.touch()
    time.sleep(60)
time.sleep({seconds})

def handler(event, context):
    time.sleep(event["seconds"])
    return context.get_remaining_time_in_millis()
"""
ENDED_INIT = "INIT_REPORT Init Duration: 500.00 ms\tPhase: init\tStatus: timeout"


@on_uvloop
async def test_an_init_that_takes_too_long_is_tried_again_and_the_request_is_answered(tmp_path: Path) -> None:
    write(tmp_path, slow=SLOW_AT_FIRST.format(note=str(tmp_path / "note"), seconds=0))
    async with running(function("slow.handler"), project=tmp_path, init_timeout=0.5) as started:
        outcome = await started.call("handler", {"seconds": 0})
        assert (outcome.failure, outcome.cold) == (None, True)
        assert started.printed("stderr") == [ENDED_INIT]
        assert (await started.call("handler", {"seconds": 0})).cold is False


@on_uvloop
async def test_an_init_that_takes_too_long_twice_is_ended_by_the_functions_timeout(tmp_path: Path) -> None:
    write(tmp_path, slow="import time\ntime.sleep(60)")
    async with running(function("slow.handler", timeout=1), project=tmp_path, init_timeout=0.5) as started:
        outcome = await started.call("handler")
        assert (outcome.failure, outcome.cold) == ("timeout", True)
        assert outcome.detail == (
            "INIT_REPORT Init Duration: 1000.00 ms\tPhase: invoke\tStatus: timeout\nTask timed out after 1.00 seconds"
        )
        assert started.printed("stderr") == [ENDED_INIT]


@on_uvloop
async def test_a_second_init_and_the_event_share_the_functions_timeout(tmp_path: Path) -> None:
    write(tmp_path, slow=SLOW_AT_FIRST.format(note=str(tmp_path / "note"), seconds=1))
    async with running(function("slow.handler", timeout=3), project=tmp_path, init_timeout=0.5) as started:
        outcome = await started.call("handler", {"seconds": 2.5})
        assert outcome.failure == "timeout"
        assert outcome.duration_ms < 2500


@on_uvloop
async def test_an_init_over_the_memory_is_ended(tmp_path: Path) -> None:
    write(tmp_path, large="import time\nkept = b'x' * (200 << 20)\ntime.sleep(60)")
    async with running(function("large.handler", memory=128), project=tmp_path) as started:
        assert (await started.call("handler")).failure == "memory"


@on_uvloop
async def test_an_init_may_take_longer_than_the_timeout(tmp_path: Path) -> None:
    write(tmp_path, slow="import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 'done'")
    async with running(function("slow.handler", timeout=1), project=tmp_path) as started:
        assert await started.answer("handler") == "done"


@on_uvloop
async def test_an_event_over_6_mb_is_refused_and_one_of_6_mb_is_not() -> None:
    async with running(function("handlers.echo")) as started:
        largest = b'"' + b"x" * (MAX_EVENT - 2) + b'"'
        outcome = await started.invoke("echo", largest, trace_id=TRACE)
        assert outcome.payload == largest
        outcome = await started.invoke("echo", largest + b" ", trace_id=TRACE)
        assert outcome.failure == "payload"
        assert "Request must be smaller than 6291456 bytes for the InvokeFunction operation" in outcome.detail
        assert "6291457" in outcome.detail


@on_uvloop
async def test_an_answer_over_6_mb_fails_and_the_environment_stays() -> None:
    async with running(function("handlers.answers")) as started:
        assert len((await started.call("answers", MAX_ANSWER - 2)).payload) == MAX_ANSWER
        outcome = await started.call("answers", 7_000_000)
        assert outcome.failure == "payload"
        assert "Response payload size exceeded maximum allowed payload size (6291556 bytes)." in outcome.detail
        outcome = await started.call("answers", 1)
        assert (outcome.payload, outcome.cold) == (b'"x"', False)


@on_uvloop
async def test_what_is_printed_comes_line_by_line_with_its_function_and_stream() -> None:
    names = ("prints_binary", "prints_from_child", "exits")
    async with running(*[function(f"handlers.{name}") for name in names]) as started:
        await started.call("prints-binary")
        await started.call("prints-from-child")
        await started.call("exits", 1)
        assert [line for line in started.lines if line[2] == "stderr"] == [("prints-binary", "\x00", "stderr")]
        assert [line for line in started.lines if line[2] == "stdout"] == [
            ("prints-binary", "\\xff\\xfe café", "stdout"),
            ("prints-from-child", "from a child", "stdout"),
            ("exits", "last words", "stdout"),
            ("exits", "no newline", "stdout"),
        ]


@on_uvloop
async def test_a_line_without_its_end_comes_with_the_request_that_printed_it() -> None:
    async with running(function("handlers.prints_without_end")) as started:
        await started.call("prints-without-end", "first")
        assert started.printed() == ["first"]
        await started.call("prints-without-end", "second")
        assert started.printed() == ["first", "second"]


@on_uvloop
async def test_who_prints_without_end_waits_for_its_reader_and_the_others_are_served(tmp_path: Path) -> None:
    written = tmp_path / "written"
    names = ("prints_for_ever", "echo")
    async with running(*[function(f"handlers.{name}", timeout=60) for name in names]) as started:
        printing = asyncio.create_task(started.call("prints-for-ever", {"written": str(written)}))
        await eventually(lambda: len(started.lines) > 1000)
        for n in range(200):
            assert await started.answer("echo", n) == n
            ahead = int(written.read_text() or 0) - sum(len(text) + 1 for text in started.printed())
            assert ahead <= 256 * 1024
        printing.cancel()


@on_uvloop
async def test_ten_megabytes_without_a_line_break_come_whole_and_in_pieces() -> None:
    async with running(function("handlers.prints_much")) as started:
        assert (await started.call("prints-much", 10)).failure is None
        await eventually(lambda: started.printed("stdout")[-1:] == ["end"])
        *pieces, _ = started.printed("stdout")
        assert "".join(pieces) == "é" * (10 << 19)
        assert max(len(piece.encode()) for piece in pieces) <= 64 * 1024


@on_uvloop
async def test_a_child_goes_with_the_environment_that_started_it(tmp_path: Path) -> None:
    async with running(function("handlers.spawns", timeout=1)) as started:
        children = [
            await started.answer("spawns", {}),
            await started.answer("spawns", {"session": True, "seconds": 0.3}),
        ]
        assert all(is_running(pid) for pid in children)
        note = tmp_path / "pid"
        outcome = await started.call("spawns", {"exit": True, "touch": str(note)})
        assert outcome.failure == "exit"
        children.append(int(note.read_text()))
        await eventually(lambda: not any(is_running(pid) for pid in children))  # a signal takes a moment
        note.unlink()
        outcome = await started.call("spawns", {"seconds": 60, "exit": True, "touch": str(note)})
        assert outcome.failure == "timeout"


@on_uvloop
async def test_a_child_that_holds_the_pipes_open_holds_nothing_up(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    async with running(function("handlers.spawns")) as started:
        outcome = await started.call("spawns", {"session": True, "exit": True, "touch": str(note)})
        assert outcome.failure == "exit"
    pid = int(note.read_text())
    if is_running(pid):  # it left the group before it was ever seen
        os.kill(pid, signal.SIGKILL)


@count("kills", test=2, soak=200)
@on_uvloop
async def test_a_process_killed_from_outside_is_replaced() -> None:
    async with running(function("handlers.sleeps")) as started:
        pid = await started.answer("sleeps", {})
        busy = asyncio.create_task(started.call("sleeps", {"seconds": 60}))
        await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        outcome = await busy
        assert outcome.failure == "exit"
        assert outcome.detail.endswith("Error: Runtime exited with error: signal: killed")
        idle = await started.answer("sleeps", {})
        os.kill(idle, signal.SIGKILL)
        await eventually(lambda: not started.environments)
        assert started.printed("stderr") == ["Runtime exited with error: signal: killed"]
        assert await started.answer("sleeps", {}) not in (pid, idle)


@count("crashes", test=50, soak=5_000)
@on_uvloop
async def test_fifty_crashes_leave_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path, ends="import os\nos._exit(1)")
    planned = (function("ends.handler", name="ends"),)
    async with running(*planned, project=tmp_path, limit=8) as started:
        await started.call("ends")
        files, children = open_files(), psutil.Process().children()
        for _ in range(5):
            outcomes = await asyncio.gather(*[started.call("ends") for _ in range(10)])
            assert [outcome.failure for outcome in outcomes] == ["init"] * 10
        await eventually(lambda: not started.environments)
        await eventually(lambda: open_files() <= files)
        assert psutil.Process().children() == children


@on_uvloop
async def test_a_command_that_can_not_be_started_is_an_init_failure(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "no-such-python")
    async with running(function("handlers.echo"), command=lambda _: [nowhere]) as started:
        await started.call("echo")
        files = open_files()
        for _ in range(5):
            outcome = await started.call("echo")
            assert outcome.failure == "init"
            assert nowhere in outcome.detail
        await eventually(lambda: open_files() <= files)


def test_environments_run_on_the_standard_loop_too() -> None:
    async def check() -> None:
        async with running(function("handlers.exits"), function("handlers.echo")) as started:
            assert (await started.call("exits", 1)).failure == "exit"
            assert started.printed() == ["last words", "no newline"]
            await serves_again(started)

    asyncio.run(check())
