"""Of processes that do the same at the same instant at most one wins, and nothing is counted twice under a success.

Each test is 300 rounds of two processes that spin to one instant; `make soak` makes 5,000 of each.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.correctness.entities import Lock
from tests.correctness.proxy import Fault, Proxy
from tests.counts import count

from taxiway.data import TableClient

RACERS = 2
ROUNDS, SOAK = 300, 5_000
ROOT = Path(__file__).parents[2]
LOST_ANSWERS = {Fault.FAIL: 0.02, Fault.FAIL_AFTER: 0.05, Fault.DROP_AFTER: 0.05, Fault.CUT: 0.03}


@pytest.fixture
def table(table_name: str) -> TableClient:
    return TableClient(table_name=table_name)


def race(table: TableClient, job: str, endpoint: str) -> tuple[Counter[int], Counter[int]]:
    """By round, how many were told that they had won, and how many don't know."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.correctness.racer", job, str(number), str(ROUNDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TABLE_NAME": table.name, "AWS_ENDPOINT_URL": endpoint},
        )
        for number in range(RACERS)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    begin = time.time() + 0.05
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(f"{begin}\n")
        racer.stdin.flush()
    won, unknown = Counter[int](), Counter[int]()
    for racer in racers:
        told = json.loads(racer.communicate()[0])
        won.update(told["won"])
        unknown.update(told["unknown"])
    return won, unknown


def prepare(table: TableClient, job: str) -> None:
    if job in ("put", "update", "count"):
        for turn in range(ROUNDS):
            table.create(Lock(name=f"{turn}"))


@count("rounds", test=ROUNDS, soak=SOAK)
@pytest.mark.parametrize("job", ["create", "put", "update", "transact", "claim"])
def test_one_wins(table: TableClient, dynamodb: str, job: str) -> None:
    prepare(table, job)
    won, unknown = race(table, job, dynamodb)
    assert not unknown or job == "transact", "contention alone is told as such"
    assert max(won.values()) == 1
    assert all(won[turn] + unknown[turn] >= 1 for turn in range(ROUNDS))


@count("rounds", test=ROUNDS, soak=SOAK)
@pytest.mark.parametrize("job", ["create", "put", "update", "transact", "claim"])
def test_one_wins_where_answers_are_lost(table: TableClient, dynamodb: str, job: str) -> None:
    prepare(table, job)
    with Proxy(dynamodb, seed=3, chances=LOST_ANSWERS) as proxy:
        won, unknown = race(table, job, proxy.url)
        assert proxy.faults.total() > ROUNDS / 10
    assert max(won.values()) == 1
    assert all(won[turn] + unknown[turn] >= 1 for turn in range(ROUNDS))


@count("rounds", test=ROUNDS, soak=SOAK)
def test_nothing_is_counted_twice_under_a_success(table: TableClient, dynamodb: str) -> None:
    prepare(table, "count")
    with Proxy(dynamodb, seed=4, chances=LOST_ANSWERS) as proxy:
        won, unknown = race(table, "count", proxy.url)
    for turn in range(ROUNDS):
        lock = table.get(Lock.by_name(f"{turn}"), consistent=True)
        assert lock is not None
        assert won[turn] <= lock.count
        assert unknown[turn] or lock.count == won[turn], f"round {turn}"
