"""What the correctness tests store: entities that share partitions, move in indexes, and leave and re-enter one."""
# ruff: noqa: RUF012  an entity's mutable default is copied for each object, as any msgspec struct's is

from datetime import datetime
from decimal import Decimal

from taxiway.data import Entity, created, key, pattern, sortable_id, ttl, unique, updated, version


class Part(Entity):
    """Everything at once: exact numbers, a set, a version, and two indexes, of which one may leave it out."""

    shelf: str
    id: str
    kind: str
    rank: int = 0
    owner: str | None = None
    price: Decimal | None = None
    weight: float = 0.0
    tags: set[str] = set()
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="SHELF#{shelf}", sk="PART#{id}")
    def by_id(self, shelf: str, id: str) -> None:
        """One part."""

    @pattern("gsi1", pk="KIND#{kind}", sk="{rank:04}#{id}", sorted_by=int)
    def by_kind(self, kind: str) -> None:
        """Parts of a kind, by rank."""

    @pattern("gsi2", pk="OWNER#{owner}", sk="{created_at}#{id}")
    def by_owner(self, owner: str) -> None:
        """Parts of an owner, by age."""


class Label(Entity):
    """Nothing that the client fills in, and it may expire; in the partitions of parts, the table's and the index's."""

    shelf: str
    name: str
    kind: str
    rank: int = 0
    until: datetime | None = ttl()

    @key(pk="SHELF#{shelf}", sk="LABEL#{name}")
    def by_name(self, shelf: str, name: str) -> None:
        """One label."""

    @pattern("gsi1", pk="KIND#{kind}", sk="{rank:04}#{name}", sorted_by=int)
    def by_kind(self, kind: str) -> None:
        """Labels of a kind, by rank."""

    @pattern("gsi2", pk="SHELF#{shelf}", sk="{rank:04}", sorted_by=int)
    def by_rank(self, shelf: str) -> None:
        """Labels of a shelf, by rank and nothing else."""


class Member(Entity):
    """One with a value that no two have."""

    id: str
    email: str = unique("{email:fold}")
    points: int = 0
    version: int = version()

    @key(pk="MEMBER#{id}", sk="MEMBER")
    def by_id(self, id: str) -> None:
        """One member."""


class Rivalled(Entity):
    """Two counters of one item, which different writers count in."""

    id: str
    count: int = 0
    others: int = 0

    @key(pk="RIVALLED#{id}", sk="RIVALLED")
    def by_id(self, id: str) -> None:
        """One pair of counters."""


class Tally(Entity):
    """What several writers change at once. `marks` names every change, so that none is lost or counted twice unseen."""

    id: str
    count: int = 0
    marks: list[str] = []
    group: str = "none"
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="TALLY#{id}", sk="TALLY")
    def by_id(self, id: str) -> None:
        """One tally."""

    @pattern("gsi1", pk="GROUP#{group}", sk="{count:08}")
    def by_group(self, group: str) -> None:
        """Tallies of a group, by their count."""


class Order(Entity):
    """What a client asks for once, with an id that is made anew at each attempt."""

    id: str = sortable_id()
    request: str
    created_at: datetime = created()

    @key(pk="ORDER#{id}", sk="ORDER")
    def by_id(self, id: str) -> None:
        """One order."""

    @pattern("gsi1", pk="REQUEST#{request}", sk="{id}")
    def by_request(self, request: str) -> None:
        """The orders that a request has made: one, if all is well."""


class Lock(Entity):
    """What only one may take. Two that take it in the same microsecond make equal items."""

    name: str
    created_at: datetime = created()
    updated_at: datetime = updated()
    count: int = 0
    version: int = version()

    @key(pk="LOCK#{name}", sk="LOCK")
    def by_name(self, name: str) -> None:
        """One lock."""
