"""Finds the local DynamoDB that `taxiway dev` is already running."""

from contextlib import suppress
from pathlib import Path


def running(database: Path) -> str | None:
    """The endpoint of the engine that has this database open; None if there is none."""
    import psutil

    lock = database.with_name(f"{database.name}.lock")
    with suppress(OSError, ValueError, psutil.Error, IndexError):
        pid = int(lock.read_text().split()[1])
        command = psutil.Process(pid).cmdline()
        if str(database) in command and Path(command[0]).name.startswith("dynoxide"):
            host, port = (command[command.index(flag) + 1] for flag in ("--host", "--port"))
            return f"http://{host}:{int(port)}"
    return None
