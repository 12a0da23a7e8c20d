"""The fields that the library knows: sortable ids, timestamps, versions, expiry, and unique values."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, cast

import msgspec

from taxiway.data.ulids import new_ulid

Role: TypeAlias = Literal["created", "updated", "version", "ttl"]
STAMPS: tuple[Role, ...] = ("created", "updated", "version")
"""The roles whose fields the table client sets."""


class Managed:
    """Stands in a class body for a field with a role; the entity's class turns it into a default."""

    def __init__(self, role: Role, default: Callable[[], Any]) -> None:
        self.role: Role = role
        self.default = default

    def field(self) -> Any:
        """The field that msgspec makes of it."""
        return msgspec.field(default_factory=self.default)


class Unique:
    """Stands in a class body for a field that no two items share. `form` is the template of what must differ."""

    def __init__(self, form: str | None, default: Any) -> None:
        self.form = form
        self.default = default

    def field(self) -> Any:
        """The field that msgspec makes of it."""
        return msgspec.field(default=self.default)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def sortable_id() -> str:
    """A new id for each object: a ULID (26 characters, no two alike), whose text order is the order of milliseconds.

    https://github.com/ulid/spec
    """
    return msgspec.field(default_factory=new_ulid)


def created() -> datetime:
    """When the item was created, in UTC. `create` sets it, and no update changes it; `put` stores the object's own."""
    return cast("datetime", Managed("created", now))


def updated() -> datetime:
    """When the item was last written, in UTC. Every write sets it."""
    return cast("datetime", Managed("updated", now))


def version() -> int:
    """How often the item was written: 0 before it is stored, 1 when it is created, one more with each write."""
    return cast("int", Managed("version", int))


def ttl(*, after: timedelta | None = None) -> Any:
    """When the item expires: never where it is None, or `after` so long where that is given.

    It is stored under `expiresAt`, as the whole seconds that DynamoDB's TTL wants, rounded up; name that attribute in
    the table's declaration. An item that has expired is not read any more, and can be created anew, although DynamoDB
    may take days to delete it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
    """
    return Managed("ttl", lambda: None if after is None else now() + after)


def unique(form: str | None = None, *, default: Any = msgspec.NODEFAULT) -> Any:
    """A field whose value no two items of the entity share; a write that would make two raises NotUnique.

    `form` is a key template of what must differ, where it isn't the value as it is: `unique("{email:fold}")` folds
    case, `unique("{tenant}#{slug}")` is unique within a tenant. An item with None in it holds nothing.
    """
    return Unique(form, default)
