"""The CDK runs on Node: where there is none that it can run on, that is said, and what to do, by every command."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from taxiway.aws.deploying import doctor
from taxiway.aws.errors import AwsError
from taxiway.aws.packaging import node
from taxiway.aws.template.synthesis import app
from taxiway.declare import Backend, HttpApi, Stage

STAGE = Stage(
    name="dev", local=False, variables={"AWS_REGION": "eu-west-1", "AWS_ACCOUNT": "111122223333"}, source=".env.dev"
)
INSTALL = 'pip install "taxiway[aws]"'
UNSET = "unset JSII_NODE, or set it to the path of a Node (20 or later)"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes JSII_NODE a program that runs a line of shell."""

    def made(line: str) -> str:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
        monkeypatch.setenv("JSII_NODE", str(path))
        return str(path)

    return made


def refused(*, directory: Path) -> AwsError:
    """What a synthesis is refused with, which is what `doctor` says too."""
    with pytest.raises(AwsError) as error:
        app(Backend("tests", api=HttpApi()), STAGE, packages=[], directory=directory)
    check = next(check for check in doctor.examine(directory, "dev") if check.what == "Node")
    assert (check.found, check.fix) == (error.value.problem, error.value.fix)
    return error.value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo 'Python 3.11.7'", "is no Node, and the CDK runs on it: asked for its version it says 'Python 3.11.7'."),
        ("echo 1.2.3", "says '1.2.3'."),
        ("echo vNext; echo and more", "says 'vNext'."),
        ("printf '\\377\\n'", "is no Node"),
        ("true", "says ''."),
        ("cat", "says ''."),
        ("exit 3", "does not run, and the CDK runs on Node: Command"),
        ("echo v18.20.4", "is Node 18.20.4, and the CDK runs on 20 or later."),
    ],
)
def test_what_is_no_node_is_refused_by_its_name(
    tmp_path: Path, program: Callable[[str], str], line: str, words: str
) -> None:
    path = program(line)
    error = refused(directory=tmp_path)
    assert error.problem.startswith(f"JSII_NODE={path} ")
    assert words in error.problem
    assert error.fix == UNSET


def test_a_program_that_is_not_there_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (tmp_path / "absent", tmp_path):
        monkeypatch.setenv("JSII_NODE", str(wrong))
        assert refused(directory=tmp_path).problem.startswith(f"JSII_NODE={wrong} does not run")


def test_where_there_is_no_node_it_says_how_to_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_NODE", raising=False)
    monkeypatch.setattr(node, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(directory=tmp_path)
    assert (error.problem, error.fix) == ("Node is not installed, and the CDK runs on it.", INSTALL)


def test_an_old_node_on_the_path_is_refused_with_how_to_have_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], str]
) -> None:
    path = Path(program("echo v18.20.4"))
    monkeypatch.delenv("JSII_NODE")
    monkeypatch.setattr(node, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(path.rename(tmp_path / "node").parent))
    error = refused(directory=tmp_path)
    assert error.problem == f"{tmp_path / 'node'} is Node 18.20.4, and the CDK runs on 20 or later."
    assert error.fix == INSTALL


def test_the_node_that_is_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = node.find()
    assert found
    monkeypatch.setenv("JSII_NODE", "")  # as good as unset
    assert node.choose().program == os.environ["JSII_NODE"] == found
    monkeypatch.setenv("PATH", str(Path(found).parent))
    monkeypatch.setenv("JSII_NODE", Path(found).name)
    chosen = node.choose()
    assert os.environ["JSII_NODE"] == chosen.program == Path(found).name
    assert re.fullmatch(r"\d+\.\d+\.\d+", chosen.version)
