"""A backend with so many functions that they are in nested stacks: what changes in those is said, and asked about."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.aws import backends, ministack
from tests.aws.documented import ACCOUNT, REGION, CloudFormation, stack, stack_id

from taxiway import Backend, Function, HttpApi, StreamConsumer, Table
from taxiway.aws.deploying import deployed_stack, deployment, removal, resource_changes, upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError
from taxiway.aws.template.assembly import Assembly, File
from taxiway.aws.template.synthesis import synthesize
from taxiway.declare import names

ROOT_SET = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/my-root-stack-change-set/4eca1a01-e285-1111-8026-9a19"
NESTED_SET = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/my-nested-stack-change-set/4eca1a01-e285-2222-8026"

CHILD = {
    "Action": "Modify",
    "LogicalResourceId": "ChildStack",
    "PhysicalResourceId": stack_id("my-nested-stack"),
    "ResourceType": "AWS::CloudFormation::Stack",
    "Replacement": "False",
    "ChangeSetId": NESTED_SET,
    "Scope": ["Properties"],
    "Details": [
        {
            "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
            "Evaluation": "Dynamic",
            "ChangeSource": "Automatic",
        }
    ],
}
TIMEOUT = {
    "Action": "Modify",
    "LogicalResourceId": "function",
    "PhysicalResourceId": "my-function",
    "ResourceType": "AWS::Lambda::Function",
    "Replacement": "False",
    "Scope": ["Properties"],
    "Details": [
        {
            "Target": {"Attribute": "Properties", "Name": "Timeout", "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ],
}
"""As in https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html"""

FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "my-function", "Timeout": 3}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "my-function-failures"}}


def described(
    *resource_changes: Mapping[str, Any], status: str = "CREATE_COMPLETE", reason: str = ""
) -> dict[str, Any]:
    return {
        "Changes": [{"Type": "Resource", "ResourceChange": change} for change in resource_changes],
        "Status": status,
        "StatusReason": reason,
    }


def planned(
    directory: Path,
    root: Mapping[str, Any],
    nested: Mapping[str, Any],
    *,
    deployed: Mapping[str, Any],
    new: Mapping[str, Any] | None,
) -> deployment.Plan:
    """The plan of a stack with a nested one, whose change sets CloudFormation describes so."""
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Sub": "https://s3/b/1234.json"}}}
    files = [directory / "root.json", directory / "child.json"]
    files[0].write_text(json.dumps({"Resources": {"ChildStack": child} if new is not None else {}}))
    files[1].write_text(json.dumps({"Resources": new or {}}))
    root_file, child_file = File(files[0], "abcd.json"), File(files[1], "1234.json")
    assembly = Assembly(
        stack="my-root-stack", bucket="bucket", prefix="my/", template=root_file, files=(root_file, child_file), tags={}
    )
    templates = {
        "my-root-stack": {"Resources": {"ChildStack": child}},
        stack_id("my-nested-stack"): {"Resources": deployed},
    }
    sets = {ROOT_SET: root, NESTED_SET: nested}
    aws = CloudFormation(
        DescribeStacks=stack("my-root-stack", "UPDATE_COMPLETE"),
        CreateChangeSet={"Id": ROOT_SET, "StackId": stack_id("my-root-stack")},
        DescribeChangeSet=lambda asked: sets[asked["ChangeSetName"]],
        GetTemplate=lambda asked: {"TemplateBody": json.dumps(templates[asked["StackName"]])},
    )
    plan = deployment.plan(aws.account, assembly, print)
    assert plan is not None
    return plan


def test_what_changes_in_a_nested_stack_is_said_and_the_stack_around_it_only_follows(tmp_path: Path) -> None:
    nested = described(TIMEOUT, reason="Executable from root change set")
    new = {"function": {**FUNCTION, "Properties": {**FUNCTION["Properties"], "Timeout": 5}}}
    plan = planned(tmp_path, described(CHILD), nested, deployed={"function": FUNCTION}, new=new)

    assert resource_changes.report(plan.changes) == [
        "  change       function   my-function  timeout",
        "  and 1 that follows from these",
    ]
    assert plan.names["function"] == "my-function"


def test_a_queue_that_is_deleted_or_replaced_in_a_nested_stack_is_asked_about(tmp_path: Path) -> None:
    queue = {"LogicalResourceId": "queue", "PhysicalResourceId": "https://q", "ResourceType": "AWS::SQS::Queue"}
    deleted = described(queue | {"Action": "Remove", "PolicyAction": "Delete"})
    replaced = described(queue | {"Action": "Modify", "Replacement": "True", "PolicyAction": "ReplaceAndDelete"})
    both = {"function": FUNCTION, "queue": QUEUE}

    gone = planned(tmp_path, described(CHILD), deleted, deployed=both, new={"function": FUNCTION})
    other = planned(tmp_path, described(CHILD), replaced, deployed=both, new=both)
    assert resource_changes.losses(gone.changes) == ["The queue my-function-failures is deleted; its data is lost."]
    assert resource_changes.losses(other.changes) == [
        "The queue my-function-failures is replaced by an empty one; its data is lost."
    ]


def test_a_nested_stack_that_goes_takes_all_that_is_in_it_along(tmp_path: Path) -> None:
    gone = {key: CHILD[key] for key in ("LogicalResourceId", "PhysicalResourceId", "ResourceType")}
    root = described(gone | {"Action": "Remove"})
    plan = planned(tmp_path, root, {}, deployed={"function": FUNCTION, "queue": QUEUE}, new=None)

    assert resource_changes.report(plan.changes) == [
        "  delete       function       my-function",
        "  delete       nested stack   ChildStack",
        "  delete       queue          my-function-failures  (its data is lost)",
    ]
    assert resource_changes.losses(plan.changes) == ["The queue my-function-failures is deleted; its data is lost."]


def test_a_nested_stack_in_which_nothing_changes_says_nothing(tmp_path: Path) -> None:
    reason = "The submitted information didn't contain changes. Submit different information to create a change set."
    nested = described(status="FAILED", reason=reason)
    plan = planned(tmp_path, described(CHILD), nested, deployed={"function": FUNCTION}, new={"function": FUNCTION})

    assert resource_changes.report(plan.changes) == ["  and 1 that follows from these"]


def test_a_nested_stack_that_can_not_be_planned_takes_the_whole_plan_back(tmp_path: Path) -> None:
    nested = described(status="FAILED", reason="Resource of type 'AWS::SQS::Queue' with identifier 'q' already exists.")
    with pytest.raises(AwsError, match=r"can't plan this deployment: .* identifier 'q' already exists"):
        planned(tmp_path, described(CHILD), nested, deployed={"function": FUNCTION}, new={"function": FUNCTION})


def backend_of(*routes: str, consumes: bool) -> Backend:
    """A backend with a function for each route, and one that consumes changes."""
    api = HttpApi()
    for route in routes:
        api.get(f"/{route}", backends.answer, function=Function(name=route))
    consumers = [StreamConsumer(backends.answer, Function(name="changes"))] if consumes else []
    return Backend("many", api=api, table=Table(consumers=consumers))


def deploy(account: Account, backend: Backend, directory: Path, *, execute: bool) -> deployment.Plan:
    directory.mkdir()
    packages = backends.packages(backend, directory)
    assembly = synthesize(backend, ministack.STAGE, packages=packages, directory=directory)
    assert assembly.has_nested
    upload.ensure_bucket(account, assembly.bucket, print)
    upload.upload(account, assembly)
    plan = deployment.plan(account, assembly, print)
    assert plan is not None
    if execute:
        deployment.execute(account, assembly, plan, protect=False, say=print)
    else:
        deployment.discard(account, plan)
    return plan


def functions_of(backend: Backend) -> set[str]:
    return {names.function(backend, ministack.STAGE, function) for function in backend.functions}


def functions_that(plan: deployment.Plan, action: str) -> set[str]:
    return {change.name for change in plan.changes if (change.action, change.kind) == (action, "function")}


@pytest.mark.synth
def test_on_ministack_the_functions_and_the_data_of_nested_stacks_are_named(account: Account, tmp_path: Path) -> None:
    """It plans no nested stacks, so the templates are compared: docs/how-to/deploying.md says so."""
    routes = [f"route-{number}" for number in range(40)]
    before = backend_of(*routes, consumes=True)
    after = backend_of(*routes[1:], "route-new", consumes=False)
    first = deploy(account, before, tmp_path / "first", execute=True)
    plan = deploy(account, after, tmp_path / "second", execute=False)

    was, becomes = functions_of(before), functions_of(after)
    assert functions_that(first, "add") == was
    assert functions_that(plan, "delete") == was - becomes
    assert functions_that(plan, "add") == becomes - was
    logs = {change.name for change in plan.changes if (change.action, change.kind) == ("delete", "log group")}
    assert logs == {f"/aws/lambda/{name}" for name in was - becomes}
    queue = names.failures(before, ministack.STAGE, before.functions[-1])
    assert resource_changes.losses(plan.changes) == [f"The queue {queue} is deleted; its data is lost."]
    assert f"the queue {queue}" in deployed_stack.data_in(account, "many-dev")

    said: list[str] = []
    stack = deployed_stack.find(account, "many-dev")
    assert stack is not None
    removal.destroy(account, stack, said.append)
    assert any("deleted     nested stack Functions" in line for line in said)
    assert not any("created" in line for line in said)  # that was before, and is not told again


def released(code: str, *actions: str) -> dict[str, Any]:
    """A function that CodeDeploy releases, with what its role may do with a table."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": ["arn:aws:dynamodb:us-west-2:1:table/t"]}
    properties = {"FunctionName": "my-function", "Role": {"Fn::GetAtt": ["role", "Arn"]}, "Code": {"S3Key": code}}
    return {
        "role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]},
        },
        "function": {"Type": "AWS::Lambda::Function", "Properties": properties},
        "alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "function"}},
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {}},
        },
    }


def test_what_breaks_meanwhile_in_a_nested_stack_is_told_too(tmp_path: Path) -> None:
    old, new = released("a.zip", "dynamodb:GetItem", "dynamodb:PutItem"), released("b.zip", "dynamodb:GetItem")
    plan = planned(tmp_path, described(CHILD), described(TIMEOUT), deployed=old, new=new)

    (caution,) = plan.cautions
    assert caution.startswith("The function my-function loses dynamodb:PutItem on table/t before its new code")
