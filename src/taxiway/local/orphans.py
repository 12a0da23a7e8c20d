"""Ends processes that outlived whoever started them: daemons of a function, and what a killed `taxiway dev` left."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from taxiway.local.family import children, descendants

MARKER = "TAXIWAY_STARTED_BY"
"""The environment variable that every process of local development has, whatever it does to leave the others."""

_PR_SET_CHILD_SUBREAPER = 36  # https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
_PATIENCE = 5.0  # seconds that a killed process is waited for


@cache
def marker() -> str:
    """What no other process is called: pid namespace, process id, and when it was started."""
    namespace = Path("/proc/self/ns/pid")
    return f"{namespace.readlink() if sys.platform == 'linux' else ''}/{os.getpid()}/{_started(os.getpid())}"


def adopt() -> None:
    """Mark whatever is started from now on, and on Linux become the parent of every descendant that loses its own."""
    os.environ[MARKER] = marker()
    if sys.platform == "linux":
        import ctypes  # takes milliseconds, and only `taxiway dev` needs it

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Strays:
    """The adopted children of this process: those that an environment left behind, and those that wait to be reaped."""

    def __init__(self) -> None:
        self._zombies: set[int] = set()

    def end(self, is_running: Callable[[str], bool]) -> bool:
        """Kill those whose environment, by its marker, is not running any more. True until all are reaped."""
        found = False
        zombies: set[int] = set()
        for child in children(os.getpid()):
            owner = _marker_of(child)
            if owner.startswith(f"{marker()}/") and not is_running(owner):
                found = True
                _kill(child, *descendants(child))
            elif not owner and _is_zombie(child):
                zombies.add(child)
        # Whoever starts a process reaps it at once: one that still waits at the second look was adopted.
        for child in zombies & self._zombies:
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        self._zombies = zombies
        return found or bool(zombies)


def end_descendants() -> None:
    """Kill all that this process started and what that started, marked or not, and wait until it has ended."""
    _end(lambda: [pid for pid in descendants(os.getpid()) if not _is_zombie(pid)])
    if sys.platform != "linux":
        _end(lambda: [pid for pid, owner in _marked() if owner.startswith(marker())])


def end_left_behind() -> None:
    """Kill what was started by a `taxiway dev` that has ended since."""
    dead = {owner for owner in {owner for _, owner in _marked()} if not _is_running(owner)}
    if dead:
        _end(lambda: [pid for pid, owner in _marked() if owner in dead])


def _end(find: Callable[[], list[int]]) -> None:
    """Kill what is found until nothing is: a process may start others until it has ended."""
    give_up = time.monotonic() + _PATIENCE
    while (found := find()) and time.monotonic() < give_up:
        _kill(*found)
        time.sleep(0.005)


def _kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _is_running(owner: str) -> bool:
    """Whether the process of a marker runs. What another pid namespace calls its own can't be seen from here."""
    namespace, pid, started = owner.split("/")[:3]
    return namespace != marker().split("/")[0] or not pid.isdecimal() or _started(int(pid)) == started


def _marked() -> Iterator[tuple[int, str]]:
    """The processes of this user that have a marker, and what it is; not this one."""
    for pid in psutil.pids():
        if pid != os.getpid() and (owner := _marker_of(pid)).count("/") >= 2:
            yield pid, owner


def _marker_of(pid: int) -> str:
    """Empty where it has none, has ended, or is another user's."""
    if sys.platform != "linux":
        with suppress(psutil.Error):
            return psutil.Process(pid).environ().get(MARKER, "")
        return ""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""
    _, _, rest = (b"\0" + variables).partition(f"\0{MARKER}=".encode())
    return rest.partition(b"\0")[0].decode(errors="replace")


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _started(pid: int) -> str:
    """When a process was started: in ticks since the machine was (Linux), which no change of its clock moves."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        except OSError:
            return ""
    try:
        return str(int(psutil.Process(pid).create_time()))
    except psutil.Error:
        return ""
