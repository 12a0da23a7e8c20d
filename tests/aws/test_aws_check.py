"""`make aws-check` without an account: it says what it needs, and its steps are carried out on MiniStack."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from tests.aws import ministack
from tests.aws.test_deploy import NOT_ON_MINISTACK
from tests.aws_check.masking import masked
from tests.aws_check.report import Step, markdown

ROOT = Path(__file__).parents[2]
NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def aws_check(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.aws_check", *arguments],
        cwd=ROOT,
        env={**own, **NO_CREDENTIALS, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "No AWS credentials found."),
        ({"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}, "No AWS region is set."),
        (
            {
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_MAX_ATTEMPTS": "1",
            },
            "AWS does not accept the credentials",
        ),
    ],
)
def test_it_says_what_it_needs_and_writes_nothing(variables: Mapping[str, str], problem: str, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    done = aws_check("--report", str(report), **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(problem)
    assert "It needs:" in done.stderr
    assert "AWS_PROFILE" in done.stderr
    assert not report.exists()


def test_a_report_has_no_ids_of_accounts_and_no_secrets() -> None:
    step = Step(
        what="Deploy the stage",
        command="taxiway deploy",
        code=1,
        seconds=1.4,
        output="arn:aws:iam::123456789012:role/x bucket taxiway-123456789012-eu-west-1\nASIAIOSFODNN7EXAMPLE "
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com "
        "arn:aws:lambda:eu-west-1:210987654321:function:f ```",
    )
    report = markdown(
        [step], begun=datetime(2026, 11, 29, tzinfo=UTC), version="0.1.0", commit="abc", where="eu-west-1", left_out=[]
    )
    text = masked(report, account="123456789012", secrets=["wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", None, "test"])
    for secret in ("123456789012", "210987654321", "ASIAIOSFODNN7", "wJalr", "a1b2c3d4e5"):
        assert secret in report
        assert secret not in text
    assert text.startswith("# The template on AWS: failed")
    assert "| Deploy the stage | failed with exit code 1 | 1 |" in text
    assert text.count("```") == 2


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str]]:
    with ministack.serve(tmp_path_factory.mktemp("ministack") / "log") as endpoint:
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": ministack.REGION,
        }


def stacks(emulator: Mapping[str, str]) -> list[str]:
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=emulator["AWS_ENDPOINT_URL"],
        region_name=ministack.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    found = cloudformation.describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in found if stack["StackStatus"] != "DELETE_COMPLETE"]


@pytest.mark.synth
def test_the_stage_is_deployed_called_and_destroyed(emulator: dict[str, str], tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    left_out = [flag for name in NOT_ON_MINISTACK for flag in ("--leave-out", name)]
    done = aws_check("--report", str(report), *left_out, **emulator)
    text = report.read_text()
    assert done.returncode == 0, done.stdout + done.stderr + text
    assert text.startswith("# The template on AWS: passed")
    for step in ("Deploy the stage", "Call every route", "Deploy it again, without a change", "Destroy the stage"):
        assert f"## {step}" in text
    assert all(f"- `{name}`" in text for name in NOT_ON_MINISTACK)
    assert ministack.ACCOUNT not in text
    assert stacks(emulator) == []


@pytest.mark.synth
def test_the_stage_is_destroyed_when_a_test_fails(emulator: dict[str, str], tmp_path: Path) -> None:
    """MiniStack drops CORS, so that one of the template's tests fails there."""
    report = tmp_path / "report.md"
    done = aws_check("--report", str(report), **emulator)
    text = report.read_text()
    assert done.returncode == 1
    assert "| Call every route: the template's end-to-end tests | failed with exit code 1 |" in text
    assert "test_a_browser_may_send_and_see_what_this_takes" in text
    assert "| Destroy the stage | passed |" in text
    assert stacks(emulator) == []


@pytest.mark.synth
def test_the_stage_is_destroyed_when_the_check_is_interrupted(emulator: dict[str, str], tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "tests.aws_check", "--report", str(tmp_path / "report.md")]
    with subprocess.Popen(
        command, cwd=ROOT, env={**own, **NO_CREDENTIALS, **emulator}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Call every route"):
                process.terminate()
                break
        rest = process.stdout.read()
    assert process.returncode == 1, rest
    assert "| Destroy the stage | passed |" in (tmp_path / "report.md").read_text()
    assert stacks(emulator) == []
