"""Says whether the project's files have changed, cheaply enough to be asked at each request."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from taxiway.local.inotify import Inotify

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "cdk.out"})
_ENVIRONMENT = "pyvenv.cfg"  # makes a directory a virtual environment: https://peps.python.org/pep-0405/
_LOOK_EVERY = 0.01  # seconds
_COARSEST_CLOCK = 2_000_000_000  # ns: FAT keeps times to two seconds, most file systems to some milliseconds

Signature: TypeAlias = tuple[int, int]
"""Inode, and its time of change in nanoseconds, which no tool can set back as it can the time of modification."""


class Sources:
    """The `*.py` and `.env*` files under a directory, without hidden directories, virtual environments and packages.

    Linux tells of each change (inotify), so a look costs one system call however large the project is. Elsewhere, and
    where Linux has no more room for watches, every file is looked at, at most every 10 ms.

    Files and directories are known by their signature; a directory's changes when an entry comes, goes or is replaced,
    and is a reason to look what is in it. What changed so lately that it could change again and keep its signature is
    known by its content as well, until it is older than the coarsest clock of a file system.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve())
        self._version = 0
        self._watch: Inotify | None = None
        self._looked = 0.0
        self._scan()

    def version(self, *, thorough: bool = False) -> int:
        """A number, higher than before where a file has changed, come or gone since the last call.

        A `thorough` look finds what the system does not tell of: changes on a network's file system.
        """
        if (thorough or self._may_have_changed()) and self._is_moved():
            files, contents = self._files, self._contents
            self._scan()
            if self._files != files or any(_content(path) != contents[path] for path in files.keys() & contents.keys()):
                self._version += 1
        return self._version

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _may_have_changed(self) -> bool:
        if self._watch is not None:
            return any(_is_telling(name) for name in self._watch.changes())
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY:
            return False
        self._looked = now
        return True

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
        self.close()
        with suppress(OSError):
            self._watch = Inotify() if sys.platform == "linux" else None
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
        self._observe(directory)
        self._note(directory, self._directories)
        try:
            with os.scandir(directory) as entries:
                found = list(entries)
        except OSError:  # it has gone; the directory that it was in says so at the next look
            return
        if any(entry.name == _ENVIRONMENT for entry in found):
            return
        for entry in found:
            name = entry.name
            if entry.is_dir():
                if _is_walked(name):
                    self._walk(entry.path, seen)
            elif _is_source(name):
                if entry.is_symlink():
                    self._observe(entry.path)
                self._note(entry.path, self._files)

    def _observe(self, path: str) -> None:
        """Have the system tell of changes of a path. Where it can't, it is not relied on for any other."""
        try:
            if self._watch is not None:
                self._watch.watch(path)
        except OSError as error:
            # What has gone meanwhile, or is a link to nothing, is told of by the directory that it was in.
            if not isinstance(error, FileNotFoundError) or path == self._root:
                self.close()

    def _note(self, path: str, known: dict[str, Signature]) -> None:
        now = time.time_ns()
        try:
            found = Path(path).stat()
        except OSError:
            return
        known[path] = (found.st_ino, found.st_ctime_ns)
        if self._is_young(path, now):
            self._contents[path] = _content(path)


def _is_source(name: str) -> bool:
    return name.endswith(".py") or name.startswith(".env")


def _is_telling(name: str) -> bool:
    """Whether what Inotify says has changed may be a reason to look at the files."""
    if name.endswith("/"):
        return _is_walked(name[:-1])
    return not name or name == _ENVIRONMENT or _is_source(name)


def _is_walked(directory: str) -> bool:
    return not directory.startswith(".") and directory not in _SKIPPED


def _content(path: str) -> int:
    """A checksum of a file's bytes, or of a directory's names."""
    try:
        file = Path(path)
        if file.is_dir():
            return crc32(b"\0".join(sorted(os.fsencode(entry) for entry in file.iterdir())))
        return crc32(file.read_bytes())
    except OSError:
        return 0
