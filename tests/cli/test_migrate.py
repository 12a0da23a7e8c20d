"""`taxiway migrate`: the command, on the laptop's own database, running or not."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.migrate.entities import before

from taxiway.data import TableClient
from taxiway.local import dynamodb, tables
from taxiway.local.manifest import ServedIndex, ServedTable

BACKEND = """
from taxiway import Backend, HttpApi, Index, Stage, Table, allow
from tests.migrate.entities import Book
from handlers import read


def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/books", read, uses=[allow.get(Book)])
    return Backend("books", table=Table(indexes=[Index("gsi1")]), api=api)
"""

HANDLERS = """
from taxiway.http import handler


@handler
def read() -> None: ...
"""
Run: TypeAlias = Callable[..., tuple[int, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "handlers.py").write_text(HANDLERS)
    (tmp_path / ".env.dev").write_text("AWS_REGION=eu-west-1\n")
    return tmp_path


@pytest.fixture
def run(project: Path, path_with_engine: dict[str, str]) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "taxiway", "migrate", *arguments],
            cwd=project,
            env={**os.environ, **path_with_engine, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_it_migrates_the_laptops_database_running_or_not(
    project: Path, run: Run, runner: asyncio.Runner, dynoxide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing to migrate.\nFix: start `taxiway dev` first" in run()[1]
    engine = dynamodb.Engine(dynoxide, project / ".taxiway", note=print)
    runner.run(engine.start())
    try:
        name = "books-dev"
        plan = ServedTable(name, "pk", "sk", (ServedIndex("gsi1", "gsi1pk", "gsi1sk"),), None)
        tables.bring_up_to_date(plan, engine.endpoint, region="eu-west-1", note=print)
        for variable, value in {
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint,
        }.items():
            monkeypatch.setenv(variable, value)
        old = before()
        TableClient(table_name=name).put_many([old(id=str(n), name="x") for n in range(30)])
        status, output = run("--dry-run", "--entity", "Book")
        assert status == 0, output
        assert "30 items: 30 would be rewritten, 0 failed." in output
        status, output = run("--resume")
        assert status == 1
        assert "no unfinished migration of Book" in output
        status, output = run("--dynamodb-endpoint", engine.endpoint, "--entity", "Nothing")
        assert status == 1
        assert "No function of this backend uses an entity 'Nothing'." in output
    finally:
        runner.run(engine.close())
    status, output = run("--rate", "1000")
    assert status == 0, output
    assert "Migrating Book in books-dev at http://127.0.0.1:" in output
    assert "30 items: 30 rewritten, 0 failed." in output
    assert "30 items: 0 rewritten, 0 failed." in run("--restart")[1]
