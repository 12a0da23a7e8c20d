"""Serves a whole backend for its tests, on a free port with an empty database, as `taxiway dev` does."""

import http.client
import os
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from taxiway.testing.answer import Answer

_ADDRESS = re.compile(r"^  (http://\S+)$")
_START_LIMIT = 60.0  # seconds; the first time npm installs the engine


class Server:
    """A served backend. Requests may be made from several threads at once; each has its own connection."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.output: list[str] = []
        """Every line that `taxiway dev` has printed."""
        self.url = ""
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(_START_LIMIT) or not self.url:
            self.close()
            raise RuntimeError("taxiway dev did not start:\n" + "\n".join(self.output))

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = UNSET,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `json` is encoded as its body, with the content type of JSON."""
        sent = dict(headers or {})
        if json is not UNSET:
            body = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            return Answer.of(response.status, response.headers.items(), response.read())
        finally:
            connection.close()

    def close(self) -> None:
        """Stop the backend, like Ctrl-C."""
        self.process.terminate()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            if not self.url and (found := _ADDRESS.match(line.rstrip())):
                self.url = found[1]
            if self.url and not line.strip().startswith("http"):
                self._listening.set()
        self._listening.set()


@contextmanager
def serve(
    project: Path,
    *arguments: str,
    stage: str = "dev",
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """Serve a project while the block runs. With `data`, the database is kept in that directory.

    `arguments` are more flags of `taxiway dev`; `environment` is added to the environment of this process. Raises
    RuntimeError, with the output, if the backend does not start.
    """
    storage = ["--data", str(data)] if data else [] if "--dynamodb-endpoint" in arguments else ["--ephemeral"]
    command = [sys.executable, "-m", "taxiway", "dev", "--project", str(project), "--stage", stage, "--port", "0"]
    with subprocess.Popen(
        [*command, *storage, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        text=True,
        errors="backslashreplace",
    ) as process:
        server = Server(process)
        try:
            yield server
        finally:
            server.close()
