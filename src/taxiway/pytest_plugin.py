"""Fixtures for pytest that need no import: `api`, the served backend, and `table`, its table in the tests' process.

pytest loads this module wherever Taxiway is installed, so it imports nothing else until a test uses one of them.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taxiway.data import TableClient
    from taxiway.testing.local_table import LocalTable
    from taxiway.testing.served import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("taxiway_project", "directory of backend.py (default: the rootdir or above it)", default="")
    parser.addini("taxiway_stage", "stage that the fixtures of Taxiway serve (default: test)", default="test")


@pytest.fixture(scope="session")
def taxiway_project(pytestconfig: pytest.Config) -> Path:
    """The directory of backend.py: that of the option `taxiway_project`, else the nearest from the rootdir upwards."""
    from taxiway import project

    return project.find(pytestconfig.rootpath / pytestconfig.getini("taxiway_project"))


@pytest.fixture(scope="session")
def api(taxiway_project: Path, pytestconfig: pytest.Config) -> "Generator[Server]":
    """The whole backend, served as by `taxiway dev`: started once for all tests, with an empty database."""
    from taxiway.testing.served import serve

    with serve(taxiway_project, stage=pytestconfig.getini("taxiway_stage")) as server:
        yield server


@pytest.fixture(scope="session")
def taxiway_table(taxiway_project: Path, pytestconfig: pytest.Config) -> "Generator[LocalTable]":
    """The backend's table in an engine that runs for all tests. Use `table`, which empties it."""
    from taxiway.testing.local_table import open_table

    with open_table(taxiway_project, stage=pytestconfig.getini("taxiway_stage")) as opened:
        yield opened


@pytest.fixture
def table(taxiway_table: "LocalTable") -> "TableClient":
    """The backend's table, empty, in this process: handlers and data access that a test calls use it too."""
    taxiway_table.empty()
    return taxiway_table.client
