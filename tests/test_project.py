"""A project on disk: stage files, and a declaration read from `backend.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

from taxiway import DeclarationError, project

BACKEND = """
from taxiway import Backend, HttpApi, Stage
from handlers import hello

def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/hello", hello)
    return Backend("greeter", api=api)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "handlers.py").write_text("def hello(event, context):\n    return 'hello'\n")
    (tmp_path / ".env.dev").write_text("SECRETS_ID=items/dev\n")
    return tmp_path


def describe(directory: Path, stage: str = "dev") -> subprocess.CompletedProcess[str]:
    """Read the declaration as `taxiway dev` does: in a process of its own."""
    command = [sys.executable, "-m", "taxiway.local.describe", str(directory), stage]
    return subprocess.run(command, input="\n", capture_output=True, text=True, check=False, timeout=60)


def test_a_project_is_found_from_below(directory: Path) -> None:
    below = directory / "handlers" / "http"
    below.mkdir(parents=True)
    assert project.find(below) == directory


def test_no_project_is_an_error_that_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"no backend\.py") as raised:
        project.find(tmp_path)
    assert "--project" in raised.value.fix


def test_the_local_file_overrides_the_stage_file(directory: Path) -> None:
    (directory / ".env.local").write_text("SECRETS_ID='mine'\nAWS_REGION=eu-north-1\n")
    stage = project.read_stage(directory, "dev", local=True)
    assert (stage.optional("SECRETS_ID"), stage.region) == ("mine", "eu-north-1")


def test_what_goes_to_aws_can_not_have_the_laptops_file_for_its_stage_file(directory: Path) -> None:
    (directory / ".env.local").write_text("AWS_REGION=eu-north-1\nAWS_ACCOUNT=123456789012\n")
    with pytest.raises(DeclarationError, match=r"its stage file would be \.env\.local"):
        project.read_stage(directory, "local", local=False)
    assert project.read_stage(directory, "local", local=True).region == "eu-north-1"


def test_a_malformed_override_is_looked_for_where_it_is(directory: Path) -> None:
    (directory / ".env.local").write_text("AWS_REGION=nowhere\n")
    with pytest.raises(DeclarationError, match="Invalid AWS_REGION: ") as raised:
        project.read_stage(directory, "dev", local=True)
    assert raised.value.where.endswith(".env.local")


def test_what_goes_to_aws_has_nothing_of_the_local_file(directory: Path) -> None:
    stage_file = "AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\nSECRETS_ID=items/prod\n"
    (directory / ".env.prod").write_text(stage_file)
    (directory / ".env.local").write_text("AWS_REGION=eu-north-1\nAWS_ACCOUNT=444455556666\nSECRETS_ID=\nMORE=1\n")
    stage = project.read_stage(directory, "prod", local=False)
    assert (stage.region, stage.account) == ("eu-west-1", "111122223333")
    assert (stage.optional("SECRETS_ID"), stage.optional("MORE")) == ("items/prod", None)


def test_a_file_in_another_encoding_is_named_with_the_line(directory: Path) -> None:
    (directory / ".env.dev").write_bytes("SECRETS_ID=a\nNAME=Zoë\n".encode("latin-1"))
    with pytest.raises(DeclarationError, match=r"Line 2 is not valid UTF-8\.") as raised:
        project.read_stage(directory, "dev", local=True)
    assert raised.value.where.endswith(".env.dev")


def test_the_shell_is_read_only_where_a_line_asks_for_it(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    monkeypatch.setenv("BUILD", "42")
    (directory / ".env.dev").write_text("SECRETS_ID=build/${BUILD}\n")
    stage = project.read_stage(directory, "dev", local=True)
    assert (stage.region, stage.optional("SECRETS_ID")) == ("us-east-1", "build/42")


def test_a_malformed_line_is_named_without_its_value(directory: Path) -> None:
    (directory / ".env.dev").write_text("AWS_REGION=eu-west-1\nTOKEN='hunter2\n")
    with pytest.raises(DeclarationError, match="Line 2 is malformed: TOKEN") as raised:
        project.read_stage(directory, "dev", local=True)
    assert "hunter2" not in str(raised.value)
    assert raised.value.where.endswith(".env.dev")


def test_off_the_laptop_a_stage_needs_its_file(directory: Path) -> None:
    with pytest.raises(DeclarationError, match="'staging' has no stage file"):
        project.read_stage(directory, "staging", local=False)


def test_a_declaration_becomes_a_plan(directory: Path) -> None:
    answer = describe(directory)
    assert '"key":"GET /hello"' in answer.stdout
    assert '"handler":"handlers.hello"' in answer.stdout


def test_what_the_project_prints_while_it_is_read_is_not_taken_for_the_answer(directory: Path) -> None:
    (directory / "backend.py").write_text("print('loading')\n" + BACKEND)
    answer = describe(directory)
    assert answer.stdout.startswith('{"plan"')
    assert "loading" in answer.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def backend(stage:", "SyntaxError"),
        ("x = 1", "no function called backend"),
        ("def backend(stage): return 1", "returned 1"),
        ("def backend(stage): return stage.required('TOKEN')", "is missing TOKEN"),
    ],
)
def test_a_declaration_that_cannot_be_read_says_why_and_where(directory: Path, source: str, said: str) -> None:
    (directory / "backend.py").write_text(source)
    answer = describe(directory)
    assert said in answer.stdout
    assert '"fix":' in answer.stdout
    assert str(directory) in answer.stdout
