"""`taxiway secrets`: local ones, and what is refused of a stage's."""

import json
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

SECRET_OF_PROD = "AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\nSECRETS_ID=items/prod\n"


def test_a_secret_is_set_from_a_pipe_listed_without_its_value_and_removed(project: Path) -> None:
    assert taxiway(project, "secrets", "set", "items/dev", "apiKey", stdin="hunter2\n").returncode == 0
    assert taxiway(project, "secrets", "set", "items/dev", "other", stdin="x").returncode == 0
    listed = taxiway(project, "secrets", "list")
    assert listed.stdout == "items/dev  apiKey other\n"
    assert "hunter2" not in listed.stdout + listed.stderr
    assert json.loads(taxiway(project, "secrets", "list", "--json").stdout) == {"items/dev": ["apiKey", "other"]}
    assert taxiway(project, "secrets", "unset", "items/dev", "other").returncode == 0
    assert taxiway(project, "secrets", "list").stdout == "items/dev  apiKey\n"
    assert taxiway(project, "secrets", "unset", "items/dev").returncode == 0
    missing = taxiway(project, "secrets", "unset", "items/dev")
    assert (missing.returncode, "There is no items/dev" in missing.stderr) == (1, True)


@pytest.mark.parametrize("key", [("apiKey",), ("--yes",)], ids=["one key", "the whole"])
def test_a_secret_that_the_stage_does_not_declare_is_not_removed(project: Path, key: tuple[str, ...]) -> None:
    (project / ".env.prod").write_text(SECRET_OF_PROD)
    refused = taxiway(project, "secrets", "unset", "items/prod", *key, "--stage", "dev")

    assert refused.returncode == 1
    assert "The stage dev declares no secret items/prod. Nothing was changed." in refused.stderr


def test_a_whole_secret_of_a_protected_stage_is_not_removed_whoever_asks(project: Path) -> None:
    (project / ".env.prod").write_text(SECRET_OF_PROD)
    refused = taxiway(project, "secrets", "unset", "items/prod", "--stage", "prod", "--yes")

    assert refused.returncode == 1
    assert (
        "The stage prod is protected, and the secret items/prod belongs to it. Nothing was removed." in refused.stderr
    )
