"""`taxiway dev`, where it can't start."""

from pathlib import Path

from tests.cli.commands import taxiway


def test_where_npm_is_missing_it_says_what_to_do(project: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = taxiway(project, "dev", "--port", "0", PATH=str(empty))

    assert done.returncode == 1
    assert "npm is not on PATH" in done.stderr
    assert "--dynamodb-endpoint" in done.stderr
    assert "Traceback" not in done.stderr
