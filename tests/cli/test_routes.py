"""`taxiway routes`: what answers what."""

import json
from pathlib import Path

from tests.cli.commands import taxiway


def test_routes_lists_what_answers_what(project: Path) -> None:
    done = taxiway(project / "handlers", "routes")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert lines[0].split() == ["GET", "/health", "health", "128", "MB", "3", "s"]
    assert lines[3].split() == ["GET", "/items/{id}", "get-item", "1024", "MB", "30", "s"]


def test_as_json_each_route_has_its_handler_and_its_size(project: Path) -> None:
    (project / "backend.py").write_text("print('from the project')\n" + (project / "backend.py").read_text())
    done = taxiway(project, "routes", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0] == {
        "method": "GET",
        "path": "/health",
        "function": "health",
        "handler": "handlers.http.health.health",
        "memory": 128,
        "timeout": 3,
    }
