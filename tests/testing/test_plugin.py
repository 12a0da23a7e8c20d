"""The fixtures that need no import, in a project of a user's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BACKEND = """
from taxiway import Backend, HttpApi, Index, Stage, Table, allow
from notes import Note, create_note

def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.post("/notes", create_note, uses=[allow.put(Note)])
    return Backend("notes", api=api, table=Table(indexes=[Index("gsi1")]))
"""

NOTES = """
from msgspec import Struct
from taxiway.data import Entity, TableClient, key, pattern, sortable_id
from taxiway.http import Created, handler

table = TableClient()

class Note(Entity):
    id: str = sortable_id()
    text: str

    @key(pk="NOTE#{id}", sk="NOTE")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="NOTES", sk="{id}")
    def all(self) -> None: ...

class NewNote(Struct):
    text: str

@handler
def create_note(body: NewNote) -> Created[Note]:
    note = table.create(Note(text=body.text))
    return Created(note, location=f"/notes/{note.id}")
"""

TESTS = """
import os
import notes
from notes import Note
from taxiway.testing import call, request

ENGINES = set()

def test_a_handler_writes_what_the_table_has(table):
    answer = call(notes.create_note, request("POST", "/notes", json={"text": "Hello"}))
    assert table.get(Note.by_id(answer.json()["id"])).text == "Hello"
    assert [note.text for note in table.query(Note.all()).items] == ["Hello"]
    ENGINES.add(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])

def test_the_table_is_empty_again(table):
    assert list(table.query(Note.all()).items) == []
    for number in range(60):
        table.create(Note(text="x" * 30_000))
    ENGINES.add(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])

def test_it_is_emptied_of_more_than_a_page(table):
    assert list(table.query(Note.all()).items) == []
    ENGINES.add(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
    assert len(ENGINES) == 1

def test_the_served_backend_has_a_table_of_its_own(api, table):
    assert api.request("POST", "/notes", json={"text": "Hello"}).status == 201
    assert list(table.query(Note.all()).items) == []
    assert any("stage STAGE" in line for line in api.output)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    (directory / "tests").mkdir(parents=True)
    (directory / "backend.py").write_text(BACKEND)
    (directory / "notes.py").write_text(NOTES)
    (directory / "tests" / "test_notes.py").write_text(TESTS.replace("STAGE", "test"))
    (directory / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    return directory


def run(directory: Path, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_project_uses_the_fixtures_without_a_conftest(project: Path, path_with_engine: dict[str, str]) -> None:
    done = run(project, path_with_engine)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_project_and_the_stage_are_options(project: Path, path_with_engine: dict[str, str]) -> None:
    (project / "tests" / "test_notes.py").write_text(TESTS.replace("STAGE", "mine"))
    project.rename(project.with_name("services"))
    root = project.parent
    (root / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\npythonpath = ['services']\ntaxiway_project = 'services'\ntaxiway_stage = 'mine'\n"
    )
    (root / "services" / "pyproject.toml").unlink()
    done = run(root, path_with_engine, "-k", "served")
    assert done.returncode == 0, done.stdout


def test_without_a_backend_the_fixtures_say_so(tmp_path: Path, path_with_engine: dict[str, str]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text("def test_it(table): ...\ndef test_other(): ...\n")
    done = run(tmp_path, path_with_engine)
    assert "1 passed, 1 error" in done.stdout
    assert "There is no backend.py in" in done.stdout


def test_a_backend_without_a_table_has_none_to_test_with(project: Path, path_with_engine: dict[str, str]) -> None:
    (project / "backend.py").write_text(
        "from taxiway import Backend, HttpApi\ndef backend(stage):\n    return Backend('notes', api=HttpApi())\n"
    )
    done = run(project, path_with_engine, "-k", "page")
    assert "The backend has no table." in done.stdout


def test_the_plugin_alone_imports_nothing_of_taxiway_but_itself() -> None:
    program = "import sys, taxiway.pytest_plugin; print(*[m for m in sys.modules if m.startswith('taxiway')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"taxiway", "taxiway.pytest_plugin"}
