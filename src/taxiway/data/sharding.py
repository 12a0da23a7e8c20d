"""Shards: the several partitions that one partition of an index is spread over, and which of them an item is in.

Every partition takes a thousand writes a second and no more, however large the table is:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-sharding.html
"""

import msgspec

from taxiway.data.errors import EntityError

LARGEST = 256
SUFFIX_BYTES = len("#255of256")


class Shards(msgspec.Struct, frozen=True):
    """How many shards a pattern has, and between which numbers it is on its way. The four steps from
    one number to another: docs/how-to/scale.md.

    `Shards(1, next=8)` writes one and reads both; `Shards(8, was=1)` writes eight and reads both.
    """

    count: int
    was: int | None = None
    next: int | None = None


class Partition(msgspec.Struct, frozen=True):
    """One of the partitions that a query reads. `rank` orders them; `old` is one that items are moved out of."""

    name: str
    suffix: str
    rank: int
    share: int
    """How many partitions hold the items together with this one."""
    old: bool


class Sharding:
    """The partitions of a pattern: those that are read, the ones that items are moved out of first, and where to write.

    Raises EntityError where the numbers can't be.
    """

    def __init__(self, entity: str, pattern: str, shards: Shards) -> None:
        layouts = [count for count in (shards.was, shards.count, shards.next) if count is not None]
        if len(layouts) > 2 or len(set(layouts)) < len(layouts) or not all(map(_fits, layouts)):
            raise EntityError(
                entity,
                f"{pattern} can't have {shards}",
                fix=f"1 to {LARGEST} shards, and was= or next= with another number while it changes",
            )
        self.count = shards.count
        self.layouts = tuple(layouts)
        found = [(shard, count) for count in layouts for shard in range(count)]
        self.partitions = tuple(
            Partition(f"{shard}of{count}", _suffix(shard, count), rank, count, count != layouts[-1])
            for rank, (shard, count) in enumerate(found)
        )

    def place(self, partition: str, own: tuple[str, str]) -> str:
        """The partition that an item is written to: it follows from the item's own key, so a change keeps it there."""
        from binascii import crc32

        return partition + _suffix(crc32("\n".join(own).encode()) % self.count, self.count)

    def template(self, text: str) -> str:
        """What every partition fits that is read or written, as a key's template."""
        if 1 not in self.layouts:
            return f"{text}#{{shard}}"
        return text if text.endswith("}") else f"{text}{{shard}}"


def sharding(entity: str, pattern: str, shards: int | Shards) -> Sharding | None:
    """None where the pattern has the one partition of its template."""
    found = Sharding(entity, pattern, shards if isinstance(shards, Shards) else Shards(shards))
    return None if found.layouts == (1,) else found


def _suffix(shard: int, count: int) -> str:
    # The number of shards is in it, so that no partition is of two layouts and nothing is read twice or overlooked
    # while items move from one to the other.
    return "" if count == 1 else f"#{shard}of{count}"


def _fits(count: object) -> bool:
    return type(count) is int and 1 <= count <= LARGEST
