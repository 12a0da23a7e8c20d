"""`taxiway synth`, as far as it goes without the CDK."""

import sys
from pathlib import Path

import pytest
from tests.cli.commands import taxiway


def test_a_synthesis_without_a_node_is_refused_in_words(project: Path) -> None:
    refused = taxiway(project, "synth", "--stage", "dev", JSII_NODE=sys.executable)

    assert refused.returncode == 1
    assert f"JSII_NODE={sys.executable} is no Node" in refused.stderr
    assert "Fix: unset JSII_NODE" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("out", ["taken", "taken/below"])
def test_a_template_is_not_written_where_a_file_is(project: Path, out: str) -> None:
    (project / "taken").write_text("mine")
    refused = taxiway(project, "synth", "--out", out)

    assert refused.returncode == 1
    assert f"{project / 'taken'} is a file, not a directory.\nFix: write to a directory: --out DIR" in refused.stderr
    assert "packages" not in refused.stdout
