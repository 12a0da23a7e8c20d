"""The verbs for many items: any number of them, sent in the largest portions that DynamoDB takes.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
The core repeats what DynamoDB leaves unprocessed five times, over about three seconds, and then gives up on a portion
without saying which of it. Getting, putting and deleting are idempotent, so here the whole portion is sent again.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from taxiway.data._core import Attributes
from taxiway.data.arguments import check_item, check_key
from taxiway.data.connection import pause, where
from taxiway.data.encoding import Codec
from taxiway.data.entity import Entity
from taxiway.data.errors import EntityError, Throttled, TransactionInvalid, Unavailable
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.data.writes import Writes, attributes_of, stamped

E = TypeVar("E", bound=Entity)
P = ParamSpec("P")

GETS, WRITES = 100, 25
"""How many keys and how many writes DynamoDB takes in one request."""
PATIENCE = 30.0
"""Seconds for which a portion is sent again."""
LONGEST_PAUSE = 2.0
"""Seconds, at most, between two times."""

Progress = Callable[[int, int], None]
"""Told how many are done, of how many, after each portion."""


class Batches(Writes):
    """None of these is atomic as a whole: where one raises, the portions before it are done."""

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
                rows = self._patiently(
                    self.core.sync_batch_get,
                    self.name,
                    [where(key) for key in portion],
                    consistent,
                    _number_schema=codec.numbers,
                )
                for row in rows:
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
        kept: dict[tuple[str, str], tuple[E, Attributes]] = {}
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
        places: dict[tuple[str, str], Attributes] = {}
        for key in keys:
            check_key("delete_many", key)
            _check_unclaimed(key.entity, "delete_many")
            places[key.partition, key.sort] = where(key)
        self._write_all([], list(places.values()), progress)

    def _check_batch(self, verb: str) -> None:
        if self._open() is not None:
            raise TransactionInvalid(f"{verb} writes at once, and can't be part of a transaction: write one by one.")

    def _write_all(self, puts: list[Attributes], deletes: list[Attributes], progress: Progress | None) -> None:
        total = len(puts) + len(deletes)
        for start in range(0, total, WRITES):
            end = start + WRITES
            self._patiently(self.core.sync_batch_write, self.name, puts[start:end], deletes[start:end])
            if progress is not None:
                progress(min(end, total), total)

    def _patiently(self, method: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
        deadline, attempt = time.monotonic() + PATIENCE, 4
        while True:
            try:
                return self._call(method, *args, **kwargs)
            except (Throttled, Unavailable) as error:
                unprocessed = "Failed to process" in str(error) or "Failed to get" in str(error)
                if not unprocessed and not isinstance(error, Throttled):
                    raise
                if time.monotonic() > deadline:
                    raise Throttled(f"DynamoDB left a part of a batch unprocessed for {PATIENCE:.0f} s.") from error
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
