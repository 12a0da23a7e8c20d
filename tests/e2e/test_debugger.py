"""The debug configurations of a new project, started as VS Code starts them: a handler stops at a breakpoint.

https://microsoft.github.io/debug-adapter-protocol/specification
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.e2e.conftest import copy_template

PATIENCE = 60.0  # seconds that a test waits for what must happen


class Debugger:
    """An editor's side of the debug adapter protocol."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._sequence = 0

    def send(self, command: str, **arguments: Any) -> None:
        self._sequence += 1
        message = {"seq": self._sequence, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def wait_for(self, what: str) -> dict[str, Any]:
        """The body of the next event or response of that name."""
        while True:
            message = self._read()
            if what in (message.get("event"), message.get("command")):
                assert message.get("success", True), message
                return message.get("body") or {}

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self._file.read(length))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def launched(
    project: Path, name: str, environment: dict[str, str], *more: str, file: str = ""
) -> Generator[tuple["subprocess.Popen[str]", Debugger]]:
    """A debug configuration of the project, started and waiting for its breakpoints."""
    configurations = json.loads((project / ".vscode" / "launch.json").read_text())["configurations"]
    found = next(each for each in configurations if each["name"] == name)
    port = free_port()
    command = [
        *(sys.executable, "-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client"),
        *("--configure-subProcess", str(found["subProcess"])),
        *("-m", found["module"], *(argument.replace("${file}", file) for argument in found["args"]), *more),
    ]
    with subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, **environment, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            with connect(port) as connection:
                debugger = Debugger(connection)
                debugger.send("initialize", adapterID="test", pathFormat="path")
                debugger.wait_for("initialize")
                debugger.send("attach", subProcess=found["subProcess"])
                debugger.wait_for("initialized")
                yield process, debugger
        finally:
            process.terminate()


def connect(port: int) -> socket.socket:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def stop_at(debugger: Debugger, file: Path, words: str) -> None:
    """Set a breakpoint at the line that has some words, and let the program run."""
    line = next(n for n, text in enumerate(file.read_text().splitlines(), start=1) if words in text)
    debugger.send("setBreakpoints", source={"path": str(file)}, breakpoints=[{"line": line}])
    debugger.wait_for("setBreakpoints")
    debugger.send("configurationDone")


def stopped_in(debugger: Debugger) -> str:
    """Wait for the breakpoint, let the program go on, and say which function it was in."""
    thread = debugger.wait_for("stopped")["threadId"]
    debugger.send("stackTrace", threadId=thread)
    frames = debugger.wait_for("stackTrace")["stackFrames"]
    debugger.send("continue", threadId=thread)
    return frames[0]["name"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return copy_template(tmp_path / "shop")


def test_a_handler_stops_at_a_breakpoint_and_goes_on(shop: Path, path_with_engine: dict[str, str]) -> None:
    port = free_port()
    with launched(shop, "Serve the backend", path_with_engine, "--ephemeral", "--port", str(port)) as (
        process,
        debugger,
    ):
        stop_at(debugger, shop / "handlers" / "http" / "health.py", "return Health(")
        assert process.stdout is not None
        assert any("ready in" in line for line in process.stdout)
        with ThreadPoolExecutor(1) as client:
            answer = client.submit(lambda: urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE).read())
            assert stopped_in(debugger) == "health"
            assert json.loads(answer.result())["status"] == "ok"


def test_a_test_stops_at_a_breakpoint(shop: Path, path_with_engine: dict[str, str]) -> None:
    file = shop / "tests" / "test_health.py"
    with launched(shop, "Test the open file", path_with_engine, file=str(file)) as (process, debugger):
        stop_at(debugger, file, "assert (answer.status")
        assert stopped_in(debugger) == "test_the_backend_answers"
        assert process.stdout is not None
        assert any("2 passed" in line for line in process.stdout)
