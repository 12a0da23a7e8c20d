"""Says whether the project's files have changed, cheaply enough to be asked at each request."""

import os
import time
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "cdk.out"})
_COARSEST_CLOCK = 2_000_000_000  # ns: FAT keeps times to two seconds, most file systems to some milliseconds

Signature: TypeAlias = tuple[int, int]
"""Inode, and its time of change in nanoseconds, which no tool can set back as it can the time of modification."""


class Sources:
    """The `*.py` and `.env*` files under a directory, without hidden directories, virtual environments and packages.

    Files and directories are known by their signature; a directory's changes when an entry comes, goes or is replaced,
    and is a reason to look what is in it. What changed so lately that it could change again and keep its signature is
    known by its content as well, until it is older than the coarsest clock of a file system.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve())
        self._version = 0
        self._scan()

    def version(self) -> int:
        """A number, higher than before where a file has changed, come or gone since the last call."""
        if self._is_moved():
            files, contents = self._files, self._contents
            self._scan()
            if self._files != files or any(_content(path) != contents[path] for path in files.keys() & contents.keys()):
                self._version += 1
        return self._version

    def _is_moved(self) -> bool:
        stat = os.stat
        try:
            for known in (self._files, self._directories):
                for path, signature in known.items():
                    found = stat(path)
                    if (found.st_ino, found.st_ctime_ns) != signature:
                        return True
        except OSError:
            return True
        if self._contents:
            now = time.time_ns()
            if any(_content(path) != content for path, content in self._contents.items()):
                return True
            self._contents = {path: content for path, content in self._contents.items() if self._is_young(path, now)}
        return False

    def _is_young(self, path: str, now: int) -> bool:
        _, changed = self._files.get(path) or self._directories[path]
        return now - changed < _COARSEST_CLOCK

    def _scan(self) -> None:
        self._files: dict[str, Signature] = {}
        self._directories: dict[str, Signature] = {self._root: (0, 0)}  # what it stays where there is no such directory
        self._contents: dict[str, int] = {}
        self._walk(self._root, set())

    def _walk(self, directory: str, seen: set[str]) -> None:
        """Note a directory and what is in it; `seen` ends the circles that symbolic links make."""
        real = os.path.realpath(directory)
        if real in seen:
            return
        seen.add(real)
        self._note(directory, self._directories)
        try:
            with os.scandir(directory) as entries:
                found = list(entries)
        except OSError:  # it has gone; the directory that it was in says so at the next look
            return
        if any(entry.name == "pyvenv.cfg" for entry in found):
            return
        for entry in found:
            name = entry.name
            if entry.is_dir():
                if not name.startswith(".") and name not in _SKIPPED:
                    self._walk(entry.path, seen)
            elif name.endswith(".py") or name.startswith(".env"):
                self._note(entry.path, self._files)

    def _note(self, path: str, known: dict[str, Signature]) -> None:
        now = time.time_ns()
        try:
            found = Path(path).stat()
        except OSError:
            return
        known[path] = (found.st_ino, found.st_ctime_ns)
        if self._is_young(path, now):
            self._contents[path] = _content(path)


def _content(path: str) -> int:
    """A checksum of a file's bytes, or of a directory's names."""
    try:
        file = Path(path)
        if file.is_dir():
            return crc32(b"\0".join(sorted(os.fsencode(entry) for entry in file.iterdir())))
        return crc32(file.read_bytes())
    except OSError:
        return 0
