"""`taxiway logs`, as far as it goes without AWS."""

from pathlib import Path

import pytest
from tests.cli.commands import taxiway


@pytest.mark.parametrize("since", ["5x", f"{'9' * 400}d"])
def test_a_time_that_can_not_be_is_refused(project: Path, since: str) -> None:
    refused = taxiway(project, "logs", "--since", since)

    assert (refused.returncode, "expected 30s, 10m, 2h or 1d" in refused.stderr) == (2, True)


def test_a_function_that_is_not_declared_is_named_before_anybody_is_asked(project: Path) -> None:
    refused = taxiway(project, "logs", "helth")

    assert (refused.returncode, "There is no function helth." in refused.stderr) == (1, True)
