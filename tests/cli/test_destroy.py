"""`taxiway destroy`, as far as it goes without AWS."""

from pathlib import Path

from tests.cli.commands import taxiway


def test_a_protected_stage_is_not_destroyed_whoever_asks(project: Path) -> None:
    refused = taxiway(project, "destroy", "--stage", "prod", "--yes")

    assert refused.returncode == 1
    assert "The stage prod is protected. Nothing was deleted." in refused.stderr
