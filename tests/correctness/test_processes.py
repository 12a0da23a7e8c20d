"""Eight processes on the same items lose nothing and double nothing: what is stored is what was acknowledged."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.correctness.entities import Member, Rivalled, Tally
from tests.counts import count
from tests.tables import rows_of

from taxiway.data import TableClient

PROCESSES = 8
ROOT = Path(__file__).parents[2]


@pytest.fixture
def table(table_name: str) -> TableClient:
    return TableClient(table_name=table_name)


def run(table: TableClient, job: str, *, rounds: int, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """What each of eight processes was acknowledged, all having begun at once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.correctness.worker", job, str(number), str(rounds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TABLE_NAME": table.name},
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("begin\n")
        process.stdin.flush()
    acknowledged: list[list[str]] = []
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        acknowledged.append(json.loads(output))
    with capsys.disabled():
        total = sum(map(len, acknowledged))
        print(f"\n{job}: {PROCESSES} processes, {rounds * PROCESSES} operations, {total} of them granted.")
    return acknowledged


def flat(lists: list[list[str]]) -> list[str]:
    return [each for one in lists for each in one]


def tally(table: TableClient, name: str) -> Tally:
    found = table.get(Tally.by_id(name), consistent=True)
    assert found is not None
    return found


@count("updates", test=160, soak=16_000)
def test_optimistic_updates_are_all_counted_once(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """160 updates at the version that was read, repeated after each mismatch."""
    table.create(Tally(id="one"))
    versions = flat(run(table, "optimistic", rounds=20, capsys=capsys))
    found = tally(table, "one")
    assert sorted(map(int, versions)) == list(range(2, len(versions) + 2)), "no version was made twice"
    assert found.count == len(versions) == found.version - 1
    assert len(set(found.marks)) == len(found.marks) == len(versions)
    assert [each.count for each in table.query(Tally.by_group("none")).items] == [len(versions)]


@count("updates", test=160, soak=16_000)
def test_a_counter_in_an_index_counts_each_once(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """160 increments, each of which reads first, and starts again where another came between."""
    table.create(Tally(id="one"))
    seen = flat(run(table, "counting", rounds=20, capsys=capsys))
    found = tally(table, "one")
    assert sorted(map(int, seen)) == list(range(1, len(seen) + 1)), "no two were told the same"
    assert found.count == len(seen) == found.version - 1
    assert len(set(found.marks)) == len(seen)
    assert [each.count for each in table.query(Tally.by_group("none")).items] == [len(seen)]


@count("updates", test=800, soak=80_000)
def test_a_counter_counts_each_once(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """800 increments in one call each."""
    table.create(Member(id="one", email="one"))
    seen = flat(run(table, "points", rounds=100, capsys=capsys))
    found = table.get(Member.by_id("one"), consistent=True)
    assert sorted(map(int, seen)) == list(range(1, len(seen) + 1)), "no two were told the same"
    assert found == Member(id="one", email="one", points=len(seen), version=len(seen) + 1)


@count("creations", test=480, soak=48_000)
def test_a_key_is_created_once(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """480 creations of 60 keys."""
    granted = run(table, "names", rounds=60, capsys=capsys)
    stored = {row["id"]: row["group"] for row in rows_of(table)}
    assert stored == {name: str(number) for number, names in enumerate(granted) for name in names}
    assert len(stored) == len(flat(granted))


@count("creations", test=320, soak=32_000)
def test_an_email_is_one_members(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """320 creations with 40 e-mail addresses, in different letters."""
    granted = flat(run(table, "emails", rounds=40, capsys=capsys))
    members = [row for row in rows_of(table) if row["entity"] == "Member"]
    sentinels = [row for row in rows_of(table) if row["entity"] == "UNIQUE"]
    assert max(Counter(granted).values()) == 1, "no address was given twice"
    assert Counter(member["email"].lower() for member in members) == Counter(granted)
    assert {row["holderPk"] for row in sentinels} == {member["pk"] for member in members}
    assert len(sentinels) == len(members)


@count("updates", test=240, soak=24_000)
def test_an_email_that_is_handed_round_is_had_by_one(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """240 attempts at one address, which who gets it gives up again."""
    had = run(table, "moves", rounds=30, capsys=capsys)
    assert flat(had)
    stored = rows_of(table)
    assert {row["email"] for row in stored if row["entity"] == "Member"} == {f"own-{n}" for n in range(PROCESSES)}
    assert {row["pk"] for row in stored if row["entity"] == "UNIQUE"} == {
        f"UNIQUE#Member#email#own-{n}" for n in range(PROCESSES)
    }
    versions = {row["pk"]: row["version"] for row in stored if row["entity"] == "Member"}
    assert versions == {f"MEMBER#mover-{number}": 1 + 2 * len(each) for number, each in enumerate(had)}


@count("transfers", test=240, soak=24_000)
def test_what_transactions_move_stays_the_same_in_all(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    """240 transfers between four members, each of them a transaction on two."""
    for number in range(4):
        table.create(Member(id=f"bank-{number}", email=f"bank-{number}", points=5))
    done = flat(run(table, "transfers", rounds=30, capsys=capsys))
    found = [table.get(Member.by_id(f"bank-{number}"), consistent=True) for number in range(4)]
    members = [member for member in found if member is not None]
    assert sum(member.points for member in members) == 20
    assert min(member.points for member in members) >= 0
    assert sum(member.version - 1 for member in members) == 2 * len(done)


@count("transactions", test=160, soak=16_000)
def test_transactions_that_count_in_two_fields_all_succeed(
    table: TableClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """160 transactions that each add to a field of one item and create another item: every one is carried out."""
    table.create(Rivalled(id="one"))
    done = run(table, "rivals", rounds=20, capsys=capsys)
    found = table.get(Rivalled.by_id("one"), consistent=True)
    assert found == Rivalled(id="one", count=80, others=80)
    assert {row["id"] for row in rows_of(table)} == {"one", *flat(done)}
    assert len(flat(done)) == 160
