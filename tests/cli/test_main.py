"""The `taxiway` command line: its help, its version, its exit codes, and how it says what went wrong."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

import taxiway as package
from taxiway.cli.main import COMMANDS

HEAVY = frozenset(
    {"boto3", "botocore", "troposphere", "uvloop", "httptools", "psutil", "asyncio", "pydynox", "pydynox_core"}
)
"""What a command may import to do its work, and never to show its help."""


def modules_of(directory: Path, *arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and every module that it has imported by then."""
    program = f"""
import sys
from taxiway.cli.main import main
try:
    assert main({list(arguments)!r}) == 0
except SystemExit as exit:
    assert exit.code == 0
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.split())


def test_its_help_names_every_command_and_imports_none(tmp_path: Path) -> None:
    shown, modules = modules_of(tmp_path, "--help")

    for name, (module, words) in COMMANDS.items():
        assert re.search(rf"^    {name}\s", shown, re.MULTILINE)
        assert words.split()[0] in shown
        assert module not in modules
    assert "0 success, 1 failure, 2 invalid command line, 130 interrupted" in " ".join(shown.split())
    assert not modules & HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_that_one_and_nothing_heavy(tmp_path: Path, name: str) -> None:
    shown, modules = modules_of(tmp_path, name, "--help")

    assert shown.startswith(f"usage: taxiway {name} ")
    assert {module for module, _ in COMMANDS.values()} & modules == {COMMANDS[name][0]}
    assert not modules & HEAVY


@pytest.mark.parametrize("command", [("routes",), ("patterns", "--check"), ("secrets", "list")])
def test_a_command_that_only_reads_imports_nothing_heavy(project: Path, command: tuple[str, ...]) -> None:
    assert not modules_of(project, *command)[1] & HEAVY - {"asyncio"}


def test_its_version_is_the_packages(tmp_path: Path) -> None:
    said = f"taxiway {version('taxiway')}\n"

    assert taxiway(tmp_path, "--version").stdout == said == f"taxiway {package.__version__}\n"
    script = [str(Path(sys.executable).with_name("taxiway")), "--version"]
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout == said


def test_as_json_an_error_is_one_object_on_standard_error(project: Path) -> None:
    (project / ".env.dev").write_text("AWS_REGION=nowhere\n")
    done = taxiway(project, "routes", "--json")

    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {
        "code": "invalid-declaration",
        "problem": "Invalid AWS_REGION: 'nowhere'.",
        "where": str(project / ".env.dev"),
        "fix": "write it like eu-west-1",
    }


def test_ctrl_c_is_an_exit_code_of_its_own(project: Path) -> None:
    (project / "backend.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    stopped = taxiway(project, "routes")

    assert (stopped.returncode, stopped.stderr) == (130, "")


def test_output_that_nobody_reads_is_no_failure(project: Path) -> None:
    command = [sys.executable, "-m", "taxiway", "routes"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


def test_a_mistake_in_the_project_is_told_without_a_traceback(project: Path) -> None:
    (project / ".env.dev").write_text("AWS_REGION=nowhere\n")
    done = taxiway(project, "routes")
    assert done.returncode == 1
    assert "Invalid AWS_REGION: 'nowhere'" in done.stderr
    assert ".env.dev" in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    done = taxiway(tmp_path, "routes")
    assert (done.returncode, "There is no backend.py" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("fly",), ("dev", "--port", "70000"), ("dev", "--data", "x", "--ephemeral")])
def test_a_wrong_command_line_is_explained(project: Path, arguments: tuple[str, ...]) -> None:
    done = taxiway(project, *arguments)
    assert done.returncode == 2
    assert "usage: taxiway" in done.stderr
