"""One call of `create` or of `put`: a whole item is stored."""

import time
from typing import Any, Generic, TypeVar

from taxiway.data.conditions import Condition
from taxiway.data.connection import Connection, where
from taxiway.data.encoding import EXPIRES
from taxiway.data.entity import Entity
from taxiway.data.executor import unknown
from taxiway.data.expressions import Expression
from taxiway.data.guards import Guard
from taxiway.data.patterns import Key
from taxiway.data.requests import Done, Plan, Refusal, Request
from taxiway.data.stamps import attributes_of, key_of, raised, stamped
from taxiway.data.uniques import claimed_fields, released, taken
from taxiway.data.write_ids import WRITE, is_of, new_write_id
from taxiway.sdk.dynamodb import Item

E = TypeVar("E", bound=Entity)


class Creation(Generic[E]):
    """A new item, which must not be there yet."""

    verb = "create"

    def __init__(self, item: E) -> None:
        self._item = stamped(item, fresh=True)
        self._write = new_write_id()
        self.key: Key[E] = key_of(self._item)

    def plan(self, *, together: bool) -> Plan:
        item = self._item
        attributes = attributes_of(item)
        if not together and not item.__uniques__:
            attributes[WRITE] = self._write
        guard = Guard(self.key, "absent")
        request = Request("put", attributes, guard.arguments(Expression()), guard.explain)
        return Plan(
            self.verb,
            self.key.entity.__name__,
            str(self.key),
            [request, *taken(item, attributes)],
            item,
            read=None if item.__uniques__ else lambda _: item,
            refused=self._refused,
        )

    def _refused(self, refusal: Refusal) -> Done | None:
        if not refusal.ran:
            return None
        if is_of(refusal.stored, self._write):
            return Done(self._item)
        raise unknown(self.verb, self.key) from None


class Replacement(Generic[E]):
    """An item that is stored whether or not there is one, with a version that is higher than that of what it replaces.

    One with unique values is planned on what is stored, and in a transaction one with a version too.
    """

    verb = "put"

    def __init__(self, connection: Connection, item: E, required: Condition | None, expected: int | None) -> None:
        self._connection = connection
        self._item = stamped(item, after=expected)
        self._required = required
        self._expected = expected
        self._raises = expected is None and "version" in item.__roles__
        self._write = new_write_id()
        self.key: Key[E] = key_of(self._item)

    def plan(self, *, together: bool) -> Plan:
        claims = bool(self._item.__uniques__)
        row = self._connection.row(self.key) if claims or (together and self._raises) else None
        if self._raises:
            self._item = raised(self._item, row)
        item = self._item
        attributes = attributes_of(item)
        guard = Guard(
            self.key,
            "either",
            required=self._required,
            expected=self._expected,
            above=getattr(item, item.__roles__["version"]) if self._raises else None,
            basis=claimed_fields(type(item)) if claims else (),
            read=row,
        )
        arguments = guard.arguments(Expression())
        if arguments and not together and not claims:
            attributes[WRITE] = self._write
        request = Request("put", attributes, arguments, guard.explain)
        return Plan(
            self.verb,
            self.key.entity.__name__,
            str(self.key),
            [request, *(self._claimed(item, attributes, row) if claims else ())],
            item,
            read=None if claims else lambda _: item,
            refused=self._refused,
        )

    def _claimed(self, item: E, attributes: Item, row: Item | None) -> list[Request]:
        # What has expired has given its values up: another may have them by now.
        seen = None if row is None or item.__codec__.has_expired(row, time.time()) else row
        old: Any = None if seen is None else item.__codec__.decode(dict(seen), str(self.key))
        takes = taken(item, attributes, old, seen.get(EXPIRES) if seen else None)
        return takes + (released(old, item, where(self.key)) if old is not None else [])

    def _refused(self, refusal: Refusal) -> Done | None:
        if refusal.ran and is_of(refusal.stored, self._write):
            return Done(self._item)
        if refusal.ran and (self._required is not None or self._expected is not None):
            raise unknown(self.verb, self.key) from None
        if self._raises:
            self._item = raised(self._item, refusal.stored)
        return None
