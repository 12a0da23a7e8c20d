"""A stage's stack on AWS: what would change, the change itself, what the stack puts out, and its end."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from taxiway.aws import changes, names, upload
from taxiway.aws.account import Account
from taxiway.aws.changes import Change
from taxiway.aws.errors import AwsError
from taxiway.aws.progress import Watch
from taxiway.aws.upload import Assembly
from taxiway.declare import Backend, Stage

_STACK = "AWS::CloudFormation::Stack"
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_NEW = frozenset({"REVIEW_IN_PROGRESS"})
_FAILED_AT_FIRST = frozenset({"ROLLBACK_COMPLETE"})

Say = Callable[[str], None]


class Plan(Struct, frozen=True):
    """A change set that waits to be executed, and what it would do."""

    id: str
    stack_id: str
    is_new: bool
    changes: tuple[Change, ...]
    names: dict[str, str]
    """What a person calls each resource, by its logical id."""


def find(account: Account, stack: str) -> Mapping[str, Any] | None:
    """The stack as DescribeStacks has it, or None."""
    client = account.client("cloudformation")
    try:
        return client.describe_stacks(StackName=stack)["Stacks"][0]
    except client.exceptions.ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """What a stack puts out, by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def check_owner(stack: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Refuse a stack that is another's: backend `a-b` at stage `c` is called like backend `a` at stage `b-c`."""
    found = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    for name in ("taxiway:backend", "taxiway:stage"):
        if found.get(name, tags.get(name)) != tags.get(name):
            raise AwsError(
                f"The stack {stack['StackName']} has the tag {name}={found[name]}; this one's is {tags.get(name)}.",
                fix="give the backend or the stage a name that no other stack's is put together from",
            )


def deployed(account: Account, backend: Backend, stage: Stage) -> Mapping[str, Any]:
    """The stack of a backend's stage. Raises AwsError where there is none, or it is another backend's."""
    name = names.stack(backend, stage)
    stack = find(account, name)
    if stack is None:
        raise AwsError(f"There is no {name} on AWS.", fix=f"run `taxiway deploy --stage {stage.name}`")
    check_owner(stack, names.tags(backend, stage))
    return stack


def plan(account: Account, assembly: Assembly, say: Say) -> Plan | None:
    """Have CloudFormation work out what would change; None where nothing would.

    The assembly must be uploaded. Raises AwsError where the stack can't be changed now.
    """
    client = account.client("cloudformation")
    stack = _changeable(account, assembly.stack, say)
    check_owner(stack or {}, assembly.tags)
    old = _template(client, assembly.stack) if stack else {}
    new: dict[str, Any] = json.loads(assembly.template.path.read_text())
    made = client.create_change_set(
        StackName=assembly.stack,
        ChangeSetName=f"taxiway-{time.time_ns()}",
        ChangeSetType="UPDATE" if stack else "CREATE",
        TemplateURL=upload.address(account, assembly),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in assembly.tags.items()],
        **({"IncludeNestedStacks": True} if assembly.has_nested else {}),
    )
    try:
        described = _described(client, made["Id"])
    except AwsError:
        discard(account, Plan(made["Id"], made["StackId"], stack is None, (), {}))
        raise
    if described is None:
        client.delete_change_set(ChangeSetName=made["Id"])
        return None
    found = changes.read(described, old, new)
    resources: dict[str, Any] = {**old.get("Resources", {}), **new["Resources"]}
    labels = {logical: changes.name(logical, resource) for logical, resource in resources.items()}
    for entry in described:
        if inner := entry["ResourceChange"].get("ChangeSetId"):
            nested, called = _nested(client, inner, entry["ResourceChange"], assembly)
            found += nested
            labels |= called
    return Plan(made["Id"], made["StackId"], stack is None, tuple(found), labels)


def discard(account: Account, plan: Plan) -> None:
    """Take a plan back. A stack that was only planned is not left behind."""
    client = account.client("cloudformation")
    client.delete_change_set(ChangeSetName=plan.id)
    if plan.is_new:
        client.delete_stack(StackName=plan.stack_id)


def execute(account: Account, plan: Plan, *, protect: bool, say: Say) -> Mapping[str, Any]:
    """Do what was planned, with a line for each resource that is done; returns the stack.

    `protect` is whether the stack can't be deleted from then on. Raises AwsError, with the resources that failed and
    why, where CloudFormation could not do it and has taken it back.
    """
    client = account.client("cloudformation")
    watch = Watch(account, plan.stack_id, plan.names, say)
    # A new table that is to outlive its stack does not outlive a first deployment that fails.
    client.execute_change_set(ChangeSetName=plan.id, RetainExceptOnCreate=True)
    status = watch.wait()
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        why = "\n".join(f"  {failure}" for failure in watch.failures) or f"  CloudFormation ended with {status}."
        if status == "UPDATE_ROLLBACK_COMPLETE":
            state = "the stage is as it was before"
        elif status == "ROLLBACK_COMPLETE":
            state = "nothing of it is left but an empty stack, which the next deployment removes"
        else:
            state = f"its stack is {status}"
        raise AwsError(f"The deployment failed; {state}.\n\n{why}\n", fix="mend what is named above, and deploy again")
    client.update_termination_protection(StackName=plan.stack_id, EnableTerminationProtection=protect)
    return client.describe_stacks(StackName=plan.stack_id)["Stacks"][0]


def invalidate(account: Account, stack: str, say: Say) -> None:
    """Have the stack's CDN, where it has one, forget what it keeps."""
    for resource in _resources(account.client("cloudformation"), stack):
        if resource["ResourceType"] == "AWS::CloudFront::Distribution":
            account.client("cloudfront").create_invalidation(
                DistributionId=resource["PhysicalResourceId"],
                InvalidationBatch={
                    "Paths": {"Quantity": 1, "Items": ["/*"]},
                    "CallerReference": f"taxiway-{time.time_ns()}",
                },
            )
            say("The CDN forgets what it kept; that takes it about a minute.")


def data_in(account: Account, stack: str) -> list[str]:
    """What holds data in a stack, for a person: `the table items-dev`."""
    return [
        f"the {changes.kind(resource['ResourceType'])} {_physical_name(resource['PhysicalResourceId'])}"
        for resource in _resources(account.client("cloudformation"), stack)
        if changes.holds_data(resource["ResourceType"])
    ]


def destroy(account: Account, stack: Mapping[str, Any], say: Say) -> None:
    """Delete a stack and all that is in it, with a line for each resource.

    Raises AwsError where the stack is protected, and where something can't be deleted.
    """
    if stack.get("EnableTerminationProtection"):
        raise AwsError(
            f"The stack {stack['StackName']} is protected on AWS. Nothing was deleted.",
            fix="declare Operations(protected=False) for the stage and deploy that first, if it really is to go",
        )
    client = account.client("cloudformation")
    template = _template(client, stack["StackId"])
    labels = {logical: changes.name(logical, resource) for logical, resource in template.get("Resources", {}).items()}
    watch = Watch(account, stack["StackId"], labels, say)
    client.delete_stack(StackName=stack["StackId"])
    status = watch.wait()
    if status != "DELETE_COMPLETE":
        why = "\n".join(f"  {failure}" for failure in watch.failures) or f"  CloudFormation ended with {status}."
        raise AwsError(
            f"The stack {stack['StackName']} could not be deleted whole.\n\n{why}\n",
            fix="mend what is named above, and destroy again",
        )


def _changeable(account: Account, name: str, say: Say) -> Mapping[str, Any] | None:
    """The stack where there is one to update; one that never came to be is removed first."""
    stack = find(account, name)
    if stack is None or stack["StackStatus"] in _NEW:
        return None
    status: str = stack["StackStatus"]
    if status in _FAILED_AT_FIRST:
        say(f"Removing the empty stack {name}, which a failed first deployment left.")
        destroy(account, stack, lambda _: None)
        return None
    if status in _SETTLED:
        return stack
    if status.endswith("_IN_PROGRESS"):
        raise AwsError(
            f"The stack {name} is being changed by somebody else ({status}).", fix="wait until that has ended"
        )
    raise AwsError(
        f"The stack {name} is stuck in {status}: {stack.get('StackStatusReason', 'CloudFormation says no more')}.",
        fix="continue its rollback in the console of CloudFormation; a stage that may go, `taxiway destroy` removes",
    )


def _described(client: Any, change_set: str) -> list[dict[str, Any]] | None:
    """The changes of a change set once it is worked out; None where there are none."""
    while True:
        answer = client.describe_change_set(ChangeSetName=change_set)
        status: str = answer["Status"]
        if status == "FAILED":
            reason: str = answer.get("StatusReason", "")
            if any(words in reason for words in _NO_CHANGES):
                return None
            raise AwsError(f"CloudFormation can't plan this deployment: {reason}", fix="mend what it says")
        if not status.endswith(("_PENDING", "_IN_PROGRESS")):
            break
        time.sleep(0.5)
    found: list[dict[str, Any]] = answer["Changes"]
    while token := answer.get("NextToken"):
        answer = client.describe_change_set(ChangeSetName=change_set, NextToken=token)
        found += answer["Changes"]
    return found


def _nested(
    client: Any, change_set: str, change: Mapping[str, Any], assembly: Assembly
) -> tuple[list[Change], dict[str, str]]:
    """The changes of a nested stack, and what its resources are called."""
    described = _described(client, change_set)
    stack = change.get("PhysicalResourceId")
    old = _template(client, stack) if stack else {}
    # The template that it will have: the only one of the assembly with its resources.
    logical = {entry["ResourceChange"]["LogicalResourceId"] for entry in described or ()}
    templates = [json.loads(file.path.read_text()) for file in assembly.files if file.is_template]
    new = max(templates, key=lambda template: len(logical & template["Resources"].keys()))
    resources: dict[str, Any] = {**old.get("Resources", {}), **new["Resources"]}
    return changes.read(described or (), old, new), {key: changes.name(key, value) for key, value in resources.items()}


def _template(client: Any, stack: str) -> dict[str, Any]:
    body = client.get_template(StackName=stack)["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def _resources(client: Any, stack: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            found.append(resource)
            if resource["ResourceType"] == _STACK:
                found += _resources(client, resource["PhysicalResourceId"])
    return found


def _physical_name(physical: str) -> str:
    """`items/dev` for the ARN of that secret, which ends in six random characters; `items-dev` as it is."""
    if ":secret:" in physical:
        return physical.rpartition(":secret:")[2].rpartition("-")[0]
    return physical.rpartition("/")[2] if physical.startswith("https:") else physical
