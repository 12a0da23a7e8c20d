"""A migration rewrites every item, whatever happens to it on the way and whoever writes meanwhile."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.counts import count
from tests.data.test_evolution import Person
from tests.migrate.entities import Book, before
from tests.tables import rows_of

from taxiway.data import Entity, TableClient, key, unique
from taxiway.migrate import Backfill, Checkpoints, Counts

ROOT = Path(__file__).parents[2]


def fill(table: TableClient, count: int) -> None:
    old = before()
    table.put_many([old(id=f"{n:04}", name=f"Book {n}") for n in range(count)])


def rows(table: TableClient) -> dict[str, dict[str, Any]]:
    return {row["pk"]: row for row in rows_of(table)}


def backfill(table: TableClient, **options: Any) -> Backfill:
    options = {"progress": lambda _: None, "problem": pytest.fail} | options
    return Backfill(table, [Book], **options)


def is_migrated(row: dict[str, Any]) -> bool:
    return row["_v"] == 2 and "title" in row and "name" not in row and row["gsi1pk"].endswith("of4")


def test_every_item_is_rewritten_once(table: TableClient) -> None:
    fill(table, 230)
    table.core.put_item(table.name, {"pk": "x", "sk": "x", "entity": "Other", "name": "left alone"})
    assert backfill(table, dry_run=True).run() == Counts(seen=230, written=230)
    assert "_v" not in rows(table)["BOOK#0000"]
    assert backfill(table).run() == Counts(seen=230, written=230)
    after = rows(table)
    assert after.pop("x")["name"] == "left alone"
    assert len(after) == 230
    assert all(map(is_migrated, after.values()))
    assert {row["title"] for row in after.values()} == {f"Book {n}" for n in range(230)}
    assert backfill(table).run() == Counts(seen=230, written=0)
    assert rows(table).keys() == after.keys() | {"x"}


def test_what_can_not_be_rewritten_is_named_and_the_rest_is_done(table: TableClient) -> None:
    fill(table, 5)
    table.core.put_item(table.name, {"pk": "BOOK#bad", "sk": "BOOK", "entity": "Book", "id": "bad"})
    problems = list[str]()
    assert backfill(table, problem=problems.append).run() == Counts(seen=6, written=5, failed=1)
    assert len(problems) == 1
    assert problems[0].startswith("Book at 'BOOK#bad', 'BOOK' was not rewritten:")


def test_decimals_keep_every_digit(table: TableClient) -> None:
    precise = Decimal("12345678901234567890.123456789012345678")
    for name in ("cost", "price"):
        row = {"pk": f"PERSON#{name}", "sk": "PERSON", "entity": "Person", "id": name, "version": 1, name: precise}
        form = {"_v": 2} if name == "price" else {}
        table.core.put_item(table.name, {**row, **form, "fullName": "Ada Lovelace"})
    both = Backfill(table, [Book, Person], progress=lambda _: None, problem=pytest.fail)
    assert both.run() == Counts(seen=2, written=2)
    assert [each and each.price for each in table.get_many([Person.by_id("cost"), Person.by_id("price")])] == [
        precise
    ] * 2
    assert {row["_v"] for row in rows(table).values()} == {3}


def test_a_rate_is_kept(table: TableClient) -> None:
    fill(table, 30)
    started = time.monotonic()
    backfill(table, rate=100).run()
    assert time.monotonic() - started >= 0.29  # a bound from below: slowness can't break it


def test_a_rate_counts_what_is_read_and_left_alone_too(table: TableClient) -> None:
    fill(table, 1)
    table.put_many([Person(id=str(number), first="Ada", last="Lovelace") for number in range(30)])
    started = time.monotonic()
    assert backfill(table, rate=100).run() == Counts(seen=1, written=1)
    assert time.monotonic() - started >= 0.29  # a bound from below, too


def test_a_migration_to_something_else_is_not_gone_on_with(table: TableClient) -> None:
    fill(table, 4)
    stopped = backfill(table)
    stopped._checkpoints.write(0, _checkpoint())  # noqa: SLF001  as a killed run leaves it
    assert stopped.resumable() == Counts(seen=7, written=7)
    other = Backfill(table, [before()], progress=lambda _: None, problem=pytest.fail)
    assert other.resumable() is None
    assert backfill(table).run(resume=False) == Counts(seen=4, written=4)
    assert backfill(table).resumable() is None


def _checkpoint() -> Any:
    from taxiway.migrate.checkpoints import Checkpoint

    return Checkpoint(Counts(seen=7, written=7), {"pk": "BOOK#0001", "sk": "BOOK"})


class Others:
    """A writer and a reader, of the new code, for as long as a migration takes."""

    def __init__(self, count: int) -> None:
        self.updates = [0] * count
        self.wrong = list[object]()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._read)]

    def __enter__(self) -> "Others":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _write(self) -> None:
        client, dice = TableClient(), random.Random(6)
        while not self._stop.wait(0.002):
            n = dice.randrange(len(self.updates))
            client.update(Book.by_id(f"{n:04}"), {"reads": Book.reads + 1})
            self.updates[n] += 1

    def _read(self) -> None:
        client = TableClient()
        while not self._stop.is_set():
            ids = [each.id for each in client.each(Book.of_shelf("s"), page=200)]
            if ids != [f"{n:04}" for n in range(len(self.updates))]:
                self.wrong.append(ids)


def migrate_in_a_process(kill_after: float | None) -> tuple[list[int], int]:
    """The count that it tells first, if any, and its exit status; killed so many seconds after that."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.migrate.entities"],
        cwd=ROOT,
        env={**os.environ, "RATE": "800", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        process.stdout.read()
    return [int(first)] if first else [], process.returncode


@count("kills", test=3, soak=300)
def test_killed_again_and_again_it_migrates_everything_and_keeps_what_others_write(
    table: TableClient, run: int
) -> None:
    """SIGKILL at random moments."""
    size, chance = 800, random.Random(run)
    fill(table, size)
    seen, statuses = list[int](), list[int]()
    with Others(size) as others:
        while 0 not in statuses:
            first, status = migrate_in_a_process(chance.uniform(0, 0.08) if len(statuses) < 3 else None)
            seen += first
            statuses.append(status)
    assert statuses == [-signal.SIGKILL] * (len(statuses) - 1) + [0]
    assert len(statuses) > 1
    # They went on where the one before had been; but one that is killed when all is done leaves nothing to go on with.
    assert max(seen[1:]) > seen[0]
    assert others.wrong == []
    after = rows(table)
    assert len(after) == size
    assert all(map(is_migrated, after.values()))
    assert [after[f"BOOK#{n:04}"]["reads"] for n in range(size)] == others.updates
    assert sum(others.updates) > 0


def test_an_item_leaves_an_index_that_its_entity_has_no_pattern_for_any_more(table: TableClient) -> None:
    fill(table, 3)
    for row in rows(table).values():
        table.core.put_item(table.name, {**row, "gsi2pk": "OLD", "gsi2sk": "1", "gsi9pk": "a field of others"})
    assert backfill(table, indexes=["gsi1", "gsi2"], dry_run=True).run() == Counts(seen=3, written=3)
    assert backfill(table, indexes=["gsi1", "gsi2"]).run() == Counts(seen=3, written=3)
    after = rows(table)
    assert all(is_migrated(row) and "gsi2pk" not in row and "gsi2sk" not in row for row in after.values())
    assert {row["gsi9pk"] for row in after.values()} == {"a field of others"}
    assert backfill(table, indexes=["gsi1", "gsi2"]).run() == Counts(seen=3, written=0)


def test_another_type_name_or_unique_value_is_another_migration(table: TableClient) -> None:
    def by_id(self: Any, id: str) -> None: ...

    def shape(**fields: Any) -> Any:
        body = {"by_id": key(pk="N#{id}", sk="N")(by_id), **fields.pop("body", {})}
        return type(Entity)(
            "Note", (Entity,), {"__module__": __name__, "__annotations__": {"id": str, **fields}, **body}
        )

    def target(entity: Any, indexes: tuple[str, ...] = ()) -> str:
        return Checkpoints(table, [entity], indexes, 4)._target  # noqa: SLF001  what tells two migrations apart

    different = [
        target(shape(text=str)),
        target(shape(text=int)),
        target(shape(text=str, body={"text": msgspec.field(name="t")})),
        target(shape(text=str, body={"text": unique()})),
        target(shape(text=str, body={"text": unique("{text:fold}")})),
        target(shape(text=str), ("gsi1",)),
    ]
    assert len(set(different)) == len(different)
    assert target(shape(text=str)) == different[0]
