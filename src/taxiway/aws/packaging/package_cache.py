"""The cache of package builds: entries that no build has used for 30 days are deleted.

All builds share the lock of the directory, and entries are deleted only by a build that holds it alone. A lock ends
with its process, so incomplete entries of a killed build can be deleted.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOR = 30 * 24 * 3600
"""Seconds."""

_LOCK = "lock"
_WHOLE = ("*.zip", "pyodide-*", "libraries/*", "bytecode/*/*")
"""What has a build's result in it, by the places where builds keep them."""
_WORK = ("*.zip.*", "installing-*", "libraries/*")
"""Where builds make it; a name that nobody else has is what tells the one from the other."""
_HALF_MADE = re.compile(r"installing-.*|.*\.[0-9a-f]{32}")


@contextmanager
def together(directory: Path) -> Generator[None]:
    """Use the cache in a directory, together with other builds: until the end, no entry is deleted."""
    directory.mkdir(parents=True, exist_ok=True)
    with _lock(directory) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def use(path: Path) -> None:
    """Keep a file or directory for longer, from now on."""
    os.utime(path)


def forget(directory: Path) -> None:
    """Delete unused entries, and incomplete ones of killed builds; nothing while another build is running."""
    with _lock(directory) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for path in [*_half_made(directory), *_unused(directory)]:
            with suppress(OSError):  # what can't be deleted is in nobody's way
                _delete(path)


@contextmanager
def _lock(directory: Path) -> Generator[int]:
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _half_made(directory: Path) -> Iterator[Path]:
    for pattern in _WORK:
        yield from (path for path in directory.glob(pattern) if _HALF_MADE.fullmatch(path.name))


def _unused(directory: Path) -> Iterator[Path]:
    for pattern in _WHOLE:
        yield from (path for path in directory.glob(pattern) if time.time() - path.lstat().st_mtime > FOR)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
