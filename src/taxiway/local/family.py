"""A process and all that it started: how much memory they hold, and which connections."""

import os
import sys
from pathlib import Path

import psutil

# psutil finds children by reading every process of the machine; this kernel lists them, where it was built to.
_LISTED = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()


class Family:
    """A process and its descendants, remembered so that those that left its process group are killed as well."""

    def __init__(self, pid: int) -> None:
        self._root = pid
        self._members: dict[int, psutil.Process] = {}

    def memory(self, limit: int) -> int:
        """Bytes in use; 0 where the process has ended.

        It is the resident set of each, and where that is over `limit` the share of each, so that what forks have in
        common counts once.
        """
        pids = [self._root, *descendants(self._root)]
        members = [member for pid in pids if (member := self._member(pid)) is not None]
        if len(self._members) > len(members):
            self._members = {pid: known for pid, known in self._members.items() if known.is_running()}
        resident = sum(_resident(member) for member in members)
        return resident if resident <= limit or len(members) == 1 else sum(_share(member) for member in members)

    def holds(self, address: tuple[str, int]) -> bool:
        """Whether one of them holds the TCP connection with this end."""
        return any(_holds(pid, address) for pid in (self._root, *descendants(self._root)))

    def kill(self) -> None:
        """Kill every member that was seen and still runs."""
        for member in self._members.values():
            try:
                member.kill()
            except psutil.Error:
                continue

    def _member(self, pid: int) -> psutil.Process | None:
        if pid not in self._members:
            try:
                self._members[pid] = psutil.Process(pid)
            except psutil.Error:
                return None
        return self._members[pid]


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    found: list[int] = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def children(pid: int) -> list[int]:
    """The processes that a process started, or adopted."""
    if not _LISTED:
        try:
            return [child.pid for child in psutil.Process(pid).children()]
        except psutil.Error:
            return []
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  pathlib takes three times as long, 40 times a second
            with open(f"/proc/{pid}/task/{task}/children", "rb") as listed:  # noqa: PTH123  the same
                found += map(int, listed.read().split())
    except OSError:
        pass
    return found


def _holds(pid: int, address: tuple[str, int]) -> bool:
    try:
        return any(connection.laddr == address for connection in psutil.Process(pid).net_connections("tcp4"))
    except psutil.Error:
        return False


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _share(process: psutil.Process) -> int:
    try:
        usage = process.memory_full_info()
        return usage.pss if sys.platform == "linux" else usage.uss
    except psutil.Error:
        return 0
