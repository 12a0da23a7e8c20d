"""One of several processes that do the same at the same instant: `python -m tests.correctness.racer JOB NUMBER ROUNDS`.

It prints a line when it is ready, is told when the first round begins, and prints as JSON which rounds it won and in
which it does not know.
"""

import json
import sys
import time
from collections.abc import Callable

from tests.correctness.entities import Lock, Member

from taxiway.data import (
    AlreadyExists,
    NotUnique,
    OutcomeUnknown,
    TableClient,
    Throttled,
    TransactionFailed,
    Unavailable,
    VersionMismatch,
    add,
)

STEP = 0.012
"""Seconds between two rounds, where nothing holds a racer up."""

table = TableClient()


def create(turn: int, number: int) -> None:
    del number
    table.create(Lock(name=f"{turn}"))


def put(turn: int, number: int) -> None:
    del number
    table.put(Lock(name=f"{turn}", count=1), expect_version=1)


def update(turn: int, number: int) -> None:
    del number
    table.update(Lock.by_name(f"{turn}"), {"count": 1}, expect_version=1)


def transact(turn: int, number: int) -> None:
    with table.transaction():
        table.create(Lock(name=f"{turn}"))
        table.create(Lock(name=f"{turn} {number}"))


def claim(turn: int, number: int) -> None:
    table.create(Member(id=f"{turn} {number}", email=f"{turn}"))


def count(turn: int, number: int) -> None:
    """All win here: each success has to be counted once."""
    del number
    table.update(Lock.by_name(f"{turn}"), {"count": add(1)})


JOBS: dict[str, Callable[[int, int], None]] = {
    job.__name__: job for job in (create, put, update, transact, claim, count)
}
LOST = (AlreadyExists, VersionMismatch, NotUnique)


def race(job: Callable[[int, int], None], number: int, rounds: int, begin: float) -> dict[str, list[int]]:
    won: list[int] = []
    unknown: list[int] = []
    for turn in range(rounds):
        while time.time() < begin + turn * STEP:
            pass
        try:
            job(turn, number)
            won.append(turn)
        except (OutcomeUnknown, Throttled, Unavailable):
            unknown.append(turn)
        except LOST:
            continue
        except TransactionFailed as failed:
            if not {type(each.error) for each in failed.failures} <= {*LOST}:
                unknown.append(turn)
    return {"won": won, "unknown": unknown}


def main() -> None:
    job, number, rounds = sys.argv[1:]
    table.get(Lock.by_name("nothing"))
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    print(json.dumps(race(JOBS[job], int(number), int(rounds), begin)), flush=True)


main()
