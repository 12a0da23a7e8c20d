"""Rows as they are read: where one is, and the items of those that can be read."""

from collections.abc import Callable
from typing import Any

from taxiway.data.errors import StoredItemInvalid
from taxiway.sdk.dynamodb import Item


def label(row: Item) -> str:
    """Where a row is, for a message."""
    return f"The item at {row['pk']!r}, {row['sk']!r}"


def readable(rows: list[Item], entity: str, decode: Callable[[list[Item]], list[Any]]) -> list[Any]:
    """The items of those rows that `decode` can read; each of the others is logged at WARN with its key."""
    try:
        return decode(rows)
    except StoredItemInvalid:
        from taxiway import log
    found: list[Any] = []
    for row in rows:
        try:
            found += decode([row])
        except StoredItemInvalid as error:
            log.warning(
                "skipped an item that can't be read", entity=entity, pk=row["pk"], sk=row["sk"], problem=str(error)
            )
    return found
