"""A deployment that fails names the resource and the reason, says what is left, and what to do: on MiniStack where it
can fail so, and else with what AWS documents."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from time import sleep
from typing import Any

import pytest
from msgspec import structs
from tests.aws import ministack
from tests.aws.documented import TAGS, CloudFormation, stack, stack_id
from tests.aws.proxy import Proxy, before

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, deployment, removal, resource_changes, upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.deployment import Plan
from taxiway.aws.deploying.progress import Kept
from taxiway.aws.deploying.steps import Step, steps
from taxiway.aws.errors import AwsError
from taxiway.aws.template.assembly import Assembly, File

CHANGE_SET = "arn:aws:cloudformation:us-west-2:123456789012:changeSet/c/1"
EMPTY: dict[str, Any] = {"Resources": {}}
PLAN = Plan(CHANGE_SET, stack_id("items-prod"), False, EMPTY, (Step(EMPTY),), (), {})
AT = datetime(2026, 1, 1, tzinfo=UTC)

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
REFUSED = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "slow", "Metrics": [{"Id": "m"}]}}
"""Metric math, which MiniStack's CloudFormation refuses when it comes to it."""


def event(logical: str, type_: str, status: str, reason: str = "", *, of: str = "items-prod") -> dict[str, Any]:
    """An event of a stack; where it is the stack's own, it is called as the stack."""
    return {
        "StackId": stack_id(of),
        "StackName": of,
        "EventId": str(uuid.uuid4()),
        "LogicalResourceId": logical,
        "PhysicalResourceId": stack_id(logical) if type_ == "AWS::CloudFormation::Stack" else f"the-{logical}",
        "ResourceType": type_,
        "ResourceStatus": status,
        "Timestamp": AT,
    } | ({"ResourceStatusReason": reason} if reason else {})


def executed(*events: Mapping[str, Any], ends: str, said: list[str] | None = None) -> str:
    """What a deployment says in the end whose stack has these events, the oldest first."""
    ordered = [{**each, "Timestamp": AT + timedelta(seconds=number)} for number, each in enumerate(events, 1)]
    begun: list[bool] = []

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        of_it = [each for each in ordered if each["StackId"] == asked["StackName"]] if begun else []
        return {"StackEvents": of_it[::-1]}  # the newest first

    def execute(_: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.append(True)
        return {}

    aws = CloudFormation(DescribeStacks=stack("items-prod", ends), DescribeStackEvents=answer, ExecuteChangeSet=execute)
    say = (said if said is not None else []).append
    with pytest.raises(AwsError) as failed:
        deployment.execute(aws.account, assembly_of(Path(mkdtemp()), "s", {}), PLAN, protect=False, say=say)
    return str(failed.value)


STACK, TABLE, ROLE = "AWS::CloudFormation::Stack", "AWS::DynamoDB::Table", "AWS::IAM::Role"
SECRET = "AWS::SecretsManager::Secret"


def test_an_update_that_is_taken_back_names_who_failed_and_not_who_was_stopped_by_it() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html"""
    said: list[str] = []
    text = executed(
        event("items-prod", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        event("Table", TABLE, "UPDATE_IN_PROGRESS"),
        event("Role", ROLE, "UPDATE_IN_PROGRESS"),
        event("Table", TABLE, "UPDATE_FAILED", "Size cannot be reduced"),
        event("Role", ROLE, "UPDATE_FAILED", "Resource update cancelled"),
        event(
            "items-prod", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [Table]."
        ),
        event("Table", TABLE, "UPDATE_COMPLETE"),
        event("items-prod", STACK, "UPDATE_ROLLBACK_COMPLETE"),
        ends="UPDATE_ROLLBACK_COMPLETE",
        said=said,
    )

    assert text == (
        "The deployment failed; the stage is as it was before.\n\n  table Table: Size cannot be reduced\n\n"
        "Fix: fix the cause above, and deploy again"
    )
    assert said == [
        "  failed      table Table",
        "  failed      role Role",
        "  CloudFormation rolls back.",
        "  updated     table Table",
    ]


def test_a_failure_in_a_nested_stack_is_told_by_its_own_resource() -> None:
    inner = "items-prod-Functions1-1ABC"
    around = f"Embedded stack {stack_id(inner)} was not successfully updated: The following resource(s) failed: [Role]."
    text = executed(
        event("items-prod", STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        event("Functions1", STACK, "UPDATE_IN_PROGRESS") | {"PhysicalResourceId": stack_id(inner)},
        event(inner, STACK, "UPDATE_IN_PROGRESS", of=inner),
        event("Role", ROLE, "UPDATE_FAILED", "Maximum policy size of 10240 bytes exceeded", of=inner),
        event("Functions1", STACK, "UPDATE_FAILED", around) | {"PhysicalResourceId": stack_id(inner)},
        ends="UPDATE_ROLLBACK_COMPLETE",
    )

    assert text.split("\n\n")[1] == "  role Role: Maximum policy size of 10240 bytes exceeded"


@pytest.mark.parametrize(
    ("ends", "left", "fix"),
    [
        ("ROLLBACK_COMPLETE", "which the next deployment removes", "and deploy again"),
        ("ROLLBACK_FAILED", "the next deployment removes the stack, and lists what remains", "and deploy again"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "some resources are new, others as before",
            "run `aws cloudformation continue-update-rollback --stack-name items-prod`, and deploy again",
        ),
    ],
)
def test_what_is_left_and_what_to_do_follow_from_how_it_ended(ends: str, left: str, fix: str) -> None:
    begun = event("items-prod", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
    text = executed(begun, ends=ends)

    assert left in text
    assert f"Fix: fix the cause above, {fix}" in text
    assert f"CloudFormation ended with {ends}: User Initiated" in text  # it says so of no resource


@pytest.mark.parametrize(
    ("status", "problem", "fix"),
    [
        ("UPDATE_IN_PROGRESS", "is being changed by somebody else (UPDATE_IN_PROGRESS)", "wait until that has ended"),
        ("DELETE_IN_PROGRESS", "is being changed by somebody else (DELETE_IN_PROGRESS)", "wait until that has ended"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "is stuck in UPDATE_ROLLBACK_FAILED: why",
            "continue-update-rollback --stack-name s",
        ),
        ("DELETE_FAILED", "is stuck in DELETE_FAILED: why", "delete the stack"),
    ],
)
def test_a_stack_that_can_not_be_changed_now_is_refused_and_left_alone(
    tmp_path: Path, status: str, problem: str, fix: str
) -> None:
    aws = CloudFormation(DescribeStacks=stack("s", status, StackStatusReason="why"))
    with pytest.raises(AwsError) as refused:
        deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)

    assert problem in refused.value.problem
    assert fix in refused.value.fix
    assert aws.called == ["DescribeStacks"]


@pytest.mark.parametrize("ends", ["failed", "credentials"])
def test_a_change_set_that_can_not_be_planned_is_taken_back(tmp_path: Path, ends: str) -> None:
    expired = {"Error": {"Code": "ExpiredToken", "Message": "The security token included in the request is expired"}}
    failed = {"Status": "FAILED", "StatusReason": "Transform AWS::Serverless-2016-10-31 failed with: Internal error"}
    aws = CloudFormation(
        DescribeStacks={"Error": {"Code": "ValidationError", "Message": "Stack with id s does not exist"}},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet=failed if ends == "failed" else expired,
        DeleteChangeSet={"Error": {"Code": "AccessDenied", "Message": "not allowed"}} if ends == "credentials" else {},
    )
    with pytest.raises(AwsError) as refused, accounts.plainly():
        deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)

    words = {
        "failed": "can't plan this deployment: Transform AWS::Serverless",
        "credentials": "credentials have expired",
    }
    # What takes it back fails too where credentials have expired, which hides nothing.
    assert words[ends] in refused.value.problem
    assert aws.called[-1] == "DeleteChangeSet"
    assert "DeleteStack" not in aws.called  # another's first deployment may be making it


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_nested_stack_can_not_be_planned_for_is_told(tmp_path: Path, is_there: bool) -> None:
    """As https://github.com/aws/aws-sam-cli/issues/2406 has it."""
    inner = "arn:aws:cloudformation:us-west-2:123456789012:changeSet/taxiway-1-Functions1-XBVUQ6I0JZWD/70d48f2d"
    around = {
        "Status": "FAILED",
        "StatusReason": f"Nested change set {inner} was not successfully created: Currently in FAILED.",
    }
    within = {"Status": "FAILED", "StackName": "s-Functions1-XBVU", "StatusReason": "Unresolved dependencies [Role]"}
    gone = {"Error": {"Code": "ChangeSetNotFound", "Message": "ChangeSet does not exist"}}
    aws = CloudFormation(
        DescribeStacks=stack("s", "UPDATE_COMPLETE"),
        GetTemplate={"TemplateBody": json.dumps(EMPTY)},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet=lambda asked: (within if is_there else gone) if asked["ChangeSetName"] == inner else around,
    )
    with pytest.raises(AwsError) as refused:
        deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)

    told = "s-Functions1-XBVU: Unresolved dependencies [Role]" if is_there else around["StatusReason"]
    assert refused.value.problem == f"CloudFormation can't plan this deployment: {told}"
    assert aws.called[-1] == "DeleteChangeSet"


GONE = {"Error": {"Code": "ChangeSetNotFound", "Message": "ChangeSet [taxiway-1] does not exist"}}
OBSOLETE = {
    "Error": {"Code": "InvalidChangeSetStatus", "Message": "cannot be executed in its current status of [OBSOLETE]"}
}


@pytest.mark.parametrize(
    ("when", "gone"),
    [("planned", GONE), ("executed", GONE), ("executed", OBSOLETE)],
    ids=["planned", "executed", "late"],
)
def test_who_deploys_a_new_stage_at_the_same_time_as_another_takes_nothing_of_it_away(
    tmp_path: Path, when: str, gone: Mapping[str, Any]
) -> None:
    """CloudFormation deletes the change sets of a stack when one of them is executed, and else calls them obsolete.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
    """
    there = iter([{"Error": {"Code": "ValidationError", "Message": "Stack with id s does not exist"}}])
    aws = CloudFormation(
        DescribeStacks=lambda _: next(there, stack("s", "CREATE_IN_PROGRESS")),
        DescribeStackEvents={"StackEvents": []},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet=gone if when == "planned" else {"Status": "CREATE_COMPLETE", "Changes": []},
        ExecuteChangeSet=gone,
    )

    def deploy_it() -> None:
        assembly = assembly_of(tmp_path, "s", {})
        plan = deployment.plan(aws.account, assembly, print)
        assert plan is not None
        deployment.execute(aws.account, assembly, plan, protect=False, say=print)

    with pytest.raises(AwsError, match="Somebody else deployed this stage meanwhile"):
        deploy_it()
    assert "DeleteStack" not in aws.called


def test_a_plan_that_is_taken_back_while_somebody_else_deploys_is_theirs_to_drop() -> None:
    busy = {"Error": {"Code": "InvalidChangeSetStatus", "Message": "the stack status is UPDATE_IN_PROGRESS"}}
    with pytest.raises(AwsError, match="Somebody else deployed this stage meanwhile"):
        deployment.discard(CloudFormation(DeleteChangeSet=busy).account, PLAN)


def assembly_of(directory: Path, name: str, resources: Mapping[str, Any]) -> Assembly:
    """A stack of these resources and nothing else."""
    template = directory / f"{name}.template.json"
    template.write_text(json.dumps({"Resources": resources}))
    file = File(template, f"{uuid.uuid4()}.json")
    bucket = f"taxiway-{ministack.ACCOUNT}-{ministack.REGION}"
    return Assembly(stack=name, bucket=bucket, prefix="s/", template=file, files=(file,), tags=TAGS)


def deploy(account: Account, directory: Path, name: str, resources: Mapping[str, Any], say: Say) -> None:
    assembly = assembly_of(directory, name, resources)
    upload.ensure_bucket(account, assembly.bucket, say)
    upload.upload(account, assembly)
    plan = deployment.plan(account, assembly, say)
    assert plan is not None
    deployment.execute(account, assembly, plan, protect=False, say=say)


@pytest.mark.parametrize(
    ("removed", "left"), [("DELETE_COMPLETE", None), ("DELETE_FAILED", "could not be deleted completely")]
)
def test_what_a_first_deployment_left_is_removed_by_the_next_one(
    tmp_path: Path, removed: str, left: str | None
) -> None:
    """MiniStack leaves nothing, for it deletes whatever is to be deleted."""
    statuses = iter(["ROLLBACK_FAILED", removed])
    aws = CloudFormation(
        DescribeStacks=lambda _: stack("s", next(statuses)),
        DescribeStackEvents={"StackEvents": []},
        GetTemplate={"TemplateBody": "{}"},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet={"Status": "CREATE_COMPLETE", "Changes": []},
    )
    said: list[str] = []
    if left is None:
        plan = deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), said.append)
        assert plan is not None
        assert plan.is_new
        assert aws.called[-2:] == ["CreateChangeSet", "DescribeChangeSet"]
    else:
        with pytest.raises(AwsError, match=left):
            deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), said.append)
        assert "CreateChangeSet" not in aws.called

    assert said == ["Removing the stack s, which a failed first deployment left."]
    assert "DeleteStack" in aws.called


SECRET_ID = "arn:aws:secretsmanager:us-west-2:123456789012:secret:items/prod-Ab12Cd"


def test_what_stays_of_a_first_deployment_is_named_before_anything_else_is_made(tmp_path: Path) -> None:
    """RetainExceptOnCreate is of the rollback alone: what that could not delete, a later DeleteStack retains."""
    statuses = iter(["ROLLBACK_FAILED", "DELETE_COMPLETE"])
    skipped = [
        event("Table", TABLE, "DELETE_SKIPPED", of="s") | {"PhysicalResourceId": "items-prod"},
        event("Secret", SECRET, "DELETE_SKIPPED", of="s") | {"PhysicalResourceId": SECRET_ID},
        event("Role", ROLE, "DELETE_COMPLETE", of="s"),
    ]
    begun: list[str] = []
    aws = CloudFormation(
        DescribeStacks=lambda _: stack("s", next(statuses)),
        DescribeStackEvents=lambda _: {"StackEvents": skipped[::-1] if begun else []},
        GetTemplate={"TemplateBody": "{}"},
        DeleteStack=lambda _: begun.append("deleted") or {},
    )
    with pytest.raises(AwsError) as refused:
        deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)

    assert str(refused.value) == (
        "The stack s was removed, but resources that it keeps still exist and block a new one:\n\n"
        "  table items-prod\n"
        "  secret items/prod\n\n"
        "Fix: check that you don't need their data, delete them, and deploy again\n"
        "  aws dynamodb delete-table --table-name items-prod --region us-west-2\n"
        f"  aws secretsmanager delete-secret --secret-id {SECRET_ID} --region us-west-2 --force-delete-without-recovery"
    )
    assert "CreateChangeSet" not in aws.called


BACKEND, STAGE = "taxiway:backend", "taxiway:stage"


@pytest.mark.parametrize("status", ["ROLLBACK_FAILED", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({**TAGS, BACKEND: "another"}, "has the tag taxiway:backend=another; this one's is shop"),
        ({**TAGS, STAGE: "another"}, "has the tag taxiway:stage=another; this one's is prod"),
        ({STAGE: "prod"}, "has no tag taxiway:backend: Taxiway did not create it"),
        ({BACKEND: "shop"}, "has no tag taxiway:stage: Taxiway did not create it"),
        ({}, "has no tag taxiway:backend: Taxiway did not create it"),
    ],
)
def test_a_stack_that_is_not_this_stages_is_refused_and_left_alone(
    tmp_path: Path, status: str, tags: Mapping[str, str], problem: str
) -> None:
    of_another = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws = CloudFormation(DescribeStacks=stack("s", status, Tags=of_another))

    with pytest.raises(AwsError, match=problem):
        deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)
    assert aws.called == ["DescribeStacks"]


def test_a_stack_that_was_only_planned_has_nothing_in_it_and_needs_no_tags(tmp_path: Path) -> None:
    """Its tags come with the change set, when that is executed."""
    aws = CloudFormation(
        DescribeStacks=stack("s", "REVIEW_IN_PROGRESS", Tags=[]),
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet={"Status": "CREATE_COMPLETE", "Changes": []},
    )
    plan = deployment.plan(aws.account, assembly_of(tmp_path, "s", {}), print)

    assert plan is not None
    assert plan.is_new


def test_a_stack_that_was_only_planned_is_removed_without_the_template_that_it_has_not() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html"""
    aws = CloudFormation(
        DescribeStacks=stack("s", "DELETE_COMPLETE"),
        DescribeStackEvents={"StackEvents": []},
        GetTemplate={"Error": {"Code": "ValidationError", "Message": "Template does not exist"}},
    )
    [planned] = stack("s", "REVIEW_IN_PROGRESS")["Stacks"]

    assert removal.destroy(aws.account, planned, print) == []
    assert "DeleteStack" in aws.called


def test_a_table_that_can_not_be_protected_leaves_a_stage_that_is_deployed_and_says_so(tmp_path: Path) -> None:
    refused = event("Table", TABLE, "UPDATE_FAILED", "not authorized to perform: dynamodb:UpdateTable", of="s")
    executed: list[Mapping[str, Any]] = []
    there = {"Table": protected_table("s")}
    first, last = steps({}, {"Resources": there})
    aws = CloudFormation(
        DescribeStacks=lambda _: stack("s", "UPDATE_ROLLBACK_COMPLETE" if len(executed) > 1 else "CREATE_COMPLETE"),
        GetTemplate={"TemplateBody": json.dumps(first.template)},
        CreateChangeSet={"Id": CHANGE_SET, "StackId": stack_id("s")},
        DescribeChangeSet={"Status": "CREATE_COMPLETE", "Changes": []},
        DescribeStackEvents=lambda _: {"StackEvents": [refused] if len(executed) > 1 else []},
        DescribeTable={"Table": {"TableStatus": "ACTIVE"}},
        ExecuteChangeSet=lambda asked: executed.append(asked) or {},
    )
    plan = Plan(CHANGE_SET, stack_id("s"), True, {}, (first, last), (), {"Table": "s"})
    with pytest.raises(AwsError) as failed:
        deployment.execute(aws.account, assembly_of(tmp_path, "s", there), plan, protect=True, say=print)

    assert str(failed.value) == (
        "s is deployed, except for a later step: the new table s is protected against deletion.\n\n"
        "  table s: not authorized to perform: dynamodb:UpdateTable\n\n"
        "Fix: fix the cause above, and deploy again"
    )
    assert "UpdateTerminationProtection" in aws.called  # the stage is there, and protected as it can be


def protected_table(name: str) -> dict[str, Any]:
    """As a protected stage has it."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "TableName": name,
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
        },
    }


def is_protected(account: Account, name: str) -> bool:
    return account.client("dynamodb").describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"]


def deployed_template(account: Account, name: str) -> dict[str, Any]:
    body = account.client("cloudformation").get_template(StackName=name)["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


@pytest.mark.synth
class TestOnMiniStack:
    @pytest.mark.parametrize("first", [True, False], ids=["the first deployment", "a later one"])
    def test_a_new_table_goes_with_the_deployment_that_fails_and_the_next_one_makes_and_protects_it(
        self, account: Account, tmp_path: Path, first: bool
    ) -> None:
        """On AWS a protected one would stay; MiniStack would delete it too, so its template is looked at."""
        name = f"kept-{first}".lower()
        said: list[str] = []
        if not first:
            deploy(account, tmp_path, name, {"Topic": TOPIC}, said.append)
        fails = {"Topic": TOPIC, "Table": protected_table(name), "Slow": {**REFUSED, "DependsOn": "Table"}}
        with pytest.raises(AwsError, match="only an empty stack is left" if first else "the stage is as it was before"):
            deploy(account, tmp_path, name, fails, said.append)

        assert f"  deleted     table {name}" in said
        if first:
            made = deployed_template(account, name)["Resources"]["Table"]
            assert made["Properties"] == {**protected_table(name)["Properties"], "DeletionProtectionEnabled": False}
        assert name not in account.client("dynamodb").list_tables()["TableNames"]

        wanted = {"Topic": TOPIC, "Table": protected_table(name)}
        said.clear()
        deploy(account, tmp_path, name, wanted, said.append)
        assert f"  updated     table {name}" in said
        assert is_protected(account, name)
        assert deployed_template(account, name) == {"Resources": wanted}

    def test_a_table_whose_protection_was_interrupted_is_protected_by_the_next_deployment(
        self, account: Account, tmp_path: Path
    ) -> None:
        assembly = assembly_of(tmp_path, "halfway", {"Table": protected_table("halfway")})
        upload.ensure_bucket(account, assembly.bucket, print)
        upload.upload(account, assembly)
        plan = deployment.plan(account, assembly, print)
        assert plan is not None
        halfway = structs.replace(plan, steps=plan.steps[:1])
        deployment.execute(account, assembly, halfway, protect=False, say=print)
        assert not is_protected(account, "halfway")

        rest = deployment.plan(account, assembly, print)
        assert rest is not None
        assert resource_changes.report(rest.changes) == ["  change       table   halfway  deletion protection enabled"]
        deployment.execute(account, assembly, rest, protect=False, say=print)
        assert is_protected(account, "halfway")
        assert deployment.plan(account, assembly, print) is None

    def test_an_update_that_fails_leaves_the_stage_as_it_was(self, account: Account, tmp_path: Path) -> None:
        said: list[str] = []
        deploy(account, tmp_path, "updated", {"Topic": TOPIC}, said.append)
        with pytest.raises(AwsError) as failed:
            deploy(account, tmp_path, "updated", {"Topic": TOPIC, "Slow": REFUSED}, said.append)

        assert failed.value.problem.startswith(
            "The deployment failed; the stage is as it was before.\n\n  alarm slow: "
        )
        assert "metric math" in failed.value.problem
        assert "  CloudFormation rolls back." in said
        found = deployed_stack.find(account, "updated")
        assert found is not None
        assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        deploy(account, tmp_path, "updated", {"Topic": TOPIC, "More": {"Type": "AWS::SNS::Topic"}}, said.append)

    def test_a_stack_that_can_not_be_deleted_whole_names_what_stayed(self, account: Account, tmp_path: Path) -> None:
        network = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}
        deploy(account, tmp_path, "full", {"Network": network, "Topic": TOPIC}, print)
        ec2 = account.client("ec2")
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.7.0.0/16"]}])["Vpcs"]
        subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
        found = deployed_stack.find(account, "full")
        assert found is not None
        with pytest.raises(AwsError) as failed:
            removal.destroy(account, found, print)
        with pytest.raises(AwsError, match=r"is stuck in DELETE_FAILED: .*\[Network\].*\nFix: delete the stack"):
            deploy(account, tmp_path, "full", {"Topic": TOPIC}, print)

        assert failed.value.problem.startswith("The stack full could not be deleted completely.\n\n  vpc Network: ")
        assert "DependencyViolation" in failed.value.problem
        ec2.delete_subnet(SubnetId=subnet)
        removal.destroy(account, found, print)
        assert deployed_stack.find(account, "full") is None

    def test_what_a_stack_keeps_is_said_and_returned_when_it_is_deleted(self, account: Account, tmp_path: Path) -> None:
        table = protected_table("lasting")
        table["Properties"]["DeletionProtectionEnabled"] = False
        deploy(account, tmp_path, "lasting", {"Table": table, "Topic": TOPIC}, print)
        found = deployed_stack.find(account, "lasting")
        assert found is not None
        said: list[str] = []

        assert removal.destroy(account, found, said.append) == [Kept(TABLE, "lasting")]
        assert {"  kept        table lasting", "  deleted     topic news"} <= set(said)
        assert "lasting" in account.client("dynamodb").list_tables()["TableNames"]

    def test_what_is_throttled_is_tried_again(
        self, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with through(account, monkeypatch) as (proxy, throttled):
            for call in ("CreateChangeSet", "DescribeStackEvents"):
                proxy.fail(f"cloudformation:{call}", "Throttling", times=2)
            deploy(throttled, tmp_path, "throttled", {"Topic": TOPIC}, print)

        assert proxy.calls.count("cloudformation:CreateChangeSet") == 3
        found = deployed_stack.find(account, "throttled")
        assert found is not None
        assert found["StackStatus"] == "CREATE_COMPLETE"

    def test_credentials_that_expire_midway_end_the_command_and_not_the_deployment(
        self, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[str] = []
        with through(account, monkeypatch) as (proxy, expiring):
            proxy.fail("cloudformation:DescribeStackEvents", "ExpiredToken", after=1)  # the one before it begins
            with pytest.raises(AwsError) as ended, accounts.plainly():
                deploy(expiring, tmp_path, "expiring", {"Topic": TOPIC}, said.append)

        assert (
            str(ended.value)
            == "The credentials have expired: It was said so\nFix: log in again, as with `aws sso login`"
        )
        assert said[-1].startswith("CloudFormation continues")
        assert wait_for(account, "expiring") == "CREATE_COMPLETE"


@contextmanager
def through(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, Account]]:
    """A proxy before the account's MiniStack, and the account as it is reached through it."""
    with before(account.client("sts").meta.endpoint_url) as proxy, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy, accounts.connect(ministack.STAGE)


def wait_for(account: Account, name: str) -> str:
    """The status of a stack once nothing goes on in it."""
    for _ in range(100):
        found = deployed_stack.find(account, name)
        assert found is not None
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            break
        sleep(0.1)
    return found["StackStatus"]
