"""Request units: what one call of DynamoDB is billed for, by the size of what it reads or writes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-verbs.html and, for what a write costs
in the indexes, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html. A unit is the same on-demand
(a request unit) and provisioned (a capacity unit, that many a second). Sizes are in bytes.
"""

from enum import Enum

READ_BLOCK = 4096
WRITE_BLOCK = 1024


class Consistency(Enum):
    """How a read is made; the value is the units that it takes for every 4 KB."""

    EVENTUAL = 0.5
    STRONG = 1.0
    TRANSACTIONAL = 2.0


def read(size: int, consistency: Consistency = Consistency.EVENTUAL) -> float:
    """The units of reading one item. An item that isn't there costs as much as the smallest."""
    return _blocks(size, READ_BLOCK) * consistency.value


def page(items: int, size: int, consistency: Consistency = Consistency.EVENTUAL) -> float:
    """The units of a query that finds `items` of `size` each: their sum is rounded up, and not each of them."""
    return _blocks(items * size, READ_BLOCK) * consistency.value


def write(size: int, *, transactional: bool = False) -> float:
    """The units that a put, an update or a delete takes of the table: of the larger of the old and the new item."""
    return float(_blocks(size, WRITE_BLOCK) * (2 if transactional else 1))


def index_write(size: int, *, key_changed: bool = False) -> float:
    """The units that a write takes of an index that the item is in: a changed key is a delete and a put."""
    return float(_blocks(size, WRITE_BLOCK) * (2 if key_changed else 1))


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))
