"""`taxiway patterns`, as a user and as CI run it."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

BACKEND = """
from taxiway import Backend, HttpApi, Index, Stage, Table, allow
from notes import Note, handle

def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/notes", handle, uses=[allow.put(Note), allow.get(Note), allow.query(Note.by_topic)])
    return Backend("notes", api=api, table=Table(indexes=[Index("gsi1")]))
"""

NOTES = """
from taxiway.data import Entity, key, pattern, sortable_id

class Note(Entity):
    id: str = sortable_id()
    topic: str

    @key(pk="NOTE#{id}", sk="NOTE")
    def by_id(self, id: str) -> None: "One note."

    @pattern("gsi1", pk="NOTE#{topic}", sk="{id}")
    def by_topic(self, topic: str) -> None: "The notes on a topic."

def handle(event, context): ...
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "notes.py").write_text(NOTES)
    return tmp_path


def patterns(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return taxiway(directory, "patterns", *arguments)


def test_it_shows_the_matrix_and_then_the_warnings(directory: Path) -> None:
    done = patterns(directory, "--item-size", "3000", "--page", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["pattern", "index", "key", "condition", "sorted", "by", "RCU", "WCU", "used", "by"]
    row = next(line for line in lines if "query" in line)
    assert row.split() == ["query", "gsi1", "gsi1pk", "=", "NOTE#{topic}", "id", "1", "handle", "(GET", "/notes)"]
    assert "items of 3,000 bytes and pages of 1." in done.stdout
    assert "notes.py:11: Note.by_topic [unbounded-partition]" in lines
    assert lines[-1] == "1 warning."


def test_check_fails_on_a_warning_and_shows_it_alone(directory: Path) -> None:
    done = patterns(directory, "--check")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("notes.py:11: Note.by_topic [unbounded-partition]\n  Its partition key")


def test_check_passes_where_each_warning_is_acknowledged(directory: Path) -> None:
    allowed = "    # taxiway: allow[unbounded-partition] a hundred notes to a topic\n    @pattern"
    (directory / "notes.py").write_text(NOTES.replace("    @pattern", allowed))
    done = patterns(directory, "--check")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "notes.py:12: Note.by_topic [unbounded-partition]: acknowledged: a hundred notes to a topic",
        "No warnings, 1 acknowledged.",
    ]


def test_markdown_is_a_table_and_a_list(directory: Path) -> None:
    done = patterns(directory, "--markdown")
    assert done.stdout.startswith("| Pattern |")
    assert "\n- **Note.by_topic** `unbounded-partition` (notes.py:11): Its partition key" in done.stdout


@pytest.mark.parametrize("arguments", [("--item-size", "0"), ("--page", "many")])
def test_a_wrong_number_is_explained(directory: Path, arguments: tuple[str, ...]) -> None:
    done = patterns(directory, *arguments)
    assert (done.returncode, "expected 1 or more" in done.stderr) == (2, True)


def test_as_json_a_pattern_has_its_units_and_a_warning_its_place(directory: Path) -> None:
    done = patterns(directory, "--json", "--item-size", "3000", "--page", "1")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    row = next(row for row in found["patterns"] if row["verb"] == "query")
    assert (row["pattern"], row["index"], row["order"]) == ("Note.by_topic", "gsi1", "id")
    assert (row["reads"], row["writes"]) == ([1, 1], [0, 0])
    assert row["users"] == ["handle (GET /notes)"]
    [warning] = found["warnings"]
    assert (warning["rule"], warning["acknowledged"]) == ("unbounded-partition", None)
    assert warning["where"].endswith("notes.py:11")
    checked = patterns(directory, "--json", "--check")
    assert (checked.returncode, json.loads(checked.stdout)) == (1, {"warnings": [warning]})
