"""The template's buildspec.yml, run as CodeBuild runs it: in a clean clone, up to a stage on MiniStack."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from tests.aws import ministack
from tests.aws.cloud import TEMPLATE, stage_file

REPOSITORY = TEMPLATE.parent

pytestmark = pytest.mark.synth

# https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
SECTIONS = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
ENV = {"shell", "variables", "parameter-store", "exported-variables", "secrets-manager", "git-credential-helper"}
PHASES = ["install", "pre_build", "build", "post_build"]
PHASE = {"run-as", "on-failure", "runtime-versions", "commands", "finally"}


def read() -> dict[str, Any]:
    import yaml  # the group synth has it

    return yaml.safe_load((TEMPLATE / "buildspec.yml").read_text())


def test_it_is_a_buildspec_as_codebuild_documents_it() -> None:
    spec = read()

    assert spec["version"] == 0.2
    assert spec.keys() <= SECTIONS
    assert spec["env"].keys() <= ENV
    assert spec["env"]["shell"] in ("bash", "/bin/sh")
    assert all(isinstance(value, str) for value in spec["env"]["variables"].values())
    assert list(spec["phases"]) == [phase for phase in PHASES if phase in spec["phases"]]
    for name, phase in spec["phases"].items():
        assert phase.keys() <= PHASE - (set() if name == "install" else {"runtime-versions"})
        assert phase.get("on-failure", "ABORT") == "ABORT"  # nothing is deployed that fails its tests
        assert all(isinstance(command, str) for command in phase["commands"])
    assert all(isinstance(path, str) for path in spec["cache"]["paths"])


def test_it_tests_and_deploys_a_clean_clone(tmp_path: Path, path_with_engine: dict[str, str]) -> None:
    project = clone(tmp_path)
    with ministack.serve(tmp_path / "ministack.log") as endpoint:
        done = build(project, environment_of(tmp_path, path_with_engine["PATH"], endpoint))
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
        assert "ok     account and region: 000000000000 in us-east-1, as the stage says" in done.stdout
        assert "items-test is deployed." in done.stdout
        assert list((project / ".taxiway/packages").rglob("*.zip"))  # what its cache keeps

        (project / "wrong.py").write_text("import os\n")
        refused = build(project, environment_of(tmp_path, path_with_engine["PATH"], endpoint))
        assert refused.returncode != 0
        assert "`os` imported but unused" in refused.stdout
        assert "taxiway deploy" not in refused.stderr


def clone(directory: Path) -> Path:
    """The template as a repository of its own, with what of it is in git, and Taxiway from here."""
    project = directory / "project"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TEMPLATE, capture_output=True, text=True, check=True).stdout
    for name in names.split("\0")[:-1]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TEMPLATE / name, project / name)
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'\n[tool.uv.sources]\ntaxiway = {{ path = "{REPOSITORY}", editable = true }}\n')
    stage_file(project, "test")
    return project


def environment_of(directory: Path, path: str, endpoint: str) -> dict[str, str]:
    """A build's: pip and no uv, credentials, and the project's variables, which are stronger than the file's."""
    image = directory / "image"
    if not image.exists():
        venv.create(image, with_pip=True)
    others = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "UV_", "VIRTUAL_ENV"))}
    return {
        **others,
        **read()["env"]["variables"],
        "PATH": f"{image / 'bin'}:{path}",
        "UV_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": ministack.REGION,
    }


def build(project: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Every command of every phase in one shell, one after the other until one fails; each is written to stderr."""
    spec = read()
    commands = [command for phase in PHASES for command in spec["phases"].get(phase, {}).get("commands", ())]
    return subprocess.run(
        [spec["env"]["shell"], "-ex", "-c", "\n".join(commands)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
