"""The verbs for many items: any number of them, sent in the largest portions that DynamoDB takes.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
What DynamoDB leaves unprocessed of a portion is sent again, after a pause.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from taxiway.data.arguments import check_item, check_key
from taxiway.data.connection import Connection, where
from taxiway.data.contention import pause
from taxiway.data.encoding import Codec
from taxiway.data.entity import Entity
from taxiway.data.errors import EntityError, Throttled, TransactionInvalid
from taxiway.data.executor import Executor
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.data.stamps import attributes_of, stamped
from taxiway.sdk.dynamodb import Item
from taxiway.sdk.dynamodb.actions import delete_request, put_request
from taxiway.sdk.dynamodb.requests import DeleteRequest, PutRequest

E = TypeVar("E", bound=Entity)
T = TypeVar("T")

GETS, WRITES = 100, 25
"""How many keys and how many writes DynamoDB takes in one request."""
PATIENCE = 30.0
"""Seconds for which a portion is sent again."""
LONGEST_PAUSE = 2.0
"""Seconds, at most, between two times."""

Progress = Callable[[int, int], None]
"""Told how many are done, of how many, after each portion."""


class Batches:
    """None of these is atomic as a whole: where one raises, the portions before it are done."""

    def __init__(self, connection: Connection, executor: Executor) -> None:
        self._connection = connection
        self._executor = executor

    def get_many(
        self, keys: Iterable[Key[E]], *, consistent: bool = False, progress: Progress | None = None
    ) -> list[E | None]:
        """The items of any number of keys, in the order of the keys, None where there is none; a key may come twice.

        Raises Throttled where DynamoDB leaves a portion unprocessed for half a minute.
        """
        wanted = list(keys)
        for key in wanted:
            check_key("get_many", key)
        found: dict[tuple[str, str], Any] = {}
        unique = {(key.partition, key.sort): key for key in wanted}
        groups: dict[type[Any], list[Key[E]]] = {}
        for key in unique.values():
            groups.setdefault(key.entity, []).append(key)
        moment, done = time.time(), 0
        for entity, group in groups.items():
            codec: Codec = entity.__codec__
            for start in range(0, len(group), GETS):
                portion = group[start : start + GETS]
                for row in self._patiently([where(key) for key in portion], partial(self._get_some, consistent)):
                    if not codec.has_expired(row, moment):
                        place = row[PARTITION], row[SORT]
                        found[place] = codec.decode(row, str(unique[place]))
                done += len(portion)
                if progress is not None:
                    progress(done, len(unique))
        return [found.get((key.partition, key.sort)) for key in wanted]

    def put_many(self, items: Iterable[E], *, progress: Progress | None = None) -> list[E]:
        """Store any number of items as `put` does, without a condition, and return them as stored.

        Of several under one key the last is stored, and returned. Raises EntityError for an entity with unique values,
        which a batch can't keep, and Throttled where DynamoDB leaves a portion unprocessed for half a minute.
        """
        self._check_batch("put_many")
        kept: dict[tuple[str, str], tuple[E, Item]] = {}
        for given in items:
            check_item("put_many", given)
            _check_unclaimed(type(given), "put_many")
            item = stamped(given, fresh=False)
            attributes = attributes_of(item)
            kept[attributes[PARTITION], attributes[SORT]] = item, attributes
        self._write_all([attributes for _, attributes in kept.values()], [], progress)
        return [item for item, _ in kept.values()]

    def delete_many(self, keys: Iterable[Key[Any]], *, progress: Progress | None = None) -> None:
        """Delete any number of items, those that are there; a key may come twice. Raises as `put_many` does."""
        self._check_batch("delete_many")
        places: dict[tuple[str, str], Item] = {}
        for key in keys:
            check_key("delete_many", key)
            _check_unclaimed(key.entity, "delete_many")
            places[key.partition, key.sort] = where(key)
        self._write_all([], list(places.values()), progress)

    def _check_batch(self, verb: str) -> None:
        if self._executor.open is not None:
            raise TransactionInvalid(f"{verb} writes at once, and can't be part of a transaction: write one by one.")

    def _write_all(self, puts: list[Item], deletes: list[Item], progress: Progress | None) -> None:
        deletions = list(map(delete_request, deletes))
        total = len(puts) + len(deletions)
        for start in range(0, total, WRITES):
            end = start + WRITES
            self._patiently([*map(put_request, puts[start:end]), *deletions[start:end]], self._write_some)
            if progress is not None:
                progress(min(end, total), total)

    def _get_some(self, consistent: bool, keys: list[Item]) -> tuple[list[Item], list[Item]]:
        to = self._connection
        answer = to.call(to.core.batch_get_item, {to.name: keys}, consistent_read=consistent)
        return answer.items.get(to.name, []), answer.unprocessed.get(to.name, [])

    def _write_some(
        self, writes: list[PutRequest | DeleteRequest]
    ) -> tuple[list[Item], list[PutRequest | DeleteRequest]]:
        to = self._connection
        return [], to.call(to.core.batch_write_item, {to.name: writes}).unprocessed.get(to.name, [])

    def _patiently(self, portion: list[T], send: Callable[[list[T]], tuple[list[Item], list[T]]]) -> list[Item]:
        """Send a portion, and what DynamoDB leaves of it until nothing is left. Returns the items that came."""
        deadline, attempt = time.monotonic() + PATIENCE, 4
        found: list[Item] = []
        while True:
            throttled = None
            try:
                came, portion = send(portion)
                found += came
            except Throttled as error:
                throttled = error
            if not portion:
                return found
            if time.monotonic() > deadline:
                raise Throttled(f"DynamoDB left a part of a batch unprocessed for {PATIENCE:.0f} s.") from throttled
            attempt += 1
            pause(attempt, LONGEST_PAUSE)


def _check_unclaimed(entity: type[Entity], verb: str) -> None:
    if entity.__uniques__:
        fields = ", ".join(claim.field for claim in entity.__uniques__)
        raise EntityError(
            entity.__name__,
            f"{fields} is unique, and {verb} can't keep it so",
            fix="write the items one by one, or up to 50 in a transaction",
        )
