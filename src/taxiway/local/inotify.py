"""Linux's inotify: says whether anything has changed in some directories, for one system call however many they are.

https://man7.org/linux/man-pages/man7/inotify.7.html
"""

import os
import struct
from ctypes import CDLL, get_errno
from functools import cache

_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x40, 0x80, 0x100, 0x200
_IN_DELETE_SELF, _IN_MOVE_SELF, _IN_ISDIR = 0x400, 0x800, 0x40000000
_CHANGES = (
    _IN_MODIFY
    | _IN_ATTRIB
    | _IN_CLOSE_WRITE
    | _IN_MOVED_FROM
    | _IN_MOVED_TO
    | _IN_CREATE
    | _IN_DELETE
    | _IN_DELETE_SELF
    | _IN_MOVE_SELF
)
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, and how long the name is that follows
_BUFFER = 64 * 1024  # bytes


class Inotify:
    """Watches directories and files until closed. Raises OSError where the system has no room for one more."""

    def __init__(self) -> None:
        self._descriptor = _checked(_library().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, path: str) -> None:
        """Watch a file, or what is directly in a directory. Raises OSError where that fails."""
        _checked(_library().inotify_add_watch(self._descriptor, os.fsencode(path), _CHANGES))

    def changes(self) -> set[str]:
        """The names of what has changed since the last call: `name/` for a directory, none for what is watched."""
        names: set[str] = set()
        while True:
            try:
                events = os.read(self._descriptor, _BUFFER)
            except BlockingIOError:
                return names
            at = 0
            while at < len(events):
                _, mask, _, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                name = os.fsdecode(events[at - length : at].rstrip(b"\0"))
                names.add(f"{name}/" if name and mask & _IN_ISDIR else name)

    def close(self) -> None:
        os.close(self._descriptor)


@cache
def _library() -> CDLL:
    return CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(get_errno(), os.strerror(get_errno()))
    return result
