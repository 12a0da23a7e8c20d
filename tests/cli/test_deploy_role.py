"""`taxiway deploy-role`: the template that it prints, and what it refuses."""

import json
from pathlib import Path

import pytest
from tests.cli.commands import taxiway


def test_the_role_that_deploys_a_stage_is_printed_as_a_template(project: Path) -> None:
    done = taxiway(project, "deploy-role", "--stage", "prod", "--repo", "owner/items", "--with-provider")

    assert done.returncode == 0, done.stderr
    resources = json.loads(done.stdout)["Resources"]
    assert {"GitHub", "Policy1", "Role"} <= resources.keys()
    assert '"repo:owner/items:environment:prod"' in done.stdout
    assert ":role/items/prod/*" in done.stdout


def test_one_role_deploys_the_stages_of_all_pull_requests(project: Path) -> None:
    (project / ".env.pr-1").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\nSECRETS_ID=items/pr-1\n")
    asked = ("deploy-role", "--stage", "pr-1", "--repo", "owner/items", "--environment", "preview", "--stages")
    done = taxiway(project, *asked, "pr-*")

    assert done.returncode == 0, done.stderr
    assert '"repo:owner/items:environment:preview"' in done.stdout
    assert ":secret:items/pr-*-??????" in done.stdout
    assert "pr-1" not in done.stdout
    assert "The stage pr-1 does not match prod-*." in taxiway(project, *asked, "prod-*").stderr


@pytest.mark.parametrize("form", ["pr*", "pr-1", "*", "-*"])
def test_a_role_for_a_form_of_stages_is_for_whole_words_of_their_names(project: Path, form: str) -> None:
    """`pr*` is of `pr-1`, and of `prod`."""
    (project / ".env.pr-1").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\n")
    refused = taxiway(project, "deploy-role", "--stage", "pr-1", "--repo", "owner/items", f"--stages={form}")

    assert refused.returncode == 1
    assert f"Invalid pattern of stages {form!r}: it must end in -*, since pr* would match prod too." in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize("repository", ["items", "owner/*", "owner@1/items", "https://github.com/owner/items"])
def test_a_role_trusts_no_repository_that_can_not_be(project: Path, repository: str) -> None:
    refused = taxiway(project, "deploy-role", "--repo", repository)

    assert refused.returncode == 2
    assert "invalid repository" in refused.stderr
