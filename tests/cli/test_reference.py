"""docs/reference/command-line.md has every command, every flag and every exit code, and no other."""

import argparse
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

from taxiway.cli.completion import SHELLS
from taxiway.cli.main import COMMANDS, EXIT_CODES, whole_parser

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", TEXT, re.MULTILINE | re.DOTALL))
COMMON = {"--help", "-h", "--project", "--stage", "--json"}


def leaves(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command that can be run: `routes`, and `secrets list` of `secrets`."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    for action in below:
        for verb, each in action.choices.items():
            yield from leaves(f"{name} {verb}".strip(), each)
    if not below:
        yield name, parser


COMMAND_LINE = dict(leaves("", whole_parser()))


def flags(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}  # noqa: SLF001


def test_the_page_has_every_command_in_the_order_of_the_help() -> None:
    assert list(SECTIONS) == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_section_of_a_command_has_its_flags_and_no_other(command: str) -> None:
    parsers = {name: parser for name, parser in COMMAND_LINE.items() if name.split()[0] == command}
    rows = re.findall(r"^\| `([^`]+)`", SECTIONS[command], re.MULTILINE)
    written = {flag for row in rows for flag in re.findall(r"(?<![\w-])--?[a-z][\w-]*", row)}

    assert written - COMMON == set().union(*map(flags, parsers.values())) - COMMON
    for name in parsers:
        assert f"`taxiway {name}" in SECTIONS[command]


def test_the_commands_that_have_json_are_those_that_the_page_names() -> None:
    named = TEXT.partition("have `--json`: ")[2].partition(". ")[0]

    assert set(re.findall(r"`([^`]+)`", named)) == {
        n for n, parser in COMMAND_LINE.items() if "--json" in flags(parser)
    }


def test_the_exit_codes_are_those_of_the_help() -> None:
    said = re.findall(r"(\d+) (\w[\w ]+)", EXIT_CODES)
    rows = dict(re.findall(r"^\| (\d+) \| (\w[\w ]+)", TEXT, re.MULTILINE))

    assert {code: rows[code].strip().startswith(words.strip()) for code, words in said} == dict.fromkeys(rows, True)


def test_the_local_endpoint_is_json_or_an_error_that_is(project: Path) -> None:
    done = taxiway(project, "aws-env", "--json")

    assert (done.returncode, json.loads(done.stderr)["code"]) == (1, "command")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_knows_every_command_and_flag(tmp_path: Path, shell: str) -> None:
    done = taxiway(tmp_path, "completion", shell)

    assert done.returncode == 0, done.stderr
    for name, parser in COMMAND_LINE.items():
        assert name.split()[-1] in done.stdout
        assert all(flag in done.stdout for flag in flags(parser) if flag.startswith("--") and shell != "tcsh")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("taxiway", "rou"), {"routes"}),
        (("taxiway", "add", "e"), {"entity"}),
        (("taxiway", "dev", "--inl"), {"--inline"}),
        (("taxiway", "completion", "z"), {"zsh"}),
    ],
)
def test_bash_completes_commands_and_flags(tmp_path: Path, words: tuple[str, ...], completed: set[str]) -> None:
    script = taxiway(tmp_path, "completion", "bash").stdout
    typed = " ".join(words)
    asked = f"""{script}
COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; COMP_LINE='{typed}'; COMP_POINT={len(typed)}
$(complete -p taxiway | sed 's/.*-F \\([^ ]*\\).*/\\1/') taxiway {words[-1]} {words[-2]}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False, timeout=60)
    assert {line.strip() for line in done.stdout.split()} == completed, done.stderr
