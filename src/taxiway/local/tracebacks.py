"""Tracebacks as a person reads them on the terminal: the project's own frames, and those of libraries folded."""

from collections.abc import Iterator
from typing import Any

import msgspec

_FRAME = '  File "'
_DEBUGGER = "BdbQuit"
_HINT = "breakpoint() finds no terminal in a function's process. Fix: taxiway dev --inline"


def readable(line: str, project: str) -> list[str]:
    """A line that a function printed. One of `taxiway.log` with an exception has its traceback below it, not within."""
    if not line.startswith('{"timestamp"'):
        return [line]
    try:
        record: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        stack = str(record.pop("exception")["stack"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return [line]
    return [msgspec.json.encode(record).decode(), *fold(stack, project)]


def fold(text: str, project: str) -> list[str]:
    """The lines of a text. In its tracebacks, the frames outside of `project` become a line that counts them."""
    lines = text.splitlines()
    if any(_is_own(line, project) for line in lines):
        lines = list(_folded(lines, project))
    return [*lines, _HINT] if any(_DEBUGGER in line for line in lines) else lines


def _folded(lines: list[str], project: str) -> Iterator[str]:
    folding = 0
    for line in lines:  # the last is never a frame, but what was raised
        if line.startswith(_FRAME) and not _is_own(line, project):
            folding += 1
        elif folding and line.startswith("    "):
            continue  # the source of a frame that is folded
        else:
            if folding:
                yield f"  … {folding} {'frame' if folding == 1 else 'frames'} of libraries"
            folding = 0
            yield line


def _is_own(line: str, project: str) -> bool:
    return line.startswith(f"{_FRAME}{project}/") and "/site-packages/" not in line
