"""Tells the objects that a child process must not share with its parent that they are in one."""

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something with a lock or a connection of its own."""

    def after_fork(self) -> None:
        """Called in the child, before anything else runs there."""
        ...


def tell_after_fork(owner: Forked) -> None:
    """Have `owner.after_fork()` called in each child process, while the owner lives."""
    _owners.add(owner)


def _tell() -> None:
    for owner in list(_owners):
        owner.after_fork()


_owners: "weakref.WeakSet[Forked]" = weakref.WeakSet()
os.register_at_fork(after_in_child=_tell)
