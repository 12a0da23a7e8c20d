"""The deployed stack of a stage: its owner, its resources and its outputs."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from taxiway.aws.deploying import resource_changes
from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError
from taxiway.declare import Backend, Stage, names

Say: TypeAlias = Callable[[str], None]
"""Tells a person a line."""

STACK = "AWS::CloudFormation::Stack"
NEW = frozenset({"REVIEW_IN_PROGRESS"})
FAILED_AT_FIRST = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})


def find(account: Account, stack: str) -> Mapping[str, Any] | None:
    """The stack as DescribeStacks has it, or None."""
    client = account.client("cloudformation")
    try:
        return client.describe_stacks(StackName=stack)["Stacks"][0]
    except client.exceptions.ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def is_there(stack: Mapping[str, Any] | None) -> bool:
    """Whether a stack was ever deployed: not if it was only planned, nor after a failed first deployment."""
    return stack is not None and stack["StackStatus"] not in NEW | FAILED_AT_FIRST


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a stack, by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def check_owner(stack: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Refuse the stack of another stage: backend `a-b` at stage `c` has the same name as backend `a` at stage `b-c`.

    A stack without these tags is not Taxiway's, unless it was only planned and is still empty.
    """
    found = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    name: str = stack["StackName"]
    for tag, value in tags.items():
        if found.get(tag) == value:
            continue
        if tag in found:
            raise AwsError(
                f"The stack {name} has the tag {tag}={found[tag]}; this one's is {value}.",
                fix="give the backend or the stage another name",
            )
        if stack["StackStatus"] not in NEW:
            raise AwsError(
                f"The stack {name} has no tag {tag}: Taxiway did not create it. Nothing was changed.",
                fix="give the backend or the stage another name; or, where the stack is this one's and its tags were "
                f"taken off, give it back {' and '.join(f'{tag}={value}' for tag, value in tags.items())}",
            )


def require(account: Account, backend: Backend, stage: Stage) -> Mapping[str, Any]:
    """The stack of a backend's stage. Raises AwsError if it does not exist or belongs to another backend."""
    name = names.stack(backend, stage)
    stack = find(account, name)
    if stack is None or stack["StackStatus"] in NEW:
        raise AwsError(f"There is no {name} on AWS.", fix=f"run `taxiway deploy --stage {stage.name}`")
    check_owner(stack, names.tags(backend, stage))
    return stack


def keep_protected(account: Account, stack: Mapping[str, Any], *, protect: bool, say: Say) -> None:
    """Turn the termination protection of a stack on or off; nothing else changes."""
    if bool(stack.get("EnableTerminationProtection")) != protect:
        client = account.client("cloudformation")
        client.update_termination_protection(StackName=stack["StackId"], EnableTerminationProtection=protect)
        say(f"The stack {stack['StackName']} is {'protected now' if protect else 'no longer protected'}.")


def invalidate(account: Account, stack: str, say: Say) -> None:
    """Invalidate the cache of the stack's CDN, if it has one."""
    for resource in _resources(account.client("cloudformation"), stack):
        if resource["ResourceType"] == "AWS::CloudFront::Distribution":
            account.client("cloudfront").create_invalidation(
                DistributionId=resource["PhysicalResourceId"],
                InvalidationBatch={
                    "Paths": {"Quantity": 1, "Items": ["/*"]},
                    "CallerReference": f"taxiway-{time.time_ns()}",
                },
            )
            say("Invalidating the CDN's cache, which takes about a minute.")


def data_in(account: Account, stack: str) -> list[str]:
    """What holds data in a stack, for a person: `the table items-dev`."""
    return [
        f"the {resource_changes.kind(resource['ResourceType'])} {physical_name(resource['PhysicalResourceId'])}"
        for resource in _resources(account.client("cloudformation"), stack)
        if resource_changes.holds_data(resource["ResourceType"])
    ]


def template(client: Any, stack: str) -> dict[str, Any]:
    """The whole template that a stack has, as it was given."""
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def _resources(client: Any, stack: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            found.append(resource)
            if resource["ResourceType"] == STACK:
                found += _resources(client, resource["PhysicalResourceId"])
    return found


def physical_name(physical: str) -> str:
    """`items/dev` for the ARN of that secret, which ends in six random characters; `items-dev` as it is."""
    if ":secret:" in physical:
        return physical.rpartition(":secret:")[2].rpartition("-")[0]
    return physical.rpartition("/")[2] if physical.startswith(("https:", "http:")) else physical
