"""What is shown on one engine holds on another: this whole suite against MiniStack, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.aws import ministack

HERE = Path(__file__).parent


@pytest.mark.synth
def test_the_suite_passes_on_ministack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with ministack.serve(tmp_path / "ministack.log") as endpoint:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-m", "not synth", HERE],
            env=environment | {"TAXIWAY_DYNAMODB_ENDPOINT": endpoint},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-10_000:]
    counted = [line for line in done.stdout.splitlines() if "operations" in line and not line.startswith("{")]
    assert len(counted) >= 8
    with capsys.disabled():
        print("\nOn MiniStack:", *counted, sep="\n")
