"""Reads the shards of a query as if they were one partition: in the order of the sort key, from any position on.

Items are ordered by their sort key, and under one sort key by partition. A position is one place in that order, in
whatever partition it was found: so it holds for each of them, and goes on holding while items move to another number of
shards, which changes an item's partition and not its sort key. What moves leaves a partition that is read first, so it
is found there, or afterwards where it went; found in both, it is given once.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec.structs import replace

from taxiway.data.keys import below
from taxiway.data.patterns import PARTITION, SORT, Query
from taxiway.data.sharding import Partition
from taxiway.sdk.dynamodb import Item

LARGEST_PAGE = 1000
LEAST = "!"
"""Sorts above nothing and below everything that a key can go on with."""

Position: TypeAlias = tuple[str, str, str, str]
"""An item's partition key, its sort key, its sort key in the index, and the name of its partition there."""
Read: TypeAlias = Callable[[Query[Any], int, Item | None], tuple[list[Item], Item | None]]


def part(size: int, share: int) -> int:
    """How many items are first read of one shard: twice its share of a page, as shards are never quite alike."""
    return min(size, -(-size // share) * 2)


class _Stream:
    """One partition: what was read of it and not given yet, and how far that goes."""

    def __init__(self, query: Query[Any], partition: Partition, size: int) -> None:
        self.query = replace(query, partition=query.partition + partition.suffix)
        self.partition = partition
        self.rows: deque[Item] = deque()
        self._size = self._first = size
        self._bounded = self.query
        self._start: Item | None = None
        self.covered: Item | None = None
        self.ended = False

    @property
    def waits(self) -> bool:
        """Whether what comes next isn't known."""
        return not self.rows and not self.ended

    def restart(self, position: Position | None, rank: int) -> None:
        """Read from a position on, which is in the partition of this rank."""
        self.rows.clear()
        self._size, self._bounded, self._start, self.covered, self.ended = self._first, self.query, None, None, False
        if position is None:
            return
        partition, sort, place, _ = position
        query, pattern = self.query, self.query.pattern
        if rank == self.partition.rank:
            names = (PARTITION, SORT, pattern.sort_attribute, pattern.partition_attribute)
            self._start = dict(zip(names, (partition, sort, place, query.partition), strict=True))
        elif query.forward:
            self._bounded = query.within(low=place + LEAST if self.partition.rank < rank else place)
        else:
            self._bounded = query.within(high=below(place) if self.partition.rank < rank else place)

    def read(self, read: Read) -> None:
        rows, self._start = read(self._bounded, self._size, self._start)
        self.rows.extend(rows)
        self.covered, self.ended = self._start, self._start is None
        self._size = min(self._size * 2, LARGEST_PAGE)


class Merge:
    """The rows of a query's shards, in order. It stops after `calls` calls of each, where that is given.

    `position` is where it is: at the last row that it gave, or further where there is nothing up to there; `ended` is
    whether that is the end.
    """

    def __init__(
        self, read: Read, query: Query[Any], *, size: int, position: Position | None = None, calls: int | None = None
    ) -> None:
        assert query.pattern.sharding is not None
        partitions = query.pattern.sharding.partitions
        self.position = position
        self.ended = False
        self._read = read
        self._calls = None if calls is None else calls * len(partitions)
        self._forward = query.forward
        self._sort = query.pattern.sort_attribute
        self._ranks = {each.name: each.rank for each in partitions}
        self._streams = [_Stream(query, each, part(size, each.share)) for each in partitions]
        self._given: set[tuple[str, str]] = set()
        if position is not None:
            self._given.add(position[:2])
            for stream in self._streams:
                stream.restart(position, self._rank)

    def __iter__(self) -> Iterator[Item]:
        while True:
            ready = self._first([(stream, stream.rows[0]) for stream in self._streams if stream.rows])
            waiting = [stream for stream in self._streams if stream.waits]
            unread = [stream for stream in waiting if stream.covered is None]
            least = self._first([(stream, stream.covered) for stream in waiting if stream.covered is not None])
            if ready is not None and not unread and (least is None or self._first([ready, least]) is ready):
                stream, row = ready
                stream.rows.popleft()
                if self._moves_to(row, stream.partition.name):
                    yield row
            elif unread:
                if not self._go_on(unread[0]):
                    return
            elif least is not None:
                self._moves_to(least[1], least[0].partition.name)
                if not self._go_on(least[0]):
                    return
            else:
                self.ended = True
                return

    @property
    def _rank(self) -> int:
        """Where the position's partition is in the order; before them all where it isn't read any more."""
        return -1 if self.position is None else self._ranks.get(self.position[3], -1)

    def _first(self, found: list[tuple[_Stream, Item]]) -> tuple[_Stream, Item] | None:
        """The one that comes first in the order."""
        if not found:
            return None
        return (min if self._forward else max)(found, key=self._place)

    def _place(self, found: tuple[_Stream, Item]) -> tuple[str, int]:
        rank = found[0].partition.rank
        return found[1][self._sort], rank if self._forward else -rank

    def _moves_to(self, row: Item, name: str) -> bool:
        """Take a row's place as the position; whether the row hasn't been given yet."""
        own = row[PARTITION], row[SORT]
        if self.position is not None and self.position[2] != row[self._sort]:
            self._given.clear()
        known = own in self._given
        self._given.add(own)
        self.position = (*own, row[self._sort], name)
        return not known

    def _go_on(self, stream: _Stream) -> bool:
        """Read a partition on; False where that would be a call too many."""
        if self._calls is not None:
            if self._calls == 0:
                return False
            self._calls -= 1
        if stream.partition.old:
            # What has moved since the others were read would be in neither.
            for other in self._streams:
                if not other.partition.old:
                    other.restart(self.position, self._rank)
        stream.read(self._read)
        return True
