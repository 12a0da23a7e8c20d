"""Every command that goes to AWS: whose account it works on, and what it says where it can't."""

from pathlib import Path

import pytest
from tests.cli.commands import ON_AWS, taxiway


@pytest.mark.parametrize("command", ON_AWS)
def test_another_region_is_refused_by_name_before_anybody_is_asked(project: Path, command: str) -> None:
    """There are no credentials, and it does not come to that."""
    (project / ".env.dev").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\nSECRETS_ID=items/dev\n")
    refused = taxiway(project, *command.split(), "--stage", "dev", AWS_REGION="us-east-1")

    assert refused.returncode == 1
    said = refused.stderr + refused.stdout
    assert "The stage dev is in eu-west-1, and AWS_REGION says us-east-1." in said
    assert "Fix: set AWS_REGION=eu-west-1" in said


def test_the_region_of_a_profile_counts_too(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile other]\nregion = us-west-2\n")
    refused = taxiway(project, "deploy", AWS_CONFIG_FILE=str(config), AWS_PROFILE="other")

    assert "The stage dev is in eu-west-1, and the profile other says us-west-2." in refused.stderr


def test_without_credentials_it_says_how_to_have_some(project: Path) -> None:
    refused = taxiway(project, "deploy")

    assert refused.returncode == 1
    assert "There are no credentials for AWS" in refused.stderr
    assert "AWS_PROFILE" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_profile_that_is_not_there_is_named(project: Path) -> None:
    assert "(nobody)" in taxiway(project, "deploy", AWS_PROFILE="nobody").stderr


def test_a_stage_without_a_stage_file_is_refused(project: Path) -> None:
    assert "The stage 'nowhere' has no stage file." in taxiway(project, "deploy", "--stage", "nowhere").stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ENDPOINT_URL", "garbage", "Invalid endpoint: garbage"),
        ("AWS_MAX_ATTEMPTS", "abc", "invalid literal for int() with base 10: 'abc'"),
    ],
)
def test_a_setting_of_the_shell_that_can_not_be_is_named(project: Path, variable: str, value: str, said: str) -> None:
    somebody = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    refused = taxiway(project, "outputs", **somebody, **{variable: value})

    assert refused.returncode == 1
    assert f"Invalid configuration of boto3: {said}" in refused.stderr
    assert "Fix: " in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_credential_process_that_prints_something_else_is_named_with_its_profile(
    project: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile odd]\ncredential_process = echo hello\n")
    refused = taxiway(project, "outputs", AWS_CONFIG_FILE=str(config), AWS_PROFILE="odd")

    assert refused.returncode == 1
    assert "The credential_process of the profile odd prints no JSON" in refused.stderr
    assert "Traceback" not in refused.stderr
