"""The other commands of `taxiway`, as a user types them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from taxiway.testing import serve


def taxiway(*arguments: str, stdin: str = "", cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "taxiway.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=cwd, check=False, timeout=60)


def test_routes_lists_what_answers_what(project: Path) -> None:
    done = taxiway("routes", cwd=project / "handlers")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert lines[0].split() == ["GET", "/health", "health", "128", "MB", "3", "s"]
    assert lines[3].split() == ["GET", "/items/{id}", "get-item", "1024", "MB", "30", "s"]


def test_a_mistake_in_the_project_is_told_without_a_traceback(project: Path) -> None:
    (project / ".env.dev").write_text("AWS_REGION=nowhere\n")
    done = taxiway("routes", cwd=project)
    assert done.returncode == 1
    assert "AWS_REGION is malformed: 'nowhere'" in done.stderr
    assert ".env.dev" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    done = taxiway("routes", cwd=tmp_path)
    assert (done.returncode, "There is no backend.py" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("fly",), ("dev", "--port", "70000"), ("dev", "--data", "x", "--ephemeral")])
def test_a_wrong_command_line_is_explained(project: Path, arguments: tuple[str, ...]) -> None:
    done = taxiway(*arguments, cwd=project)
    assert done.returncode == 2
    assert "usage: taxiway" in done.stderr


def test_a_secret_is_set_from_a_pipe_listed_without_its_value_and_removed(project: Path) -> None:
    assert taxiway("secrets", "set", "items/dev", "apiKey", stdin="hunter2\n", cwd=project).returncode == 0
    assert taxiway("secrets", "set", "items/dev", "other", stdin="x", cwd=project).returncode == 0
    listed = taxiway("secrets", "list", cwd=project)
    assert listed.stdout == "items/dev  apiKey other\n"
    assert "hunter2" not in listed.stdout + listed.stderr
    assert taxiway("secrets", "unset", "items/dev", "other", cwd=project).returncode == 0
    assert taxiway("secrets", "list", cwd=project).stdout == "items/dev  apiKey\n"
    assert taxiway("secrets", "unset", "items/dev", cwd=project).returncode == 0
    missing = taxiway("secrets", "unset", "items/dev", cwd=project)
    assert (missing.returncode, "There is no items/dev" in missing.stderr) == (1, True)


def test_reset_deletes_the_database_but_not_by_accident(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "data"
    with serve(project, data=data, environment=path_with_engine) as server:
        made = server.request("POST", "/items", json={"name": "Pen", "category": "x"})
        running = taxiway("reset", "--data", str(data), "--yes", cwd=project)
        assert (running.returncode, "has the database" in running.stderr) == (1, True)
    asked = taxiway("reset", "--data", str(data), cwd=project)
    assert (asked.returncode, "Nothing was deleted" in asked.stderr) == (1, True)
    done = taxiway("reset", "--data", str(data), "--yes", cwd=project)
    assert (done.returncode, str(data) in done.stdout) == (0, True)
    with serve(project, data=data, environment=path_with_engine) as server:
        assert server.get(made.headers["location"]).status == 404
    assert taxiway("reset", "--data", str(project / "none"), "--yes", cwd=project).returncode == 0


def test_where_npm_is_missing_it_says_what_to_do(project: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "taxiway.cli", "dev", "--project", str(project), "--port", "0"],
        env={**os.environ, "PATH": str(empty)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "npm is not on PATH" in done.stderr
    assert "--dynamodb-endpoint" in done.stderr
    assert "Traceback" not in done.stderr
