"""The commands for AWS, as far as they go without it: what they refuse, what they print of packages and of money."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "template"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the template whose stages are in an account."""
    copy = tmp_path / "project"
    shutil.copytree(TEMPLATE, copy, ignore=shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache"))
    for stage in ("dev", "prod"):
        (copy / f".env.{stage}").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\n")
    return copy


def taxiway(project: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with no credentials, no profile and no region but those of `environment`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-m", "taxiway.cli", *arguments],
        cwd=project,
        env={**own, **nobody, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


COMMANDS = (
    *("deploy", "diff", "destroy --yes", "outputs", "logs", "doctor"),
    *("secrets set items/dev key", "secrets list", "secrets unset items/dev key"),
)
"""Every command that goes to AWS."""


@pytest.mark.parametrize("command", COMMANDS)
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


def test_a_protected_stage_is_not_destroyed_whoever_asks(project: Path) -> None:
    refused = taxiway(project, "destroy", "--stage", "prod", "--yes")

    assert refused.returncode == 1
    assert "The stage prod is protected. Nothing was deleted." in refused.stderr


def test_a_stage_without_a_stage_file_is_refused(project: Path) -> None:
    assert "The stage 'nowhere' has no stage file." in taxiway(project, "deploy", "--stage", "nowhere").stderr


def test_doctor_names_everything_that_is_missing(project: Path) -> None:
    ill = taxiway(project, "doctor")

    assert ill.returncode == 1
    assert re.search(r"^ok +stage file: .*\.env\.dev: eu-west-1, account 111122223333$", ill.stdout, re.MULTILINE)
    assert "ok     declaration: items, 9 routes" in ill.stdout
    assert "FAILS  credentials, account and region: There are no credentials for AWS" in ill.stdout


def test_a_synthesis_without_a_node_is_refused_in_words(project: Path) -> None:
    refused = taxiway(project, "synth", "--stage", "dev", JSII_NODE=sys.executable)

    assert refused.returncode == 1
    assert f"JSII_NODE={sys.executable} is no Node" in refused.stderr
    assert "Fix: unset JSII_NODE" in refused.stderr
    assert "Traceback" not in refused.stderr


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
    assert "The stage pr-1 is none of prod-*." in taxiway(project, *asked, "prod-*").stderr


@pytest.mark.parametrize("form", ["pr*", "pr-1", "*", "-*"])
def test_a_role_for_a_form_of_stages_is_for_whole_words_of_their_names(project: Path, form: str) -> None:
    """`pr*` is of `pr-1`, and of `prod`."""
    (project / ".env.pr-1").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\n")
    refused = taxiway(project, "deploy-role", "--stage", "pr-1", "--repo", "owner/items", f"--stages={form}")

    assert refused.returncode == 1
    assert f"{form} is no form of stages: it has to end in -*, since pr* would stand for prod too." in refused.stderr
    assert refused.stdout == ""


SECRET_OF_PROD = "AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\nSECRETS_ID=items/prod\n"


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
    assert "The stage prod is protected, and items/prod is a secret of it. Nothing was removed." in refused.stderr


@pytest.mark.parametrize("out", ["taken", "taken/below"])
def test_a_template_is_not_written_where_a_file_is(project: Path, out: str) -> None:
    (project / "taken").write_text("mine")
    refused = taxiway(project, "synth", "--out", out)

    assert refused.returncode == 1
    assert f"{project / 'taken'} is a file.\nFix: write to a directory: --out DIR" in refused.stderr
    assert "packages" not in refused.stdout


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
    assert f"boto3 can't be set up: {said}" in refused.stderr
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


@pytest.mark.parametrize("repository", ["items", "owner/*", "owner@1/items", "https://github.com/owner/items"])
def test_a_role_trusts_no_repository_that_can_not_be(project: Path, repository: str) -> None:
    refused = taxiway(project, "deploy-role", "--repo", repository)

    assert refused.returncode == 2
    assert "is no repository" in refused.stderr


def test_package_says_how_large_each_function_is(project: Path) -> None:
    this_python = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = taxiway(project, "package", "--python", this_python, "--architecture", "x86_64")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^create-item +[\d.]+ MB zipped +[\d.]+ MB unzipped +built$", done.stdout, re.MULTILINE)
    assert "unchanged" in taxiway(project, "package", "--python", this_python, "--architecture", "x86_64").stdout


def test_cost_prints_the_bill_of_a_month(project: Path) -> None:
    done = taxiway(project, "cost", "--requests", "10M", "--read-ratio", "0.8")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^API Gateway +requests +10,000,000 ", done.stdout, re.MULTILINE)


def test_a_bill_and_packages_are_of_what_is_on_aws_and_not_of_the_laptop(project: Path) -> None:
    declaration = project / "backend.py"
    text = declaration.read_text()
    assert "    return Backend(" in text
    more = "    if not stage.local:\n        api.get('/more', handlers.http.more.more, memory=512)\n    return Backend("
    (project / "handlers" / "http" / "more.py").write_text("def more(event, context): ...\n")
    text = f"import handlers.http.more\n{text}"
    declaration.write_text(text.replace("    return Backend(", more, 1))
    this_python = f"{sys.version_info.major}.{sys.version_info.minor}"

    packed = taxiway(project, "package", "--stage", "new", "--python", this_python, "--architecture", "x86_64")
    billed = taxiway(project, "cost", "--stage", "new")

    assert (packed.returncode, billed.returncode) == (0, 0), packed.stderr + billed.stderr
    assert re.search(r"^more +[\d.]+ MB zipped", packed.stdout, re.MULTILINE)
    assert "more" in billed.stdout.partition("Not measured")[2]


def test_cost_takes_measured_durations(project: Path) -> None:
    (project / "durations.json").write_text('{"create-item": 7.4}')

    assert "create-item" in taxiway(project, "cost").stdout.partition("Not measured")[2]
    measured = taxiway(project, "cost", "--durations", "durations.json")
    assert "create-item" not in measured.stdout.partition("Not measured")[2]
    assert "No such file" in taxiway(project, "cost", "--durations", "elsewhere.json").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("cost", "--read-ratio", "2"),
        ("cost", "--read-ratio", "x"),
        ("logs", "--since", "5x"),
        ("logs", "--since", f"{'9' * 400}d"),
    ],
)
def test_a_flag_that_can_not_be_is_refused(project: Path, arguments: tuple[str, ...]) -> None:
    assert taxiway(project, *arguments).returncode == 2


def test_a_quantity_that_can_not_be_is_refused(project: Path) -> None:
    refused = taxiway(project, "cost", "--requests", "many")

    assert refused.returncode == 1
    assert "'many' is no quantity" in refused.stderr
