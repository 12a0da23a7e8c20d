"""A real browser: Chromium without a window, driven by playwright-core from npm, whose lock file is here."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
REQUIRED = "TAXIWAY_TEST_BROWSER"
"""The environment variable that makes a missing browser a failure."""


class Seen(NamedTuple):
    """What the script of a page could read of one request."""

    type: str
    """`cors` or `basic` where it may read the answer, `opaque` where it may not, `error` where the browser refused."""
    status: int
    body: str


class Visit(NamedTuple):
    """What came of one page."""

    status: int
    seen: list[Seen]
    answered: list[tuple[str, int]]
    """URL and status of every response that reached the browser, whether the page could read it or not."""


class Page(NamedTuple):
    """A page to open, and the requests that its script sends: URL and the options of `fetch`."""

    url: str
    requests: Sequence[tuple[str, dict[str, Any]]] = ()


def visit(pages: list[Page], profile: Path) -> list[Visit]:
    """Open the pages, one after the other. Skips the test where there is no browser, unless one is required."""
    chromium, node, npm = (_program(name) for name in ("chromium", "node", "npm"))
    _install(npm)
    plan = {
        "chromium": chromium,
        "profile": str(profile),
        "pages": [
            {"url": page.url, "requests": [{"url": url, "options": options} for url, options in page.requests]}
            for page in pages
        ],
    }
    done = subprocess.run(
        [node, HERE / "attack.mjs"], input=json.dumps(plan), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return [
        Visit(
            each["status"],
            [Seen(**seen) for seen in each["seen"]],
            [(url, status) for url, status in each["answered"]],
        )
        for each in json.loads(done.stdout)
    ]


@contextmanager
def origin() -> Generator[int]:
    """Serve an empty page to whoever asks, under any name; the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name of http.server
        pass


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not on PATH: no real browser attacks the local processes"
        if os.environ.get(REQUIRED):
            pytest.fail(message)
        pytest.skip(message)
    return found


def _install(npm: str) -> None:
    """Install what the lock file names, once for all test processes; its scripts do not run."""
    with (HERE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HERE / "node_modules" / "playwright-core" / "package.json").exists():
            subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True)
