"""checkov finds nothing in the rendered stages but what tests/checkov/accepted.json accepts, each with its reason."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.aws.snapshot import STAGES, synthesized

HOME = Path(__file__).parents[1] / "checkov"
ACCEPTED: list[dict[str, Any]] = json.loads((HOME / "accepted.json").read_text(encoding="utf-8"))

Finding = tuple[str, str, str]
"""A stage, a check, and the type of the resource that failed it."""


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The checkov of tests/checkov/uv.lock, in an environment beside this one's packages."""
    home = Path(sys.prefix) / "checkov"
    uv = Path(sys.executable).with_name("uv")
    command = [uv if uv.exists() else "uv", "sync", "--quiet", "--frozen", "--python", sys.executable]
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(home)}
    subprocess.run(command, cwd=HOME, env=environment, check=True)
    return home / "bin" / "checkov"


def findings(checkov: Path, directory: Path) -> set[Finding]:
    """What checkov finds in the templates of a directory, each named `STAGE.template.json`."""
    options = ["--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--soft-fail"]
    done = subprocess.run(
        [checkov, "--directory", directory, "--skip-download", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 100
    return {
        (Path(failed["file_path"]).name.partition(".")[0], failed["check_id"], failed["resource"].partition(".")[0])
        for failed in report["results"]["failed_checks"]
    }


@pytest.mark.synth
def test_checkov_finds_what_is_accepted_and_no_more(checkov: Path, tmp_path: Path) -> None:
    rendered = tmp_path / "rendered"
    rendered.mkdir()
    for stage in STAGES:
        (rendered / f"{stage}.template.json").write_text(synthesized(stage, tmp_path))
    accepted = {(stage, each["check"], each["resource"]) for each in ACCEPTED for stage in each["stages"]}

    found = findings(checkov, rendered)

    assert sorted(found - accepted) == [], "fix these, or accept them with a reason in tests/checkov/accepted.json"
    assert sorted(accepted - found) == [], "these are not found any more: remove them from tests/checkov/accepted.json"


@pytest.mark.synth
def test_a_new_finding_fails(checkov: Path, tmp_path: Path) -> None:
    """A bucket that anyone can read joins the dev stage."""
    template = json.loads(synthesized("dev", tmp_path))
    template["Resources"]["Leak"] = {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}}
    (tmp_path / "rendered").mkdir()
    (tmp_path / "rendered" / "dev.template.json").write_text(json.dumps(template))

    new = {check for stage, check, kind in findings(checkov, tmp_path / "rendered") if kind == "AWS::S3::Bucket"}

    assert "CKV_AWS_20" in new


def test_everything_accepted_has_a_reason() -> None:
    assert all(len(each["reason"].split()) > 8 for each in ACCEPTED)
    named = [(each["check"], each["resource"]) for each in ACCEPTED]
    assert len(set(named)) == len(named)


def test_the_lock_file_names_no_other_registry() -> None:
    hosts = {part.split("/")[0] for part in (HOME / "uv.lock").read_text().split("https://")[1:]}
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
