"""The units that calls of the table take to read and to write, apart for the table and for each of its indexes.

Where a table is provisioned each of its indexes has a capacity of its own, and none can use what another has left:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
"""

from collections.abc import Iterable, Mapping
from math import ceil

from msgspec import Struct

from taxiway.declare import Backend, Grant, Table

BOUNDS = (1, 40_000)
"""Of a table and of each index, by default: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html."""

_KB = 1024


class Units(Struct, frozen=True):
    """Units by where they are taken from: an index, or the table itself, which is None."""

    of: Mapping[str | None, float] = {}

    def __add__(self, other: "Units") -> "Units":
        places = self.of.keys() | other.of.keys()
        return Units({place: self.of.get(place, 0.0) + other.of.get(place, 0.0) for place in places})

    def __mul__(self, times: float) -> "Units":
        return Units({place: units * times for place, units in self.of.items()})

    @property
    def total(self) -> float:
        return sum(self.of.values())

    def provisioned(self, table: Table, bounds: tuple[int, int], *, utilization: float, seconds: float) -> int:
        """What a table and its indexes have in all to be used so, evenly over `seconds`, to `utilization` (0 to 1).

        Each has as much as its own part takes, in whole units a second, between the bounds that are those of each.
        """
        least, most = bounds
        places = (None, *(index.name for index in table.indexes))
        needed = (ceil(round(self.of.get(place, 0.0) / seconds / utilization, 6)) for place in places)
        return sum(min(max(least, units), most) for units in needed)


def sum_of(units: Iterable[Units]) -> Units:
    return sum(units, Units())


def is_read(grant: Grant) -> bool:
    return grant.verb in ("get", "query")


def calls(grant: Grant) -> int:
    """Calls of the table: a key of idempotency is claimed first, and has the answer written to it afterwards.

    A look-up reads the sentinel of a unique value, then the item.
    """
    return 2 if grant.verb == "idempotency_records" or grant.holder is not None else 1


def changes(grant: Grant) -> int:
    """Items that a request writes with it."""
    return 0 if is_read(grant) or grant.verb == "check" else calls(grant)


def read_units(grant: Grant, *, item_size: int, page: int) -> Units:
    """Half a unit for each 4 KB of the items, which have `item_size` bytes, and of which a query reads `page`.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    if not is_read(grant):
        return Units()
    if grant.holder is not None:  # both reads are consistent
        return Units({None: 1 + ceil(item_size / (4 * _KB))})
    items = page if grant.verb == "query" else 1
    return Units({grant.pattern.index: ceil(items * item_size / (4 * _KB)) / 2})


def write_units(grant: Grant, *, beside: Iterable[Grant], backend: Backend, item_size: int) -> Units:
    """A unit for each KB, in the table and again in each index that has the item; twice that in a transaction.

    One is what keeps an answer for its Idempotency-Key, and a unique value, which is an item of its own.
    https://aws.amazon.com/dynamodb/pricing/on-demand/
    """
    if is_read(grant):
        return Units()
    blocks = ceil(item_size / _KB)
    if grant.verb == "idempotency_records":  # claimed first, and then kept with the answer
        return Units({None: 1 + 2 * blocks})
    takes = len(grant.sentinels) if grant.verb in ("put", "delete") else 0
    together = bool(takes) or any(other.verb == "idempotency_records" for other in beside)
    indexes = _indexes_of(grant.pattern.entity, backend) if changes(grant) else set[str]()
    return Units({None: blocks * (2 if together else 1) + 2 * takes, **dict.fromkeys(indexes, blocks)})


def _indexes_of(entity: str, backend: Backend) -> set[str]:
    """The indexes that have an entity, as the functions that write it say: one that deletes it doesn't."""
    grants = (grant for function in backend.functions for grant in function.grants)
    written = (pattern for grant in grants if grant.pattern.entity == entity for pattern in grant.written)
    return {pattern.index for pattern in written if pattern.index is not None}
