"""What a function may do: one grant names one verb on one entity or one access pattern."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from taxiway.declare.errors import refuse

Verb = Literal["get", "put", "update", "delete", "query", "check", "write_many", "idempotency_records"]


class Pattern(Protocol):
    """What a declaration needs to know of an access pattern (`taxiway.data` has the real one)."""

    @property
    def name(self) -> str: ...
    @property
    def entity(self) -> str:
        """The name of the entity that the pattern reads."""
        ...

    @property
    def index(self) -> str | None:
        """The index it reads; None is the table itself."""
        ...

    @property
    def partition_key(self) -> str:
        """The template of the partition key: `ITEM#{category}`."""
        ...


class Entity(Protocol):
    """What a declaration needs to know of an entity class: its own key and its access patterns."""

    @property
    def __primary__(self) -> Pattern: ...
    @property
    def __patterns__(self) -> tuple[Pattern, ...]: ...


class Lookup(Pattern, Protocol):
    """What a declaration needs to know of a look-up by a unique value."""

    @property
    def holder(self) -> Pattern:
        """The entity's own key, by which the item is read."""
        ...


class _Template(Protocol):
    text: str


class _UniqueValue(Protocol):
    """A unique value of an entity."""

    template: _Template


@dataclass(frozen=True)
class Access:
    """Calls of the DynamoDB API (`GetItem`) on items whose partition key, in the table or an index, fits a template."""

    calls: tuple[str, ...]
    index: str | None
    partition_key: str


# A batch of reads tells no more than reads one by one do. UpdateItem and DeleteItem can return the item that they
# change, so GetItem beside them opens nothing more. DynamoDB has one permission for both kinds of a batch of writes.
_CALLS: dict[Verb, tuple[str, ...]] = {
    "get": ("BatchGetItem", "GetItem"),
    "put": ("PutItem",),
    "update": ("GetItem", "UpdateItem"),
    "delete": ("DeleteItem", "GetItem"),
    "query": ("Query",),
    "check": ("ConditionCheckItem",),
    "write_many": ("BatchWriteItem",),
    "idempotency_records": ("DeleteItem", "PutItem"),
}

# Of the sentinel of each unique value.
_SENTINEL_CALLS: dict[Verb, tuple[str, ...]] = {
    "put": ("DeleteItem", "PutItem"),
    "update": ("DeleteItem", "PutItem"),
    "delete": ("DeleteItem",),
}


@dataclass(frozen=True)
class Grant:
    """One verb of the table, through one access pattern.

    What else it touches follows: a write keeps the indexes of the entity.
    """

    verb: Verb
    pattern: Pattern
    written: tuple[Pattern, ...] = ()
    sentinels: tuple[str, ...] = ()
    """The templates of the partition keys under which the entity's unique values are kept."""
    reads: bool = False
    """Whether a put may look at what it replaces, as its answer could anyway."""
    holder: Pattern | None = None
    """The key of the item that a look-up reads after the sentinel."""

    def __str__(self) -> str:
        """As a declaration writes it."""
        if self.verb == "idempotency_records":
            return "allow.idempotency_records()"
        of = f"{self.pattern.entity}.{self.pattern.name}" if self.is_of_pattern else self.pattern.entity
        return f"allow.{self.verb}({of})"

    @property
    def is_of_pattern(self) -> bool:
        """Whether it names an access pattern, and not an entity."""
        return self.verb == "query" or self.holder is not None

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return (self.pattern, *self.written)

    @property
    def accesses(self) -> tuple[Access, ...]:
        """What it comes to at DynamoDB. An index is kept by DynamoDB itself: a write needs no access to it."""
        if self.holder is not None:
            return tuple(Access(("GetItem",), None, each.partition_key) for each in (self.pattern, self.holder))
        calls = _CALLS[self.verb]
        if self.reads:
            calls = ("GetItem", *calls)
        own = Access(calls, self.pattern.index, self.pattern.partition_key)
        return (own, *(Access(_SENTINEL_CALLS[self.verb], None, sentinel) for sentinel in self.sentinels))


@dataclass(frozen=True)
class _Records:
    """The records of requests, which `taxiway.data.request_records` writes."""

    name: str = "request"
    entity: str = "Idempotency"
    index: None = None
    partition_key: str = "IDEMPOTENCY#{request}"


class Allow:
    """What a function may do, for its `uses`: `uses=[allow.get(Item), allow.query(Item.by_category)]`."""

    def get(self, of: Entity | Lookup) -> Grant:
        """Read one entity by its own key, or many by theirs; of a look-up, the one that has a unique value."""
        if hasattr(of, "__primary__"):
            return Grant("get", cast("Entity", of).__primary__)
        if not hasattr(of, "holder"):
            refuse(
                f"allow.get takes an entity or a look-up, and not {of!r}.",
                fix="name the entity, as in allow.get(Item), or its look-up, as in allow.get(User.by_email)",
            )
        lookup = cast("Lookup", of)
        return Grant("get", lookup, holder=lookup.holder)

    def put(self, entity: Entity) -> Grant:
        """Create or replace an entity, which may take reading it where it has a version or unique values."""
        sentinels = _sentinels(entity)
        reads = bool(sentinels) or "version" in getattr(entity, "__roles__", {})
        return Grant("put", entity.__primary__, entity.__patterns__, sentinels, reads)

    def update(self, entity: Entity) -> Grant:
        """Change fields of an entity, which takes reading it where a change follows from what is stored."""
        return Grant("update", entity.__primary__, entity.__patterns__, _sentinels(entity))

    def delete(self, entity: Entity) -> Grant:
        """Delete an entity by its own key, which takes reading it where it has unique values."""
        return Grant("delete", entity.__primary__, (), _sentinels(entity))

    def query(self, pattern: Pattern) -> Grant:
        """Read many entities through one access pattern."""
        return Grant("query", pattern)

    def check(self, entity: Entity) -> Grant:
        """Make a transaction depend on an entity that it does not write."""
        return Grant("check", entity.__primary__)

    def write_many(self, entity: Entity) -> Grant:
        """Put and delete entities in batches; DynamoDB can't allow one of the two alone."""
        return Grant("write_many", entity.__primary__, entity.__patterns__)

    def idempotency_records(self) -> Grant:
        """Put and delete the records by which `@handler(idempotency=…)` answers a repeated request."""
        return Grant("idempotency_records", _Records())


allow = Allow()
"""The verbs that a function may be allowed."""


def _sentinels(entity: Entity) -> tuple[str, ...]:
    values: Iterable[_UniqueValue] = getattr(entity, "__uniques__", ())
    return tuple(value.template.text for value in values)
