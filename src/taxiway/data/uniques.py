"""Unique values: one sentinel item for each, written in the same transaction as the item that holds the value.

A sentinel names its holder and expires with it, so a value is free where there is no sentinel, where it is one's own,
or where it has expired. https://aws.amazon.com/blogs/database/simulating-amazon-dynamodb-unique-constraints-using-transactions/
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from taxiway.data.encoding import ENTITY, EXPIRES, Codec, Field
from taxiway.data.errors import HeldByAnother, NotUnique
from taxiway.data.expressions import Expression
from taxiway.data.keys import PARTITION_KEY_BYTES, Template
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.requests import Request
from taxiway.sdk.dynamodb import Item

HOLDER_PARTITION, HOLDER_SORT = "holderPk", "holderSk"
_SORT = "UNIQUE"


class UniqueValue:
    """One unique field of an entity: where the sentinel of a value is, and what is done with it."""

    def __init__(self, codec: Codec, field: str, form: str | None, *, name: str | None = None) -> None:
        """`name` is what the field is called in its sentinels: its own name, or one that it had before."""
        types = {each.name: each.type for each in codec.fields.values()}
        labels = {each.name: each.stored for each in codec.fields.values()}
        self.field = field
        self.stored = codec.fields[field].stored
        text = f"UNIQUE#{codec.name}#{name or field}#{form or f'{{{field}}}'}"
        self.template = Template(codec.name, text, types, labels, PARTITION_KEY_BYTES)

    def sentinel(self, get: Callable[[str], Any]) -> str | None:
        """The partition key of the sentinel of an item's value; None where it has none. Raises InvalidKey."""
        return self.template.render(get)

    def taken(self, sentinel: str, holder: Item, expires: int | None, key: str) -> Request:
        """The request that makes it the holder's, or fails where it is another's."""
        expression = Expression()
        item = {
            PARTITION: sentinel,
            SORT: _SORT,
            ENTITY: _SORT,
            HOLDER_PARTITION: holder[PARTITION],
            HOLDER_SORT: holder[SORT],
        }
        if expires is not None:
            item[EXPIRES] = expires
        free = f"attribute_not_exists({PARTITION}) OR {_is_own(expression, holder)}"
        expired = f"{expression.name(EXPIRES)} <= {expression.value(int(time.time()))}"
        error = self.violated(key)
        return Request("put", item, expression.arguments([f"({free} OR {expired})"]), lambda _: error, takes=True)

    def released(self, sentinel: str, holder: Item, key: str) -> Request:
        """The request that frees it."""
        expression, place = Expression(), self.place(sentinel)
        condition = f"(attribute_not_exists({PARTITION}) OR {_is_own(expression, holder)})"
        error = HeldByAnother(
            f"The {self.field} of {key} is another's, as it was before it was unique.\n"
            "Fix: write it outside of a transaction, which leaves the value to the other",
            place=(place[PARTITION], place[SORT]),
        )
        return Request("delete", place, expression.arguments([condition]), lambda _: error)

    def place(self, sentinel: str) -> Item:
        """Where the sentinel is."""
        return {PARTITION: sentinel, SORT: _SORT}

    def is_held_by(self, row: Item, holder: Item) -> bool:
        """Whether a sentinel that is stored is that of this item."""
        held = (row.get(HOLDER_PARTITION), row.get(HOLDER_SORT), row.get(EXPIRES))
        return held == (holder[PARTITION], holder[SORT], holder.get(EXPIRES))

    def is_anothers(self, row: Item, holder: Item) -> bool:
        """Whether a sentinel that is stored is that of another item, which hasn't expired."""
        until = row.get(EXPIRES)
        return (row.get(HOLDER_PARTITION), row.get(HOLDER_SORT)) != (holder[PARTITION], holder[SORT]) and not (
            isinstance(until, int | float) and until <= time.time()
        )

    def violated(self, key: str) -> NotUnique:
        """The error of a value that another item has."""
        return NotUnique(
            f"{key} can't have this {self.field}: another has it already.",
            field=self.field,
            public_detail=f"{self.stored}: it is taken.",
        )


def _is_own(expression: Expression, holder: Item) -> str:
    partition, sort = expression.value(holder[PARTITION]), expression.value(holder[SORT])
    return f"({expression.name(HOLDER_PARTITION)} = {partition} AND {expression.name(HOLDER_SORT)} = {sort})"


def taken(item: Any, attributes: Item, old: Any = None, until: int | None = None) -> list[Request]:
    """What makes an item's unique values its own; not those that the item as it was has `until` the same moment."""
    requests: list[Request] = []
    key = f"{type(item).__name__} at {attributes[PARTITION]!r}, {attributes[SORT]!r}"
    expires = attributes.get(EXPIRES) if item.__codec__.expires else None
    for claim in item.__uniques__:
        sentinel = claim.sentinel(partial(getattr, item))
        held = None if old is None or until != expires else claim.sentinel(partial(getattr, old))
        if sentinel is not None and sentinel != held:
            requests.append(claim.taken(sentinel, attributes, expires, key))
    return requests


def released(old: Any, new: Any, holder: Item) -> list[Request]:
    """What frees the unique values that an item had and doesn't have any more."""
    requests: list[Request] = []
    for claim in old.__uniques__:
        sentinel = claim.sentinel(partial(getattr, old))
        kept = None if new is None else claim.sentinel(partial(getattr, new))
        if sentinel is not None and sentinel != kept:
            requests.append(claim.released(sentinel, holder, f"{type(old).__name__} at {holder[PARTITION]!r}"))
    return requests


def claimed_fields(entity: Any) -> tuple[Field, ...]:
    """The fields that an item's sentinels follow from, with when it expires, as they do then."""
    names = dict.fromkeys(name for claim in entity.__uniques__ for name in claim.template.fields)
    if "ttl" in entity.__roles__:
        names[entity.__roles__["ttl"]] = None
    return tuple(entity.__codec__.fields[name] for name in names)
