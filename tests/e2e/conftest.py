"""The template as a user has it: a copy in a directory of its own."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from taxiway.testing import Server, serve

TEMPLATE = Path(__file__).parents[2] / "template"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the template that a test may change."""
    return copy_template(tmp_path / "project")


@pytest.fixture(scope="module")
def api(path_with_engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """The template, served for the tests of one module."""
    project = copy_template(tmp_path_factory.mktemp("template") / "project")
    with serve(project, environment=path_with_engine) as server:
        yield server


def copy_template(target: Path) -> Path:
    shutil.copytree(TEMPLATE, target, ignore=shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache"))
    return target
