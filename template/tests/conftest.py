"""The backend whole, as `taxiway dev` serves it, with a database that starts empty."""

from collections.abc import Generator
from pathlib import Path

import pytest
from taxiway.testing import Server, serve


@pytest.fixture(scope="session")
def api() -> Generator[Server]:
    with serve(Path(__file__).parent.parent, stage="test") as server:
        yield server
