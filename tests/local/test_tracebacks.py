"""A traceback shows the project's own frames, and is lines where a log has it as JSON."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from taxiway import log
from taxiway.local.tracebacks import fold, readable

PROJECT = str(Path(__file__).parent)
ELSEWHERE = """
def call(function):
    return function()

def middle(function):
    return call(function)
"""


def logged(error_of: Any) -> str:
    """The line that taxiway.log prints for what a function raises, through two frames outside of the project."""
    elsewhere: dict[str, Any] = {}
    exec(compile(ELSEWHERE, "/usr/lib/site-packages/library.py", "exec"), elsewhere)  # noqa: S102  it is above
    printed = io.StringIO()
    try:
        elsewhere["middle"](error_of)
    except Exception as error:
        with contextlib.redirect_stdout(printed):
            log.exception("Failed", error, item=7)
    return printed.getvalue().rstrip("\n")


def fails() -> None:
    raise ValueError("out of ideas")


def test_a_logged_exception_is_shown_as_a_traceback_below_its_line() -> None:
    line, *trace = readable(logged(fails), PROJECT)
    assert json.loads(line).items() >= {"level": "ERROR", "message": "Failed", "item": 7}.items()
    assert "exception" not in json.loads(line)
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[1].startswith(f'  File "{__file__}", line ')
    assert "  … 2 frames of libraries" in trace
    assert not any("library.py" in shown for shown in trace)
    assert trace[-1] == "ValueError: out of ideas"


def test_a_traceback_without_a_frame_of_the_project_is_shown_whole() -> None:
    trace = readable(logged(fails), "/another/project")
    assert sum("library.py" in shown for shown in trace) == 2


@pytest.mark.parametrize("line", ["plain", "{", '{"timestamp"', '{"timestamp":1}', '{"timestamp":1,"exception":"x"}'])
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert readable(line, PROJECT) == [line]


def test_a_breakpoint_in_a_functions_process_is_told_where_it_works() -> None:
    detail = f'BdbQuit: \nTraceback (most recent call last):\n  File "{PROJECT}/handlers.py", line 3, in handler\n'
    assert "taxiway dev --inline" in fold(detail, PROJECT)[-1]
    assert not any("inline" in line for line in fold("ValueError: no", PROJECT))
