"""`taxiway dev` from outside: time to the first answer, time from an edit to its answer, requests a second.

It serves a copy of the template, so that edits harm nothing, with its database on disk as a user has it.
"""

import http.client
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import uvloop

from benchmarks.load import load, request_bytes

ROOT = Path(__file__).parent.parent
SECONDS = 4.0
ITEM = b'{"name":"Fountain pen","category":"stationery","price":12.50}'


def run() -> None:
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory) / "project"
        shutil.copytree(ROOT / "template", project, ignore=shutil.ignore_patterns("__pycache__"))
        with _serving(project):
            pass  # the first run installs the engine and creates the table
        ready = []
        for _ in range(5):
            begin = monotonic()
            with _serving(project) as port:
                _wait_for(port, "ok")
                ready.append(monotonic() - begin)
        with _serving(project) as port:
            edits = [_edit_to_answer(project, port, turn) for turn in range(5)]
        print("\ntaxiway dev (medians of 5)\n")
        print(f"  start to first answer, second run   {statistics.median(ready):6.2f} s   (expected: 1.00 or less)")
        print(f"  edit to answer                      {statistics.median(edits):6.2f} s   (expected: 0.30 or less)\n")
        with _serving(project) as port:
            _loads(port)


def _loads(port: int) -> None:
    print(f"  {'':14}{'connections':>12}{'requests/s':>12}{'p50, ms':>10}{'p99, ms':>10}{'failed':>8}")
    for name, request in (
        ("GET /health", request_bytes("GET", "/health")),
        ("POST /items", request_bytes("POST", "/items", ITEM)),
    ):
        uvloop.run(load(port, request, connections=16, seconds=1))  # start the environments
        for connections in (1, 16):
            result = uvloop.run(load(port, request, connections=connections, seconds=SECONDS))
            print(
                f"  {name:14}{connections:>12}{result.per_second:>12.0f}"
                f"{result.p50:>10.2f}{result.p99:>10.2f}{result.failed:>8}"
            )


@contextmanager
def _serving(project: Path) -> Iterator[int]:
    """`taxiway dev` on a free port, until the block ends; gives the port once it is bound."""
    command = [sys.executable, "-m", "taxiway", "dev", "--project", str(project), "--port", "0"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                    break
            else:
                errors.seek(0)
                sys.exit(f"taxiway dev did not start:\n{errors.read().decode()}")
            drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
            yield int(found[1])
        finally:
            process.terminate()
            process.wait()
    drain.wait()


def _wait_for(port: int, status: str) -> None:
    """Ask GET /health until its `status` is the wanted one."""
    deadline = monotonic() + 30
    while monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/health")
            if f'"status":"{status}"'.encode() in connection.getresponse().read():
                return
        except OSError:
            sleep(0.005)
        finally:
            connection.close()
    sys.exit(f"GET /health did not answer {status!r} within 30 s")


def _edit_to_answer(project: Path, port: int, turn: int) -> float:
    _wait_for(port, "ok" if turn == 0 else f"turn {turn - 1}")
    source = project / "handlers" / "http" / "health.py"
    text = re.sub(r'status="[^"]*"', f'status="turn {turn}"', source.read_text())
    begin = monotonic()
    source.write_text(text)
    _wait_for(port, f"turn {turn}")
    return monotonic() - begin
