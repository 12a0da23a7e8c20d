"""`taxiway synth`: what it writes, and how little it takes."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
"""An emulator, for which packages are made of this machine's Python: nothing is asked of it."""

COUNTED = """
import json, sys

programs = []
sys.addaudithook(lambda event, arguments: event == "subprocess.Popen" and programs.append(arguments[0]))
from taxiway.cli.main import main

assert main(["synth", "--host-packages"]) == 0
print(json.dumps({"modules": [*sys.modules], "programs": programs}), file=sys.stderr)
"""


def test_it_writes_the_template_the_packages_and_where_each_is_to_be_uploaded(project: Path, tmp_path: Path) -> None:
    done = taxiway(project, "synth", "--host-packages", "--out", str(tmp_path / "out"), **HERE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Wrote the template of items-dev and its packages to {tmp_path / 'out'}.\n")

    listed = json.loads((tmp_path / "out" / "files.json").read_text())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*listed["files"], "files.json"}
    assert (listed["bucket"], listed["template"]) == ("taxiway-111122223333-eu-west-1", "items-dev.template.json")
    template = (tmp_path / "out" / "items-dev.template.json").read_bytes()
    assert listed["files"]["items-dev.template.json"] == f"items/dev/{sha256(template).hexdigest()}.json"
    code = [
        resource["Properties"]["Code"]
        for resource in json.loads(template)["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
    packages = {key for name, key in listed["files"].items() if name.endswith(".zip")}
    assert {(each["S3Bucket"], each["S3Key"]) for each in code} == {(listed["bucket"], key) for key in packages}


def test_with_its_packages_built_it_starts_no_node_and_imports_no_client_of_aws(project: Path) -> None:
    assert taxiway(project, "synth", "--host-packages", **HERE).returncode == 0
    warm = subprocess.run(
        [sys.executable, "-c", COUNTED],
        cwd=project,
        env={**os.environ, **HERE},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert warm.returncode == 0, warm.stderr
    assert "9 packages, 0 of them built now" in warm.stdout
    counted = json.loads(warm.stderr)
    assert {Path(program).name for program in counted["programs"]} <= {"uv", "python"}
    assert not {"aws_cdk", "jsii", "boto3", "botocore"} & {*counted["modules"]}


@pytest.mark.parametrize("out", ["taken", "taken/below"])
def test_a_template_is_not_written_where_a_file_is(project: Path, out: str) -> None:
    (project / "taken").write_text("mine")
    refused = taxiway(project, "synth", "--out", out)

    assert refused.returncode == 1
    assert f"{project / 'taken'} is a file, not a directory.\nFix: write to a directory: --out DIR" in refused.stderr
    assert "packages" not in refused.stdout
