"""How large an item is to DynamoDB.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from taxiway.sdk.dynamodb import Item

LARGEST_ITEM = 400 * 1024
"""Bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


def size(attributes: Item) -> int:
    """An item's size in bytes, with the names of its attributes. AWS calls its own rule for numbers approximate."""
    return sum(len(name.encode()) + _of(value) for name, value in attributes.items())


def _of(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int | float | Decimal):
        digits = Decimal(str(value)).normalize().as_tuple().digits
        return (len(digits) + 1) // 2 + 1
    if isinstance(value, set | frozenset):
        return sum(map(_of, cast("Iterable[Any]", value)))
    if isinstance(value, dict):
        return 3 + sum(1 + len(name.encode()) + _of(member) for name, member in cast("Item", value).items())
    return 3 + sum(1 + _of(member) for member in value)
