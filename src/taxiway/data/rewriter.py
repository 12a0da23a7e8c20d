"""Brings stored rows up to their entity's declaration: for `taxiway migrate`, and before an update of an older form."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from taxiway.data.connection import Connection, where
from taxiway.data.entity import Entity
from taxiway.data.errors import NotUnique
from taxiway.data.executor import Executor
from taxiway.data.guards import overtaken
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.data.requests import Done, Plan, Request
from taxiway.data.rewriting import Rewriting
from taxiway.data.rows import label
from taxiway.data.stamps import attributes_of
from taxiway.data.uniques import taken
from taxiway.sdk.dynamodb import Item


class Rewriter:
    def __init__(self, connection: Connection, executor: Executor) -> None:
        self._connection = connection
        self._executor = executor

    def rewrite(self, entity: type[Entity], row: Item, *, indexes: Sequence[str] = ()) -> bool:
        """Bring a stored row up to its entity's declaration: its form, and its keys in the indexes.

        `row` is what `core` gives. Of `indexes` it leaves those that the entity has no pattern for. Its
        version and its timestamps stay. It is written only as it was read, and read anew where it has changed since;
        the result is whether it was written. Raises StoredItemInvalid where it can't be read as the entity, NotUnique
        where another has its unique value, and Contended after twenty times.
        """
        return self._executor.settle(_Rewrite(self._connection, entity, row, indexes), at_once=True)

    def needs_rewrite(self, entity: type[Entity], row: Item, *, indexes: Sequence[str] = ()) -> bool:
        """Whether `rewrite` would write. Raises what it would: StoredItemInvalid, and NotUnique."""
        item, attributes, rewriting = _rewriting(entity, row, indexes)
        claimed = _has_claimed(self._connection, item, attributes)
        return not (rewriting.is_empty and claimed)

    def bring_up(self, key: Key[Any], stored: Item | None) -> bool:
        """Whether what is stored was of another form, and now is of the present one. Raises UnknownVersion.

        It is no part of a transaction that is open: to a reader it changes nothing.
        """
        codec = key.entity.__codec__
        if stored is None or not codec.evolution.is_other(stored) or codec.has_expired(stored, time.time()):
            return False
        row = self._connection.row(key)
        if row is not None:
            rewrite = partial(_Rewrite, self._connection, key.entity, row, (), claims=False)
            try:
                self._executor.settle(rewrite(), at_once=True)
            except NotUnique:  # another has its value, as migrate tells; what is to be written now may be another one
                self._executor.settle(rewrite(takes=False), at_once=True)
        return True


class _Rewrite:
    """One row. Without `claims` one that is as declared is left alone; one that does not take its unique values is
    written without them.
    """

    verb = "rewrite"

    def __init__(
        self,
        connection: Connection,
        entity: type[Entity],
        row: Item,
        indexes: Sequence[str],
        *,
        claims: bool = True,
        takes: bool = True,
    ) -> None:
        self._connection = connection
        self._entity = entity
        self._row: Item | None = row
        self._indexes = indexes
        self._claims = claims
        self._takes = takes
        self.key: Key[Any] = Key(entity, row[PARTITION], row[SORT], ())

    def plan(self, *, together: bool) -> Plan | Done:
        del together
        row = self._row or self._connection.row(self.key)
        self._row = None  # a second time it is read anew
        if row is None or self._entity.__codec__.has_expired(row, time.time()):
            return Done(False)
        item, attributes, rewriting = _rewriting(self._entity, row, self._indexes)
        if rewriting.is_empty and not (self._claims and not _has_claimed(self._connection, item, attributes)):
            return Done(False)
        kind = "check" if rewriting.is_empty else "update"
        requests = [Request(kind, where(self.key), rewriting.arguments, lambda _: overtaken(self.key))]
        requests += taken(item, attributes) if self._takes else []
        return Plan(
            self.verb,
            self._entity.__name__,
            str(self.key),
            requests,
            True,
            read=None if self._entity.__uniques__ else _written,
        )


def _written(_row: Item | None) -> bool:
    return True


def _has_claimed(connection: Connection, item: Entity, attributes: Item) -> bool:
    """Whether an item holds its unique values; a field that has become unique holds none for what was there.

    Raises NotUnique where another item does.
    """
    for claim in item.__uniques__:
        sentinel = claim.sentinel(partial(getattr, item))
        if sentinel is not None:
            row = connection.call(
                connection.core.get_item, connection.name, claim.place(sentinel), consistent_read=True
            ).item
            if row is not None and claim.is_anothers(row, attributes):
                raise claim.violated(f"{type(item).__name__} at {attributes[PARTITION]!r}, {attributes[SORT]!r}")
            if row is None or not claim.is_held_by(row, attributes):
                return False
    return True


def _rewriting(entity: type[Entity], row: Item, indexes: Sequence[str]) -> tuple[Entity, Item, Rewriting]:
    codec, place = entity.__codec__, label(row)
    upcast = codec.evolution.upcast(row, place) if codec.evolution.is_other(row) else row
    item = codec.decode(dict(upcast), place)
    attributes = attributes_of(item)
    return item, attributes, Rewriting(entity, row, upcast, attributes, place, indexes)
