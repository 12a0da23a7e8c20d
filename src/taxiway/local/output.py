"""What a process prints, line by line as it comes. Much of it slows down the process that prints it, and no other."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import perf_counter

_CHUNK = 16 * 1024  # bytes that are read at once
_CAPACITY = 64 * 1024  # bytes that a pipe holds
_COST = 4  # seconds for other work after each second that output took
_SHORTEST_PAUSE = 0.001  # seconds
_LONGEST_LINE = 64 * 1024  # bytes


class Share:
    """How much of the event loop's time all output together may take: a fifth, once there is much of it."""

    def __init__(self) -> None:
        self._spent_until = 0.0

    def spend(self, seconds: float) -> float:
        """Account for time that was taken, and return the seconds for which whoever took it has to wait."""
        now = perf_counter()
        self._spent_until = max(self._spent_until, now) + seconds * _COST
        return self._spent_until - now


class Pipe:
    """A pipe that a process prints to. It is read no faster than `share` allows; then the process waits as it prints.

    `output` gets each line.
    """

    def __init__(self, output: Callable[[str], None], share: Share) -> None:
        self._output = output
        self._share = share
        self._loop = asyncio.get_running_loop()
        self._lines = Lines()
        self._pause: asyncio.TimerHandle | None = None
        self._descriptor, self.writer = os.pipe()
        os.set_blocking(self._descriptor, False)
        self._loop.add_reader(self._descriptor, self._read)

    def started(self) -> None:
        """The process has its end, and this one lets go of it."""
        os.close(self.writer)

    def drain(self) -> None:
        """Take all that has been printed so far; a line without its end counts as one."""
        for _ in range(_CAPACITY // _CHUNK + 1):
            if not self._take():
                break
        self._tell(self._lines.end())

    def close(self) -> None:
        """Take what is left, and let go of the pipe."""
        self.drain()
        self._loop.remove_reader(self._descriptor)
        if self._pause is not None:
            self._pause.cancel()
        os.close(self._descriptor)

    def _read(self) -> None:
        started = perf_counter()
        if not self._take():
            self._loop.remove_reader(self._descriptor)  # nobody holds the other end any more
            return
        pause = self._share.spend(perf_counter() - started)
        if pause >= _SHORTEST_PAUSE:
            self._loop.remove_reader(self._descriptor)
            self._pause = self._loop.call_later(pause, self._loop.add_reader, self._descriptor, self._read)

    def _take(self) -> bool:
        """Read once; false where there is nothing, now or for ever."""
        data = b""
        with suppress(BlockingIOError):
            data = os.read(self._descriptor, _CHUNK)
        self._tell(self._lines.feed(data))
        return bool(data)

    def _tell(self, lines: Iterator[str]) -> None:
        for line in lines:
            self._output(line)


class Lines:
    """Cuts bytes into lines of text.

    A line of over 64 KB comes in pieces, so that memory is bounded. What is not UTF-8 shows as `\\xff`.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = b""
        for line in lines:
            while len(line) > _LONGEST_LINE:
                piece, line = _cut(line)
                yield _text(piece)
            yield _text(line.removesuffix(b"\r"))
        while len(rest) > _LONGEST_LINE:
            piece, rest = _cut(rest)
            yield _text(piece)
        self._rest = rest

    def end(self) -> Iterator[str]:
        if self._rest:
            yield _text(self._rest)
        self._rest = b""


def _cut(line: bytes) -> tuple[bytes, bytes]:
    """Cut off a piece that does not end within a character."""
    end = _LONGEST_LINE
    while end > _LONGEST_LINE - 3 and line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end], line[end:]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
