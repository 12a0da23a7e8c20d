"""Nothing that a backend started outlives `taxiway dev`, however either of them ends."""

import os
import signal
import sys
from pathlib import Path

import pytest

from taxiway.testing import serve

from .test_dev import edit, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt its descendants")

DAEMON = """
import os, subprocess, sys

PROGRAM = '''
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print(os.getpid(), flush=True)
os.closerange(0, 100)
time.sleep(600)
'''

def daemon(event, context):
    return int(subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True).stdout)
"""


@pytest.fixture
def project_with_daemon(project: Path) -> Path:
    (project / "handlers" / "http" / "daemon.py").write_text(DAEMON)
    edit(project / "backend.py", "from models.item", "from handlers.http.daemon import daemon\nfrom models.item")
    edit(project / "backend.py", '    api.get("/health"', '    api.get("/daemon", daemon)\n    api.get("/health"')
    return project


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_a_daemon_of_a_function_ends_with_taxiway_dev(
    project_with_daemon: Path, path_with_engine: dict[str, str], signals: list[signal.Signals]
) -> None:
    with serve(project_with_daemon, environment=path_with_engine) as server:
        pid = server.get("/daemon").json()
        assert not has_ended(pid)
        for number in signals:
            os.kill(server.process.pid, number)
        server.process.wait(60)
        assert has_ended(pid)


def test_a_daemon_of_a_function_ends_with_its_code(project_with_daemon: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project_with_daemon, environment=path_with_engine) as server:
        pid = server.get("/daemon").json()
        edit(project_with_daemon / "handlers" / "http" / "daemon.py", "600", "601")
        assert server.get("/health").status == 200
        until(lambda: has_ended(pid), "the end of the daemon")


def test_what_a_killed_taxiway_dev_left_behind_is_ended_by_the_next(
    project_with_daemon: Path, path_with_engine: dict[str, str]
) -> None:
    with serve(project_with_daemon, environment=path_with_engine) as server:
        pid = server.get("/daemon").json()
        server.process.kill()
        server.process.wait(60)
    with serve(project_with_daemon, environment=path_with_engine):
        until(lambda: has_ended(pid), "the end of the daemon")
