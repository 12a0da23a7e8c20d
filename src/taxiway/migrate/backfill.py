"""The migration itself: a parallel scan of the table, and a conditional rewrite of each item that is not current.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any

from taxiway.data import DataError, Entity, NotConfigured, TableClient, Throttled, Unavailable
from taxiway.data.errors import AccessDenied, Contended, translate
from taxiway.migrate.checkpoints import Checkpoint, Checkpoints, Counts
from taxiway.sdk.errors import SdkError

SEGMENTS = 4
PAGE = 100
"""Maximum items per call: after a kill, at most this many per segment are processed again."""
PATIENCE = 60.0
"""Seconds for which calls to a throttling or failing DynamoDB are repeated."""


class Backfill:
    """One run over all items of some entities. It can be stopped at any moment, and repeating it does no harm.

    `indexes` are the table's: an item is removed from those that its entity has no pattern for. `rate` is the maximum
    number of items read per second. `progress` is called with the counts now and then, from several threads; `problem`
    is called with a message for each item that can't be rewritten. With `dry_run` nothing is written.
    """

    def __init__(
        self,
        table: TableClient,
        entities: Sequence[type[Entity]],
        *,
        indexes: Sequence[str] = (),
        rate: float | None = None,
        dry_run: bool = False,
        progress: Callable[[Counts], None],
        problem: Callable[[str], None],
    ) -> None:
        self._table = table
        self._entities = {entity.__codec__.name: entity for entity in entities}
        self._indexes = indexes
        self._checkpoints = Checkpoints(table, entities, indexes, SEGMENTS)
        self._dry_run = dry_run
        self._progress = progress
        self._problem = problem
        self._pace = _Pace(rate)
        self._page = PAGE if rate is None else max(1, min(PAGE, ceil(rate)))
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._counts = Counts()

    def resumable(self) -> Counts | None:
        """The counts of an unfinished run of the same migration; None if there is none."""
        found = self._checkpoints.read()
        return sum_of(each.counts for each in found.values()) if found else None

    def run(self, *, resume: bool = True) -> Counts:
        """Process every item, from where an unfinished run stopped unless `resume` is False. Returns the total counts.

        Raises DataError if the table can't be read or written for a minute.
        """
        started = self._checkpoints.read() if resume and not self._dry_run else {}
        if not started and not self._dry_run:
            self._checkpoints.clear()
        self._counts = sum_of(each.counts for each in started.values())
        checkpoints = {segment: started.get(segment, Checkpoint(Counts())) for segment in range(SEGMENTS)}
        with ThreadPoolExecutor(SEGMENTS) as pool:
            running = [pool.submit(self._guarded, segment, each) for segment, each in checkpoints.items()]
            try:
                for each in running:
                    each.result()
            finally:
                self._stopping.set()
        if not self._dry_run:
            self._checkpoints.clear()
        return self._counts

    def _guarded(self, segment: int, checkpoint: Checkpoint) -> None:
        try:
            self._segment(segment, checkpoint)
        except BaseException:
            self._stopping.set()
            raise

    def _segment(self, segment: int, checkpoint: Checkpoint) -> None:
        while not checkpoint.done:
            rows, checkpoint.last, others = self._patiently(lambda: self._read(segment, checkpoint.last))
            self._pace.wait(self._stopping, others)
            counts = Counts()
            for row in rows:
                self._pace.wait(self._stopping)
                if self._stopping.is_set():
                    return
                self._one(row, counts)
            checkpoint.counts = checkpoint.counts.plus(counts)
            checkpoint.done = checkpoint.last is None
            if not self._dry_run:
                self._patiently(lambda: self._checkpoints.write(segment, checkpoint))
            with self._lock:
                self._counts = self._counts.plus(counts)
                self._progress(self._counts)

    def _read(
        self, segment: int, start: dict[str, Any] | None
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None, int]:
        """A page of the entities' items, the start of the next page, and the number of other items that were read."""
        names = {f":e{n}": name for n, name in enumerate(self._entities)}
        page = self._table.core.scan(
            self._table.name,
            filter_expression=f"#entity IN ({', '.join(names)})",
            expression_attribute_names={"#entity": "entity"},
            expression_attribute_values=names,
            limit=self._page,
            exclusive_start_key=start,
            consistent_read=True,
            segment=segment,
            total_segments=SEGMENTS,
        )
        return page.items, page.last_key, page.scanned_count - page.count

    def _one(self, row: dict[str, Any], counts: Counts) -> None:
        entity = self._entities[row["entity"]]
        counts.seen += 1
        try:
            if self._dry_run:
                expired = entity.__codec__.has_expired(row, time.time())
                counts.written += not expired and self._table.needs_rewrite(entity, row, indexes=self._indexes)
            else:
                counts.written += self._patiently(lambda: self._table.rewrite(entity, row, indexes=self._indexes))
        except (AccessDenied, NotConfigured):
            raise
        except (Throttled, Unavailable) as error:
            if not isinstance(error, Contended):
                raise
            self._failed(row, error, counts)
        except DataError as error:
            self._failed(row, error, counts)

    def _failed(self, row: dict[str, Any], error: DataError, counts: Counts) -> None:
        counts.failed += 1
        with self._lock:
            self._problem(f"{row['entity']} at {row['pk']!r}, {row['sk']!r} was not rewritten: {error}")

    def _patiently(self, call: Callable[[], Any]) -> Any:
        deadline, pause = time.monotonic() + PATIENCE, 0.05
        while True:
            try:
                return call()
            except DataError as error:
                meaning = error
            except SdkError as error:
                meaning = translate(error)
            passing = isinstance(meaning, Throttled | Unavailable) and not isinstance(meaning, Contended)
            if not passing or time.monotonic() > deadline or self._stopping.wait(pause):
                raise meaning
            pause = min(pause * 2, 2.0)


def count(table: TableClient, entities: Sequence[type[Entity]]) -> int:
    """The number of items of some entities, for a progress bar. It reads the table once."""
    names = {f":e{n}": entity.__codec__.name for n, entity in enumerate(entities)}
    total, more = 0, None
    while True:
        page = table.core.scan(
            table.name,
            select="COUNT",
            filter_expression=f"#entity IN ({', '.join(names)})",
            expression_attribute_names={"#entity": "entity"},
            expression_attribute_values=names,
            exclusive_start_key=more,
        )
        total += page.count
        more = page.last_key
        if more is None:
            return total


def sum_of(counts: Any) -> Counts:
    """The sum of some counts."""
    total = Counts()
    for each in counts:
        total = total.plus(each)
    return total


class _Pace:
    """Limits the items per second, evenly over all threads; `count` items at once take `count` turns."""

    def __init__(self, rate: float | None) -> None:
        self._step = 0.0 if rate is None else 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stopping: threading.Event, count: int = 1) -> None:
        if not self._step or not count:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._step * count
        stopping.wait(turn - now)
