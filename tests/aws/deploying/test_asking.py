"""Commands that lose data ask first, on a terminal; and what is killed, or goes to the wrong place, does no harm."""

import subprocess
import sys
from collections.abc import Callable, Generator
from time import monotonic, sleep

import pytest
from tests.aws.cloud import Cloud, of_template, stage_file
from tests.aws.proxy import Proxy, before
from tests.cli.commands import ON_AWS

pytestmark = [
    pytest.mark.synth,
    pytest.mark.xdist_group("ministack-asking"),  # one deployment, which the tests change one after the other
]

SECRET = "items/dev"
CHANGES = ("CreateStack", "ExecuteChangeSet", "DeleteStack", "UpdateStack")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    """The template, deployed with a secret that the stack makes."""
    with of_template(tmp_path_factory.mktemp("cloud")) as found:
        stage_file(found.project, "dev", secret=SECRET)
        done = found.deploy()
        assert done.returncode == 0, done.stdout + done.stderr
        yield found


@pytest.fixture
def proxy(cloud: Cloud) -> Generator[Proxy]:
    """What the command's calls go through."""
    endpoint = cloud.endpoint
    with before(endpoint) as proxy:
        cloud.endpoint = proxy.endpoint
        yield proxy
    cloud.endpoint = endpoint


def changed(proxy: Proxy) -> list[str]:
    """What was asked of CloudFormation that changes a stack."""
    return [call for call in proxy.calls if call.partition(":")[2] in CHANGES]


@pytest.mark.parametrize("command", ON_AWS)
def test_another_account_is_refused_by_name_and_nothing_but_who_we_are_is_asked(
    cloud: Cloud, proxy: Proxy, command: str
) -> None:
    of_another = {"AWS_ACCESS_KEY_ID": "123456789012"}
    refused = cloud.taxiway(*command.split(), "--stage", "dev", stdin="value", environment=of_another)

    assert refused.returncode == 1
    said = refused.stderr + refused.stdout
    assert "is in the account 000000000000, but these credentials belong to the account 123456789012" in said
    assert "Fix: " in said
    assert "Traceback" not in said
    assert proxy.calls == ["sts:GetCallerIdentity"]


@pytest.mark.parametrize("keys", ["n\n", "\x03"], ids=["no", "Ctrl-C"])
def test_a_deployment_that_loses_data_goes_on_only_after_a_yes(cloud: Cloud, proxy: Proxy, keys: str) -> None:
    stage_file(cloud.project, "dev")
    code, seen = cloud.on_terminal("deploy", "--host-packages", question="[y/N] ", keys=keys)

    assert (code, "\nNothing was changed.\nFix: answer y\n" in seen) == (1, True), seen
    assert f"The secret {SECRET} is deleted; its data is lost.\nContinue? [y/N] " in seen
    assert "Traceback" not in seen
    assert changed(proxy) == []
    assert proxy.calls[-1] == "cloudformation:DeleteChangeSet"  # nothing waits to be executed by mistake
    assert cloud.client("secretsmanager").describe_secret(SecretId=SECRET)["Name"] == SECRET


DOMAIN = """        domain=Domain(
            name="api.example.com", certificate="arn:aws:acm:us-east-1:000000000000:certificate/1111"
        ),
        cors=Cors("""


def test_what_goes_on_between_is_told_before_anything_is_asked(cloud: Cloud) -> None:
    stage_file(cloud.project, "dev")
    cloud.edit("backend.py", " Cors,", " Cors, Domain,")
    cloud.edit("backend.py", "        cors=Cors(", DOMAIN)
    planned = cloud.taxiway("diff", "--host-packages")
    code, seen = cloud.on_terminal("deploy", "--host-packages", question="[y/N] ", keys="n\n")
    cloud.edit("backend.py", DOMAIN, "        cors=Cors(")
    cloud.edit("backend.py", " Cors, Domain,", " Cors,")

    caution = "Caution: From this deployment on, the API's default address, …execute-api…, answers 404 to everybody"
    assert caution in planned.stdout, planned.stderr
    assert code == 1, seen
    assert caution in seen.partition("is deleted; its data is lost.\nContinue? [y/N] ")[0]


def test_a_deployment_that_loses_data_does_so_after_a_yes(cloud: Cloud, proxy: Proxy) -> None:
    stage_file(cloud.project, "dev")
    code, seen = cloud.on_terminal("deploy", "--host-packages", question="[y/N] ", keys="yes\n")

    assert code == 0, seen
    assert changed(proxy) == ["cloudformation:ExecuteChangeSet"]
    secrets = cloud.client("secretsmanager")
    with pytest.raises(secrets.exceptions.ClientError):
        secrets.get_secret_value(SecretId=SECRET)


@pytest.mark.parametrize("keys", ["\n", "\x03", "\x04"], ids=["enter", "Ctrl-C", "Ctrl-D"])
def test_a_stage_is_not_destroyed_without_a_yes(cloud: Cloud, proxy: Proxy, keys: str) -> None:
    code, seen = cloud.on_terminal("destroy", question="[y/N] ", keys=keys)

    assert (code, "\nNothing was deleted.\nFix: answer y\n" in seen) == (1, True), seen
    assert "Delete the stack items-dev, with the table items-dev and all their data? [y/N] " in seen
    assert changed(proxy) == []


def test_a_protected_stage_is_refused_by_name_before_aws_is_asked_and_yes_changes_nothing(
    cloud: Cloud, proxy: Proxy
) -> None:
    stage_file(cloud.project, "prod")
    refused = cloud.taxiway("destroy", "--stage", "prod", "--yes")

    assert refused.returncode == 1
    assert (
        "The stage prod is protected. Nothing was deleted.\nFix: declare Operations(protected=False)" in refused.stderr
    )
    assert proxy.calls == []


def test_a_stack_that_is_protected_on_aws_is_refused_too(cloud: Cloud, proxy: Proxy) -> None:
    client = cloud.client("cloudformation")
    client.update_termination_protection(StackName="items-dev", EnableTerminationProtection=True)
    refused = cloud.taxiway("destroy", "--yes")
    client.update_termination_protection(StackName="items-dev", EnableTerminationProtection=False)

    assert refused.returncode == 1
    assert "The stack items-dev is protected on AWS. Nothing was deleted." in refused.stderr
    assert changed(proxy) == []


def test_protection_follows_the_declaration_where_nothing_else_changes(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")

    def is_protected() -> bool:
        return client.describe_stacks(StackName="items-dev")["Stacks"][0]["EnableTerminationProtection"]

    client.update_termination_protection(StackName="items-dev", EnableTerminationProtection=True)
    done = cloud.deploy()
    assert done.returncode == 0, done.stderr
    assert "Nothing changes.\nThe stack items-dev is no longer protected." in done.stdout
    assert not is_protected()
    assert "protected" not in cloud.deploy().stdout


def test_what_a_killed_deployment_planned_is_in_nobodys_way(cloud: Cloud, proxy: Proxy) -> None:
    stage_file(cloud.project, "killed")
    asked = proxy.hold("cloudformation:DescribeChangeSet")
    killed(cloud, "killed", lambda: asked.wait(120))
    proxy.release()
    client = cloud.client("cloudformation")
    assert client.describe_stacks(StackName="items-killed")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert "There is no items-killed on AWS." in cloud.taxiway("outputs", "--stage", "killed").stderr

    again = cloud.deploy("--stage", "killed")
    assert again.returncode == 0, again.stderr
    assert "created     table items-killed" in again.stdout


def test_a_deployment_goes_on_when_the_command_is_killed(cloud: Cloud, proxy: Proxy) -> None:
    stage_file(cloud.project, "gone")
    first = proxy.hold("cloudformation:ExecuteChangeSet")

    def once_begun() -> None:
        assert first.wait(120)
        asked = proxy.hold("cloudformation:DescribeStackEvents")
        proxy.let("cloudformation:ExecuteChangeSet")
        assert asked.wait(120)

    killed(cloud, "gone", once_begun)
    proxy.release()
    client = cloud.client("cloudformation")
    deadline = monotonic() + 60
    while client.describe_stacks(StackName="items-gone")["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS"):
        assert monotonic() < deadline
        sleep(0.1)

    again = cloud.deploy("--stage", "gone")
    assert again.returncode == 0, again.stderr
    assert "Nothing changes." in again.stdout


def killed(cloud: Cloud, stage: str, when: Callable[[], object]) -> None:
    """Kill a deployment of the stage once that has happened, so that it can do nothing about it."""
    command = [sys.executable, "-m", "taxiway", "deploy", "--host-packages", "--stage", stage]
    with subprocess.Popen(command, cwd=cloud.project, env=cloud.environment, stdout=subprocess.DEVNULL) as process:
        try:
            when()
        finally:
            process.kill()


def test_a_stage_is_destroyed_after_a_yes(cloud: Cloud) -> None:
    code, seen = cloud.on_terminal("destroy", question="[y/N] ", keys="y\n")

    assert code == 0, seen
    assert "deleted     table items-dev" in seen
    assert cloud.taxiway("destroy").stdout.endswith("There is no items-dev on AWS.\n")
