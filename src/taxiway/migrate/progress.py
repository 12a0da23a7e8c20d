"""Shows the progress of a migration: a bar on a terminal, and elsewhere a line now and then."""

import time
from typing import TextIO

from taxiway.migrate.checkpoints import Counts

WIDTH = 30
BETWEEN_LINES = 5.0
BETWEEN_DRAWINGS = 0.1
"""Seconds."""


class Progress:
    """`total` is the approximate number of items; without it, a count is shown instead of a bar."""

    def __init__(self, stream: TextIO, *, total: int | None = None) -> None:
        self._stream = stream
        self._total = total
        self._terminal = stream.isatty()
        self._shown = 0.0 if self._terminal else time.monotonic()
        self._started = time.monotonic()
        self._before: int | None = None
        self._drawn = False

    def show(self, counts: Counts) -> None:
        """Show the counts, unless they were shown a moment ago."""
        now = time.monotonic()
        if self._before is None:
            self._before = counts.seen
        if now - self._shown < (BETWEEN_DRAWINGS if self._terminal else BETWEEN_LINES):
            return
        self._shown = now
        rate = (counts.seen - self._before) / max(now - self._started, 0.001)
        text = f"{counts.seen} items, {counts.written} rewritten, {rate:.0f} items/s"
        if self._terminal:
            self._stream.write(f"\r\x1b[K{self._bar(counts.seen)}{text}")
            self._stream.flush()
            self._drawn = True
        else:
            self._stream.write(f"{text}\n")

    def line(self, text: str) -> None:
        """Write a line in place of the bar, which is drawn again later."""
        self.close()
        self._stream.write(f"{text}\n")

    def close(self) -> None:
        """Remove the bar."""
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._drawn = False
        self._stream.flush()

    def _bar(self, seen: int) -> str:
        if not self._total:
            return ""
        part = min(seen / self._total, 1.0)
        return f"{'█' * int(part * WIDTH):░<{WIDTH}} {part:4.0%}  "
