"""What is stored of an item: its fields with those that a write sets, its key, and its keys in the indexes."""

from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from taxiway.data.encoding import WIDEST, moment, seconds
from taxiway.data.entity import Entity
from taxiway.data.fields import now
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.data.write_ids import WRITE, new_write_id
from taxiway.sdk.dynamodb import Item

E = TypeVar("E", bound=Entity)


def stamped(item: E, *, fresh: bool = False, after: int | None = None) -> E:
    """A copy with the fields that a write sets, and its expiry in whole seconds.

    The version is one higher than the item's own, or than the one `after` which it comes.
    """
    roles = item.__roles__
    if not roles:
        return item
    stamp = now()
    stamps: dict[str, Any] = {}
    if "updated" in roles:
        stamps[roles["updated"]] = stamp
    if "version" in roles:
        before = getattr(item, roles["version"]) if after is None else after
        stamps[roles["version"]] = 1 if fresh else before + 1
    if fresh and "created" in roles:
        stamps[roles["created"]] = stamp
    if "ttl" in roles and getattr(item, roles["ttl"]) is not None:
        try:
            stamps[roles["ttl"]] = moment(seconds(getattr(item, roles["ttl"])))
        except ValueError as error:
            raise item.__codec__.invalid(item.__codec__.fields[roles["ttl"]], error) from None
    try:
        return replace(item, **stamps)
    except (ValueError, TypeError) as error:  # of a class that checks its objects
        raise item.__codec__.invalid(None, error) from None


def raised(item: E, row: Item | None) -> E:
    """The item itself where its version is higher than what is stored, or else one whose version is."""
    own = item.__roles__.get("version")
    if own is None or row is None:
        return item
    stored = row.get(item.__codec__.fields[own].stored)
    return replace(item, **{own: stored + 1}) if isinstance(stored, int) and stored >= getattr(item, own) else item


def attributes_of(item: Entity) -> Item:
    """Everything that is stored of an item: its fields, its key, and its keys in the indexes that it is in."""
    attributes = item.__codec__.encode(item)
    get = partial(getattr, item)
    attributes[PARTITION] = item.__primary__.partition.render(get)
    attributes[SORT] = item.__primary__.sort.render(get)
    for pattern in item.__indexed__:
        own = attributes[PARTITION], attributes[SORT]
        partition, sort = pattern.written(pattern.partition.render(get), own), pattern.sort.render(get)
        if partition is not None and sort is not None:
            attributes[pattern.partition_attribute] = partition
            attributes[pattern.sort_attribute] = sort
    if len(item.__codec__.fields) > WIDEST:
        attributes[WRITE] = new_write_id()  # by which `guards.as_read` sees that it was written
    return attributes


def key_of(item: E) -> Key[E]:
    """The item's own key."""
    get = partial(getattr, item)
    primary = item.__primary__
    return Key(type(item), str(primary.partition.render(get)), str(primary.sort.render(get)), ())
