"""The template as a user has it: a copy in a directory of its own."""

import shutil
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "template"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the template whose stages are in an account."""
    copy = tmp_path / "project"
    shutil.copytree(TEMPLATE, copy, ignore=shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache"))
    for stage in ("dev", "prod"):
        (copy / f".env.{stage}").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\n")
    return copy
