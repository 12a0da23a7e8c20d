"""Collections: different entities that share a partition, read by one query.

UserWithOrders = collection(User.by_id, Order.of_user)
user, orders = table.collect(UserWithOrders(id="1"))
"""

from typing import Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from taxiway.data.errors import EntityError
from taxiway.data.keys import AFTER
from taxiway.data.patterns import IndexPattern, KeyPattern, Member

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class CollectionQuery(msgspec.Struct, Generic[R], frozen=True):
    """One partition: what calling a collection gives."""

    collection: "Collection[..., R]"
    partition: str


class Collection(Generic[P, R]):
    """Several patterns of one partition. It takes the arguments of the first, and tells of itself as a pattern does."""

    def __init__(self, members: tuple[KeyPattern[..., Any] | IndexPattern[..., Any, Any], ...]) -> None:
        first = members[0]
        names = [member.entity for member in members]
        self.members = members
        self.index = first.index
        self.name = " + ".join(f"{member.entity}.{member.name}" for member in members)
        self.entity = " + ".join(names)
        self.description = f"A partition of {', '.join(names)}."
        self.partition = first.partition
        self.partition_key = first.partition_key
        if len(set(names)) < len(names):
            raise EntityError(self.entity, "a collection has each entity once")
        for member in members:
            if member.sharding is not None:
                raise EntityError(
                    member.entity, f"{member.name} has shards, and a collection is of one partition", fix="query it"
                )
            if (member.index, member.partition.shape) != (first.index, first.partition.shape):
                raise EntityError(
                    member.entity,
                    f"{member.name} is not in the partition of {first.entity}.{first.name}",
                    fix=f"a pattern of {first.index or 'the table'} whose pk looks as {first.partition_key!r} does",
                )
            if isinstance(member, KeyPattern) and not set(member.sort.fields) <= set(member.partition.fields):
                raise EntityError(
                    member.entity,
                    f"{member.name} finds one of several in the partition",
                    fix="declare a @pattern without an index for them, and name that",
                )
            if isinstance(member, IndexPattern) and member.given:
                raise EntityError(
                    member.entity,
                    f"{member.name} finds those of one {member.sort.fields[0]} only, and a collection all of them",
                    fix="name a pattern that takes the fields of its pk alone",
                )
        # What is read: from the first sort key that any of them can have to the last.
        prefixes = [member.sort.prefix for member in members]
        self.low = "" if "" in prefixes else min(prefixes)
        self.high = "" if "" in prefixes else max(prefix.removesuffix("#") + AFTER for prefix in prefixes)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> CollectionQuery[R]:
        arguments = self.members[0].bind(args, kwargs)
        partition = self.partition.render(arguments.__getitem__)
        return CollectionQuery(self, str(partition))

    def __repr__(self) -> str:
        return f"<collection of {self.name}>"


@overload
def collection(first: Member[P, A], second: Member[..., B], /) -> Collection[P, tuple[A, B]]: ...
@overload
def collection(
    first: Member[P, A], second: Member[..., B], third: Member[..., C], /
) -> Collection[P, tuple[A, B, C]]: ...
@overload
def collection(
    first: Member[P, A], second: Member[..., B], third: Member[..., C], fourth: Member[..., D], /
) -> Collection[P, tuple[A, B, C, D]]: ...
def collection(*members: Any) -> Collection[..., Any]:
    """Two to four patterns whose entities share a partition, for `table.collect`.

    A key gives its item or None; a pattern the list of its items. Raises EntityError where they don't share one.
    """
    return Collection(members)
