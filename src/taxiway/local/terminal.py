"""What `taxiway dev` prints: the banner, a line per request, the functions' own output, and what went wrong."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from taxiway.local.gateway import Entry
from taxiway.local.shown_target import shortened, shown_target
from taxiway.local.tracebacks import fold, readable

_COLORS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}
_TARGET = 32
"""The width of the column of paths, at least."""
_OTHERS = 72
"""The width of the other columns of a request's line."""
_FUNCTION_COLORS = ("cyan", "magenta", "blue", "yellow", "green")


class Console:
    """Writes lines to a stream, in colour only where it is a terminal and NO_COLOR (no-color.org) is not set.

    Of tracebacks, the frames outside of the directory `project` are folded.
    """

    def __init__(self, stream: TextIO | None = None, *, project: Path | None = None) -> None:
        self._project = str(project.resolve()) if project else "/"
        self._stream = stream or sys.stdout
        self._colors = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._function_colors: dict[str, str] = {}

    def banner(self, title: str, url: str, sections: Iterable[tuple[str, Iterable[str]]], footer: str) -> None:
        """What is served: a title, the address, named sections of rows, and a last line."""
        self._write(f"\n{self._paint(title, 'bold')}\n\n  {self._paint(url, 'green')}\n")
        for name, rows in sections:
            self._write(f"  {self._paint(name, 'dim')}")
            for row in rows:
                self._write(f"    {row}")
        self._write(f"\n  {footer}\n")

    def request(self, entry: Entry) -> None:
        """One line for a request: status, method and target, duration, cold or warm, function, request id.

        On a terminal a target that is wider than its column is shortened, so that the columns stay; elsewhere it is
        written whole.
        """
        target = _printable(shown_target(entry.path, entry.query))
        width = _TARGET
        if self._stream.isatty():
            width = max(_TARGET, shutil.get_terminal_size().columns - _OTHERS)
            target = shortened(target, width)
        color = "green" if entry.status < 400 else "yellow" if entry.status < 500 else "red"
        temperature = {True: "cold", False: "warm", None: ""}[entry.cold]
        self._write(
            f"{self._paint(str(entry.status), color)} {entry.method:<7} {target:<{width}} "
            f"{entry.duration_ms:>8.1f} ms  {temperature:<4}  {entry.function or '-':<20} "
            f"{self._paint(entry.request_id, 'dim')}"
        )
        if entry.detail:
            self.problem(entry.detail)

    def output(self, function: str, line: str, stream: str) -> None:
        """A line that a function printed."""
        color = self._function_colors.setdefault(
            function, _FUNCTION_COLORS[len(self._function_colors) % len(_FUNCTION_COLORS)]
        )
        for shown in readable(line, self._project):
            text = _printable(shown)
            self._write(
                f"{self._paint(f'[{function}]', color)} {self._paint(text, 'red') if stream == 'stderr' else text}"
            )

    def note(self, text: str) -> None:
        self._write(self._paint(text, "dim"))

    def problem(self, text: str) -> None:
        """Something that the user must see, over several lines if need be."""
        for line in fold(text, self._project):
            self._write(self._paint(f"  {_printable(line)}", "red"))

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self._colors else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass  # whoever read the output is gone; serving goes on


def _printable(text: str) -> str:
    """Without control characters, so that no request and no function can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode("ascii") for c in text)
