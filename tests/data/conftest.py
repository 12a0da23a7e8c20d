"""A real DynamoDB engine for these tests: one process per test worker, and a table of its own for each test."""

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tables import create_table

from taxiway.data import TableClient
from taxiway.data.cursors import LIFETIME, CursorKey


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    """A Dynoxide process on a port of its own, which can be killed and started again with its data."""

    def __init__(self, binary: Path, directory: Path) -> None:
        self.port = _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._arguments = [binary, "--port", str(self.port), "--db-path", str(directory / "table.db")]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        pytest.fail("Dynoxide did not start within 5 s.")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def engine(dynoxide: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(dynoxide, tmp_path_factory.mktemp("dynoxide"))
    engine.start()
    yield engine
    engine.kill()


@pytest.fixture
def aws(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a function, pointing at the engine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", engine.endpoint)
    monkeypatch.setenv("TABLE_NAME", f"t-{uuid.uuid4().hex}")


@pytest.fixture
def table(request: pytest.FixtureRequest) -> TableClient:
    """A client of an empty table with two indexes."""
    request.getfixturevalue("aws")
    client = TableClient()
    create_table(client.core, client.name, "gsi1", "gsi2")
    return client


def signed(key: CursorKey | None = None, *, lifetime: int = LIFETIME) -> TableClient:
    """Another client of the same table, with its own way of signing cursors."""
    return TableClient(cursor_key=key, cursor_lifetime=lifetime)
