"""The whole backend, served as by `taxiway dev`, with an empty database."""

from collections.abc import Generator
from pathlib import Path

import pytest
from taxiway.testing import Server, serve


@pytest.fixture(scope="session")
def api() -> Generator[Server]:
    with serve(Path(__file__).parent.parent, stage="test") as server:
        yield server
