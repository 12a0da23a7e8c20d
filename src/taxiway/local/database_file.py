"""The file of the local database: only its owner can read it, and damage is found before the engine opens it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

_LONGEST_CHECK = 0.5  # seconds
_STEPS = 10_000  # of SQLite's virtual machine, between two looks at the clock


def make_private(database: Path) -> None:
    """Create the file, or take the right to read it from others. SQLite gives its -wal and -shm files the same mode."""
    os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for path in (database, database.with_name(f"{database.name}-wal"), database.with_name(f"{database.name}-shm")):
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def find_damage(database: Path) -> str | None:
    """What is damaged in the file; None where nothing is, or where a large one was not checked to its end in time.

    https://www.sqlite.org/pragma.html#pragma_quick_check
    """
    deadline = monotonic() + _LONGEST_CHECK
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.set_progress_handler(lambda: monotonic() > deadline, _STEPS)
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:  # out of time, or locked by somebody else
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else str(found)
