"""The fields that the library fills in: ids that sort by time, timestamps, versions."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, cast

import msgspec

from taxiway.data._core import core

Role: TypeAlias = Literal["created", "updated", "version"]


class Managed:
    """Stands in a class body for a field that the table client sets; the entity's class turns it into a default."""

    def __init__(self, role: Role, default: Callable[[], Any]) -> None:
        self.role: Role = role
        self.default = default


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def sortable_id() -> str:
    """A new id for each object: a ULID (26 characters, no two alike), whose text order is the order of milliseconds.

    https://github.com/ulid/spec
    """
    return msgspec.field(default_factory=lambda: core().generate_ulid())


def created() -> datetime:
    """When the item was created, in UTC. `create` sets it, and nothing changes it afterwards."""
    return cast("datetime", Managed("created", now))


def updated() -> datetime:
    """When the item was last written, in UTC. Every write sets it."""
    return cast("datetime", Managed("updated", now))


def version() -> int:
    """How often the item was written: 0 before it is stored, 1 when it is created, one more with each write."""
    return cast("int", Managed("version", int))
