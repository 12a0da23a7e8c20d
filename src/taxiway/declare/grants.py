"""What a function may do: one grant names one operation on one entity or one access pattern."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Operation = Literal["get", "put", "update", "delete", "query", "check", "write_many", "idempotency"]


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


class _Template(Protocol):
    text: str


class _Claim(Protocol):
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
_CALLS: dict[Operation, tuple[str, ...]] = {
    "get": ("BatchGetItem", "GetItem"),
    "put": ("PutItem",),
    "update": ("GetItem", "UpdateItem"),
    "delete": ("DeleteItem", "GetItem"),
    "query": ("Query",),
    "check": ("ConditionCheckItem",),
    "write_many": ("BatchWriteItem",),
    "idempotency": ("DeleteItem", "PutItem"),
}

# Of the sentinel of each unique value.
_SENTINEL_CALLS: dict[Operation, tuple[str, ...]] = {
    "put": ("DeleteItem", "PutItem"),
    "update": ("DeleteItem", "PutItem"),
    "delete": ("DeleteItem",),
}


@dataclass(frozen=True)
class Grant:
    """One operation, through one access pattern. What else it touches follows: a write keeps the entity's indexes."""

    operation: Operation
    pattern: Pattern
    written: tuple[Pattern, ...] = ()
    sentinels: tuple[str, ...] = ()
    """The templates of the partition keys under which the entity's unique values are kept."""
    reads: bool = False
    """Whether a put may look at what it replaces, as its answer could anyway."""

    def __str__(self) -> str:
        return f"{self.operation}({self.pattern.entity}.{self.pattern.name})"

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        return (self.pattern, *self.written)

    @property
    def accesses(self) -> tuple[Access, ...]:
        """What it comes to at DynamoDB. An index is kept by DynamoDB itself: a write needs no access to it."""
        calls = _CALLS[self.operation]
        if self.reads:
            calls = ("GetItem", *calls)
        own = Access(calls, self.pattern.index, self.pattern.partition_key)
        return (own, *(Access(_SENTINEL_CALLS[self.operation], None, sentinel) for sentinel in self.sentinels))


def get(entity: Entity) -> Grant:
    """Read one entity by its own key, or many by theirs."""
    return Grant("get", entity.__primary__)


def put(entity: Entity) -> Grant:
    """Create or replace an entity, which may take reading it where it has a version or unique values."""
    sentinels = _sentinels(entity)
    reads = bool(sentinels) or "version" in getattr(entity, "__roles__", {})
    return Grant("put", entity.__primary__, entity.__patterns__, sentinels, reads)


def update(entity: Entity) -> Grant:
    """Change fields of an entity, which takes reading it where a change follows from what is stored."""
    return Grant("update", entity.__primary__, entity.__patterns__, _sentinels(entity))


def delete(entity: Entity) -> Grant:
    """Delete an entity by its own key, which takes reading it where it has Decimals."""
    return Grant("delete", entity.__primary__, (), _sentinels(entity))


def query(pattern: Pattern) -> Grant:
    """Read many entities through one access pattern."""
    return Grant("query", pattern)


def check(entity: Entity) -> Grant:
    """Make a transaction depend on an entity that it doesn't write."""
    return Grant("check", entity.__primary__)


def write_many(entity: Entity) -> Grant:
    """Put and delete entities in batches; DynamoDB can't allow one of the two alone."""
    return Grant("write_many", entity.__primary__, entity.__patterns__)


def _sentinels(entity: Entity) -> tuple[str, ...]:
    claims: Iterable[_Claim] = getattr(entity, "__claims__", ())
    return tuple(claim.template.text for claim in claims)


@dataclass(frozen=True)
class _Records:
    """The records of requests, which `taxiway.data.idempotency` writes."""

    name: str = "request"
    entity: str = "Idempotency"
    index: None = None
    partition_key: str = "IDEMPOTENCY#{request}"


idempotency = Grant("idempotency", _Records())
"""Put and delete the records by which a route with `@handler(idempotency=…)` answers a repeated request."""
