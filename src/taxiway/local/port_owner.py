"""Which process listens on a port that is in use."""

from contextlib import suppress

_LONGEST = 80  # characters of a command that are shown


def port_owner(port: int) -> str | None:
    """`process 123 (python3 -m http.server)`; None where the system does not say, as for other users' processes.

    macOS lists the connections of other processes to root alone.
    """
    import psutil  # takes milliseconds, and is needed only where a port is taken

    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if listens and connection.pid is not None:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                shown = command if len(command) <= _LONGEST else f"{command[: _LONGEST - 1]}…"
                return f"process {connection.pid} ({shown})"
    return None
