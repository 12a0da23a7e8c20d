"""`taxiway reset`: deletes the local database, and never by accident."""

from pathlib import Path

from tests.cli.commands import taxiway

from taxiway.testing import serve


def test_reset_deletes_the_database_but_not_by_accident(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "data"
    with serve(project, data=data, environment=path_with_engine) as server:
        made = server.request("POST", "/items", json={"name": "Pen", "category": "x"})
        running = taxiway(project, "reset", "--data", str(data), "--yes")
        assert (running.returncode, "has the database" in running.stderr) == (1, True)
    asked = taxiway(project, "reset", "--data", str(data))
    assert (asked.returncode, "Nothing was deleted" in asked.stderr) == (1, True)
    done = taxiway(project, "reset", "--data", str(data), "--yes")
    assert (done.returncode, str(data) in done.stdout) == (0, True)
    with serve(project, data=data, environment=path_with_engine) as server:
        assert server.get(made.headers["location"]).status == 404
    assert taxiway(project, "reset", "--data", str(project / "none"), "--yes").returncode == 0
