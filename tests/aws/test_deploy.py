"""The template on MiniStack by the real command: deployed, called, changed, refused what loses data, and destroyed."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator

import pytest
from tests.aws import ministack
from tests.aws.cloud import Cloud, of_template, stage_file

from taxiway.aws.deploying.account import Account, new_session
from taxiway.aws.deploying.upload import KEPT, sweep

BUCKET = f"taxiway-{ministack.ACCOUNT}-{ministack.REGION}"

pytestmark = [
    pytest.mark.synth,
    pytest.mark.xdist_group("ministack"),  # one deployment, which the tests change one after the other
]

ANSWERS = '''
from collections.abc import Generator, Mapping
import http.client
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from taxiway.testing import Answer


class Deployed:
    """As taxiway.testing.Server, but for where it is."""

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def request(self, method, path, *, json=UNSET, body=b"", headers=None):
        sent = {{"host": "{host}", **(headers or {{}})}}
        if json is not UNSET:
            body = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection("{address}", timeout=60)
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            names = {{name.lower() for name in response.headers}}
            found = {{name: ", ".join(response.headers.get_all(name, [])) for name in names}}
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()


@pytest.fixture(scope="session")
def api() -> Deployed:
    return Deployed()
'''


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    """A MiniStack with nothing in it, and the template beside it."""
    with of_template(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def cloud(empty: Cloud) -> Cloud:
    """The template, deployed."""
    done = empty.deploy()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "created     table items-dev" in done.stdout
    assert re.search(r"ApiUrl +https://\w+\.execute-api\.us-east-1\.amazonaws\.com", done.stdout)
    return empty


def test_every_route_answers_as_on_the_laptop(cloud: Cloud) -> None:
    """By the template's own tests, which the laptop passes."""
    url = cloud.taxiway("outputs", "ApiUrl").stdout
    assert json.loads(cloud.taxiway("outputs", "--json").stdout)["ApiUrl"] == url.rstrip()
    host = url.split("//")[1].split(".")[0] + ".execute-api.localhost"
    tests = cloud.project / "tests"
    (tests / "conftest.py").write_text(ANSWERS.format(host=host, address=cloud.endpoint.removeprefix("http://")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    ignored = [flag for name in NOT_ON_MINISTACK for flag in ("--deselect", name)]
    done = subprocess.run([*command, *ignored], cwd=cloud.project, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


NOT_ON_MINISTACK = (
    "tests/test_health.py",  # it answers GET /health itself
    "tests/test_items.py::test_a_browser_may_send_and_see_what_this_takes",  # its CloudFormation drops CORS
)
"""docs/how-to/deploying.md lists them too."""


def test_the_function_of_a_route_that_ministack_has_itself_answers_when_called(cloud: Cloud) -> None:
    event = {
        "version": "2.0",
        "routeKey": "GET /health",
        "rawPath": "/health",
        "headers": {},
        "queryStringParameters": {"deep": "true"},
        "requestContext": {"requestId": "r"},
        "isBase64Encoded": False,
    }
    answer = cloud.client("lambda").invoke(FunctionName="items-dev_health", Payload=json.dumps(event))

    assert json.loads(json.loads(answer["Payload"].read())["body"])["table"] == "ok"


def test_deployed_again_as_it_is_nothing_changes(cloud: Cloud) -> None:
    again = cloud.deploy()

    assert again.returncode == 0, again.stderr
    assert "Every file was uploaded before.\nNothing changes.\n" in again.stdout
    assert "ApiUrl" in again.stdout


def test_an_edit_is_the_changed_code_of_its_function_and_is_served_once_deployed(cloud: Cloud) -> None:
    cloud.edit("handlers/http/health.py", 'status="ok"', 'status="fine"')
    diff = cloud.taxiway("diff", "--host-packages")
    assert re.search(r"change +function +items-dev_health +code\n", diff.stdout), diff.stdout + diff.stderr
    assert diff.stdout.count("  change  ") == 1
    changes = json.loads(cloud.taxiway("diff", "--host-packages", "--json").stdout)["changes"]
    assert ("change", "items-dev_health") in {(change["action"], change["name"]) for change in changes}
    assert b"fine" not in health(cloud)

    assert cloud.deploy().returncode == 0
    assert b"fine" in health(cloud)


def health(cloud: Cloud) -> bytes:
    event = {"version": "2.0", "routeKey": "GET /health", "rawPath": "/health", "requestContext": {"requestId": "r"}}
    return cloud.client("lambda").invoke(FunctionName="items-dev_health", Payload=json.dumps(event))["Payload"].read()


def test_a_table_that_can_not_be_replaced_is_refused_and_left_alone(cloud: Cloud) -> None:
    cloud.edit("backend.py", 'partition_key="pk"', 'partition_key="other"')
    done, shown = cloud.deploy("--yes"), cloud.taxiway("diff", "--host-packages")
    cloud.edit("backend.py", 'partition_key="other"', 'partition_key="pk"')

    for refused in (done, shown):
        assert refused.returncode == 1
        assert "The keys of the table items-dev can't be changed" in refused.stderr
    table = cloud.client("dynamodb").describe_table(TableName="items-dev")["Table"]
    assert table["KeySchema"][0]["AttributeName"] == "pk"


def test_an_index_of_a_table_with_data_is_made_before_all_else_and_goes_after_it(cloud: Cloud) -> None:
    table = cloud.client("dynamodb")
    item = {name: {"S": "kept"} for name in ("pk", "sk", "gsi2pk", "gsi2sk")}
    table.put_item(TableName="items-dev", Item=item)
    query = {"KeyConditionExpression": "gsi2pk = :kept", "ExpressionAttributeValues": {":kept": {"S": "kept"}}}
    one, two = '[Index("gsi1", "gsi1pk", "gsi1sk")]', '[Index("gsi1", "gsi1pk", "gsi1sk"), Index("gsi2")]'

    cloud.edit("backend.py", one, two)
    shown, made = cloud.taxiway("diff", "--host-packages"), cloud.deploy()
    for said in (shown, made):
        assert said.returncode == 0, said.stderr
        assert re.search(r"change +table +items-dev +attribute definitions, global secondary indexes\n", said.stdout)
        assert "Before the rest: the index gsi2 of items-dev is created, and waited for.\n" in said.stdout
    assert table.query(TableName="items-dev", IndexName="gsi2", **query)["Items"] == [item]
    assert "Nothing changes." in cloud.deploy().stdout

    cloud.edit("backend.py", two, one)
    gone = cloud.deploy()
    assert gone.returncode == 0, gone.stderr
    assert gone.stdout.index("After the rest: the index gsi2 of items-dev is deleted.\n") < gone.stdout.index(
        "updated  "
    )
    with pytest.raises(table.exceptions.ClientError, match="index"):
        table.query(TableName="items-dev", IndexName="gsi2", **query)
    table.delete_item(TableName="items-dev", Key={name: item[name] for name in ("pk", "sk")})


def test_a_deployment_that_fails_names_the_resource_and_the_reason(cloud: Cloud) -> None:
    stage_file(cloud.project, "alarmed")
    plain = "return Backend("
    alarmed = "return Backend(operations=__import__('taxiway').Operations(alarms=True), name="
    cloud.edit("backend.py", plain, alarmed)  # of metric math, which MiniStack's CloudFormation refuses

    failed = cloud.deploy("--stage", "alarmed")
    cloud.edit("backend.py", alarmed, plain)
    assert failed.returncode == 1
    first = re.search(r"failed      (alarm items-alarmed\.\S+)", failed.stdout)
    assert first
    assert re.search(rf"{re.escape(first[1])}: .*\(metric math\) is not supported", failed.stderr)
    assert "only an empty stack is left" in failed.stderr
    assert "Traceback" not in failed.stderr

    again = cloud.deploy("--stage", "alarmed")
    assert again.returncode == 0, again.stderr
    assert "Removing the stack items-alarmed, which a failed first deployment left" in again.stdout
    assert cloud.taxiway("destroy", "--stage", "alarmed", "--yes").returncode == 0


def test_a_stage_that_is_protected_is_deployed_again_after_a_first_deployment_that_failed(cloud: Cloud) -> None:
    stage_file(cloud.project, "careful", secret="items/careful")
    plain = "return Backend("
    careful = "return Backend(operations=__import__('taxiway').Operations(protected=True, alarms={}), name="
    cloud.edit("backend.py", plain, careful.format(True))  # which MiniStack's CloudFormation refuses
    failed = cloud.deploy("--stage", "careful")
    cloud.edit("backend.py", careful.format(True), careful.format(False))
    try:
        assert failed.returncode == 1
        assert "only an empty stack is left" in failed.stderr

        again = cloud.deploy("--stage", "careful")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "updated     table items-careful" in again.stdout
        assert cloud.client("dynamodb").describe_table(TableName="items-careful")["Table"]["DeletionProtectionEnabled"]
        (stack,) = cloud.client("cloudformation").describe_stacks(StackName="items-careful")["Stacks"]
        assert stack["EnableTerminationProtection"]
        assert "Nothing would change." in cloud.taxiway("diff", "--stage", "careful", "--host-packages").stdout
    finally:
        cloud.edit("backend.py", careful.format(False), plain)
    unprotected = cloud.deploy("--stage", "careful")
    assert unprotected.returncode == 0, unprotected.stderr
    assert cloud.taxiway("destroy", "--stage", "careful", "--yes").returncode == 0


def test_another_account_region_or_nobody_is_refused_by_name_before_anything_is_touched(cloud: Cloud) -> None:
    wrong_account = cloud.taxiway("deploy", environment={"AWS_ACCESS_KEY_ID": "123456789012"})
    wrong_region = cloud.taxiway("deploy", environment={"AWS_REGION": "eu-west-1"})
    nobody = cloud.taxiway("deploy", environment={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})

    said = "The stage dev is in the account 000000000000, but these credentials belong to the account 123456789012"
    assert said in wrong_account.stderr
    assert "The stage dev is in us-east-1, and AWS_REGION says eu-west-1." in wrong_region.stderr
    assert "There are no credentials for AWS" in nobody.stderr
    for refused in (wrong_account, wrong_region, nobody):
        assert refused.returncode == 1
        assert "Fix: " in refused.stderr
        assert "packages" not in refused.stdout
        assert "Traceback" not in refused.stderr


def test_packages_for_this_machine_are_for_emulators_alone(cloud: Cloud) -> None:
    refused = cloud.taxiway("synth", "--host-packages", environment={"AWS_ENDPOINT_URL": ""})

    assert refused.returncode == 1
    assert "do not run on Lambda" in refused.stderr


def test_doctor_says_what_is_right_and_what_is_not(cloud: Cloud) -> None:
    well = cloud.taxiway("doctor")
    wrong = cloud.taxiway("doctor", environment={"AWS_ACCESS_KEY_ID": "123456789012"})
    nowhere = cloud.taxiway("doctor", "--stage", "nowhere")

    assert well.returncode == 0, well.stdout
    assert "ok     account and region: 000000000000 in us-east-1, as the stage says" in well.stdout
    assert "ok     stack: items-dev is UPDATE_COMPLETE" in well.stdout
    assert (wrong.returncode, nowhere.returncode) == (1, 1)
    assert "FAILS  credentials, account and region: The stage dev is in the account 000000000000" in wrong.stdout
    assert "FAILS  stage file: The stage 'nowhere' has no stage file." in nowhere.stdout


def test_a_bucket_without_a_policy_is_told_by_doctor_and_given_one_by_a_deployment(cloud: Cloud) -> None:
    cloud.client("s3").delete_bucket_policy(Bucket=BUCKET)
    ill = cloud.taxiway("doctor")
    assert f"FAILS  bucket: {BUCKET} has no policy: it can be read without TLS" in ill.stdout

    assert cloud.deploy().returncode == 0
    assert f"ok     bucket: {BUCKET}" in cloud.taxiway("doctor").stdout


def test_secrets_of_a_stage_are_set_key_by_key_and_never_shown(cloud: Cloud) -> None:
    stage_file(cloud.project, "kept", secret="items/kept")
    of_stage = ("--stage", "kept")
    early = cloud.taxiway("secrets", "set", "items/kept", "one", *of_stage, stdin="hunter2")
    assert early.returncode == 1
    assert "The secret items/kept does not exist yet: the stack must create it" in early.stderr

    cloud.edit("backend.py", ', generate="cursorKey")', ")")
    try:
        _set_and_unset(cloud, of_stage)
    finally:
        cloud.edit("backend.py", 'stage.optional("SECRETS_ID"))', 'stage.optional("SECRETS_ID"), generate="cursorKey")')


def _set_and_unset(cloud: Cloud, of_stage: tuple[str, str]) -> None:
    assert cloud.taxiway("secrets", "list", *of_stage).stdout == "items/kept  (not there yet)\n"
    assert json.loads(cloud.taxiway("secrets", "list", "--json", *of_stage).stdout) == {"items/kept": None}

    mistyped = cloud.taxiway("secrets", "set", "items/keep", "one", *of_stage, stdin="hunter2\n")
    assert mistyped.returncode == 1
    assert "declares no secret items/keep. Nothing was changed.\nFix: name one of items/kept" in mistyped.stderr

    first = cloud.taxiway("secrets", "set", "items/kept", "one", *of_stage, stdin="hunter2\n")
    second = cloud.taxiway("secrets", "set", "items/kept", "two", *of_stage, stdin="hunter3")
    kept = cloud.client("secretsmanager").get_secret_value(SecretId="items/kept")["SecretString"]
    assert json.loads(kept) == {"one": "hunter2", "two": "hunter3"}
    assert cloud.taxiway("secrets", "list", *of_stage).stdout == "items/kept  one two\n"
    assert "hunter" not in first.stdout + first.stderr + second.stdout + second.stderr

    assert cloud.taxiway("secrets", "unset", "items/kept", "one", *of_stage).returncode == 0
    assert cloud.taxiway("secrets", "list", *of_stage).stdout == "items/kept  two\n"
    assert cloud.taxiway("secrets", "unset", "items/kept", "one", *of_stage).returncode == 1
    asked = cloud.taxiway("secrets", "unset", "items/kept", *of_stage)
    assert asked.returncode == 1
    assert "Nothing was removed.\nFix: run it on a terminal and answer y, or pass --yes\n" in asked.stderr
    assert cloud.taxiway("secrets", "list", *of_stage).stdout == "items/kept  two\n"
    assert cloud.taxiway("secrets", "unset", "items/kept", "--yes", *of_stage).returncode == 0
    deleted = cloud.taxiway("secrets", "set", "items/kept", "one", *of_stage, stdin="x")
    assert "restore-secret" in deleted.stderr
    assert cloud.taxiway("secrets", "list").stdout == ""  # the laptop's are others


def test_a_secret_is_made_with_the_key_that_is_declared(cloud: Cloud) -> None:
    key = f"arn:aws:kms:{ministack.REGION}:{ministack.ACCOUNT}:key/11111111-1111-1111-1111-111111111111"
    declared = (cloud.project / "backend.py").read_text()
    more = f'Secret("items/own", variable="OWN", encryption_key="{key}")'
    cloud.edit("backend.py", "secrets=[config]", f"secrets=[config, {more}]")
    try:
        made = cloud.taxiway("secrets", "set", "items/own", "one", "--stage", "dev", stdin="hunter2")
    finally:
        (cloud.project / "backend.py").write_text(declared)
    assert made.returncode == 0, made.stderr
    assert cloud.client("secretsmanager").describe_secret(SecretId="items/own")["KmsKeyId"] == key


def test_logs_are_of_the_functions_that_are_named(cloud: Cloud) -> None:
    health(cloud)
    shown = cloud.taxiway("logs", "health")
    unknown = cloud.taxiway("logs", "helth")

    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} \[health\] .*RequestId", shown.stdout, re.MULTILINE)
    assert {line.split()[1] for line in shown.stdout.splitlines()} == {"[health]"}
    assert "There is no function helth" in unknown.stderr
    assert shown.stdout in cloud.taxiway("logs", "health", "--since", "99999999d").stdout  # from before there was time


def test_logs_go_on_as_they_come(cloud: Cloud) -> None:
    def starts(lines: list[str]) -> int:
        return sum("START" in line for line in lines)

    health(cloud)
    since = ("--since", "2h")  # both of all that there is: no line grows too old between the two
    before = starts(cloud.taxiway("logs", "health", *since).stdout.splitlines())
    command = [sys.executable, "-m", "taxiway", "logs", "health", "--follow", *since]
    with subprocess.Popen(command, cwd=cloud.project, env=cloud.environment, stdout=subprocess.PIPE, text=True) as tail:
        never = threading.Timer(180, tail.kill)  # so that a line that never comes is a failure
        never.start()
        assert tail.stdout is not None
        lines = [tail.stdout.readline()]  # it is there
        health(cloud)
        while starts(lines) <= before and (line := tail.stdout.readline()):
            lines.append(line)
        tail.send_signal(signal.SIGINT)
        assert tail.wait(60) == 130
        never.cancel()
    assert starts(lines) == before + 1


def files(cloud: Cloud, prefix: str) -> set[str]:
    found = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"] for each in found.get("Contents", [])}


def test_the_files_of_a_stage_are_under_its_name_and_those_that_its_functions_run_are_there(cloud: Cloud) -> None:
    template = cloud.client("cloudformation").get_template(StackName="items-dev")["TemplateBody"]
    found = template if isinstance(template, dict) else json.loads(template)
    packages = {
        resource["Properties"]["Code"]["S3Key"]
        for resource in found["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }

    assert packages
    assert packages <= files(cloud, "items/dev/")


def test_a_sweep_deletes_what_is_old_and_not_needed_of_one_stage_alone(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    account = Account(ministack.ACCOUNT, ministack.REGION, "somebody", new_session(ministack.REGION))
    for key in ("items-x/needed", "items-x/old", "items-xy/another's"):
        cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    keep = {"items-x/needed"}

    assert sweep(account, BUCKET, "items-x/", keep=keep, older_than=KEPT) == 0
    assert files(cloud, "items-x") == {"items-x/needed", "items-x/old", "items-xy/another's"}
    assert sweep(account, BUCKET, "items-x/", keep=keep) == 1
    assert files(cloud, "items-x") == {"items-x/needed", "items-xy/another's"}


def test_a_protected_stage_is_not_destroyed(cloud: Cloud) -> None:
    stage_file(cloud.project, "prod")
    refused = cloud.taxiway("destroy", "--stage", "prod", "--yes")

    assert refused.returncode == 1
    assert "The stage prod is protected. Nothing was deleted." in refused.stderr


def test_a_stack_of_another_backend_that_is_called_alike_is_not_destroyed(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    tags = [{"Key": "taxiway:backend", "Value": "items-of"}, {"Key": "taxiway:stage", "Value": "another"}]
    client.create_stack(StackName="items-of-another", TemplateBody=body, Tags=tags)
    stage_file(cloud.project, "of-another")
    try:
        for command in (("destroy", "--yes"), ("outputs",)):
            refused = cloud.taxiway(*command, "--stage", "of-another")
            assert refused.returncode == 1, refused.stdout
            assert "has the tag taxiway:backend=items-of; this one's is items." in refused.stderr
        assert client.describe_stacks(StackName="items-of-another")["Stacks"]
    finally:
        client.delete_stack(StackName="items-of-another")


def test_a_stack_that_somebody_made_by_hand_is_not_changed_and_not_destroyed(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "uploads-by-hand"}}
    client.create_stack(StackName="items-by-hand", TemplateBody=json.dumps({"Resources": {"Uploads": bucket}}))
    stage_file(cloud.project, "by-hand")
    try:
        for command in (("deploy", "--yes"), ("diff",), ("destroy", "--yes")):
            building = () if command[0] == "destroy" else ("--host-packages",)
            refused = cloud.taxiway(*command, *building, "--stage", "by-hand")
            assert refused.returncode == 1, refused.stdout
            assert "The stack items-by-hand has no tag taxiway:backend: Taxiway did not create it." in refused.stderr
        assert cloud.client("s3").head_bucket(Bucket="uploads-by-hand")
    finally:
        client.delete_stack(StackName="items-by-hand")


def test_a_stage_is_destroyed_by_who_says_so_and_then_nothing_is_left(cloud: Cloud) -> None:
    asked = cloud.taxiway("destroy")
    assert asked.returncode == 1
    assert "Nothing was deleted" in asked.stderr
    assert health(cloud)

    done = cloud.taxiway("destroy", "--yes")
    assert done.returncode == 0, done.stderr
    assert "deleted     API items-dev" in done.stdout
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert files(cloud, "items/dev/") == set()
    assert cloud.taxiway("destroy", "--yes").stdout.endswith("There is no items-dev on AWS.\n")
    assert "There is no items-dev on AWS." in cloud.taxiway("outputs").stderr
