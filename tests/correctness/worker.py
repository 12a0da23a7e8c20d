"""One of several processes that work on one table: `python -m tests.correctness.worker JOB NUMBER ROUNDS`.

It prints a line when it is ready, waits for one to begin, and prints what it was told: a JSON line of everything that
was acknowledged, with the table of TABLE_NAME and the endpoint of the environment.
"""

import json
import sys
from collections.abc import Callable

from tests.correctness.entities import Member, Rivalled, Tally

from taxiway.data import (
    AlreadyExists,
    Conflict,
    Contended,
    NotUnique,
    TableClient,
    TransactionFailed,
    VersionMismatch,
    add,
    append,
)

table = TableClient()


def optimistic(number: int, rounds: int) -> list[str]:
    """Read, count one more, write at the version that was read; after a mismatch again. The versions that it made."""
    made: list[str] = []
    for turn in range(rounds):
        while True:
            found = table.get(Tally.by_id("one"), consistent=True)
            assert found is not None
            changes = {"count": found.count + 1, "marks": [*found.marks, f"{number}.{turn}"]}
            try:
                made.append(str(table.update(Tally.by_id("one"), changes, expect_version=found.version).version))
            except VersionMismatch:
                continue
            break
    return made


def counting(number: int, rounds: int) -> list[str]:
    """Let DynamoDB count. The count is part of an index key here, so each write depends on what was read before."""
    told: list[str] = []
    for turn in range(rounds):
        while True:
            try:
                changes = {"count": add(1), "marks": append([f"{number}.{turn}"])}
                told.append(str(table.update(Tally.by_id("one"), changes).count))
            except Contended:
                continue
            break
    return told


def points(number: int, rounds: int) -> list[str]:
    """Let DynamoDB count in one call, for nothing depends on it."""
    del number
    return [str(table.update(Member.by_id("one"), {"points": add(1)}).points) for _ in range(rounds)]


def names(number: int, rounds: int) -> list[str]:
    """Create what only one can: the same keys in the same order. Those that it was given."""
    mine: list[str] = []
    for turn in range(rounds):
        try:
            mine.append(table.create(Tally(id=f"name-{turn}", group=str(number))).id)
        except AlreadyExists:
            continue
    return mine


def emails(number: int, rounds: int) -> list[str]:
    """Create members with the same e-mail addresses; half of them in other letters. Those that it was given."""
    mine: list[str] = []
    for turn in range(rounds):
        email = f"someone-{turn}@example.com"
        try:
            mine.append(table.create(Member(id=f"{number}-{turn}", email=email.upper() if number % 2 else email)).email)
        except NotUnique:
            continue
    return [email.lower() for email in mine]


def moves(number: int, rounds: int) -> list[str]:
    """Hand one e-mail address round: take it by an update, and give it up again. How often it was had."""
    me = Member.by_id(f"mover-{number}")
    table.create(Member(id=f"mover-{number}", email=f"own-{number}"))
    had: list[str] = []
    for turn in range(rounds):
        try:
            table.update(me, {"email": "wanted"})
        except NotUnique:
            continue
        had.append(f"{number}.{turn}")
        table.update(me, {"email": f"own-{number}"})
    return had


def transfers(number: int, rounds: int) -> list[str]:
    """Move a point from one member to the next in a transaction, as long as there is one."""
    done: list[str] = []
    for turn in range(rounds):
        source, target = (number + turn) % 4, (number + turn + 1) % 4
        try:
            with table.transaction():
                found = table.update(Member.by_id(f"bank-{source}"), {"points": add(-1)})
                table.update(Member.by_id(f"bank-{target}"), {"points": add(1)})
                if found.points < 0:
                    raise OverdrawnError
        except OverdrawnError:
            continue
        except TransactionFailed as failed:
            if {type(failure.error) for failure in failed.failures} <= {Contended, Conflict}:
                continue
            raise
        done.append(f"{number}.{turn}")
    return done


def rivals(number: int, rounds: int) -> list[str]:
    """Count in one field in a transaction, half of the processes in each of two, with a record of each count."""
    field = ("count", "others")[number % 2]
    done: list[str] = []

    def count_one(name: str) -> None:
        table.update(Rivalled.by_id("one"), {field: add(1)}, result=False)
        table.create(Tally(id=name))

    for turn in range(rounds):
        table.transact(count_one, f"{number}.{turn}")
        done.append(f"{number}.{turn}")
    return done


class OverdrawnError(Exception):
    """There is no point to move."""


JOBS: dict[str, Callable[[int, int], list[str]]] = {
    job.__name__: job for job in (optimistic, counting, points, names, emails, moves, transfers, rivals)
}


def main() -> None:
    job, number, rounds = sys.argv[1:]
    table.get(Tally.by_id("nothing"))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(JOBS[job](int(number), int(rounds))), flush=True)


main()
