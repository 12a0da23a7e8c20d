"""Change sets of CloudFormation: made, worked out, and dropped by others meanwhile."""

import re
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from taxiway.aws.deploying import upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.steps import Template
from taxiway.aws.errors import AwsError
from taxiway.aws.template.assembly import Assembly

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_NESTED = re.compile(r"Nested change set (arn:\S+) was not successfully created")


def create(account: Account, assembly: Assembly, template: Template, *, is_new: bool) -> Mapping[str, Any]:
    """Have CloudFormation begin to work out what this template for the assembly's stack would change."""
    return account.client("cloudformation").create_change_set(
        StackName=assembly.stack,
        ChangeSetName=f"taxiway-{time.time_ns()}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=upload.put_template(account, assembly, template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in assembly.tags.items()],
        **({"IncludeNestedStacks": True} if assembly.has_nested else {}),
        **({"RoleARN": assembly.service_role} if assembly.service_role else {}),
    )


def described(client: Any, change_set: str) -> list[dict[str, Any]] | None:
    """The changes of a change set once it is worked out; None where there are none."""
    while True:
        with overtaken(client):
            answer = client.describe_change_set(ChangeSetName=change_set)
        status: str = answer["Status"]
        if status == "FAILED":
            reason: str = answer.get("StatusReason", "")
            if any(words in reason for words in _NO_CHANGES):
                return None
            raise AwsError(
                f"CloudFormation can't plan this deployment: {_root_of(client, reason)}", fix="fix the cause above"
            )
        if not status.endswith(("_PENDING", "_IN_PROGRESS")):
            break
        time.sleep(0.5)
    found: list[dict[str, Any]] = answer["Changes"]
    while token := answer.get("NextToken"):
        answer = client.describe_change_set(ChangeSetName=change_set, NextToken=token)
        found += answer["Changes"]
    return found


def _root_of(client: Any, reason: str) -> str:
    """The reason why a change set failed, which may be in that of a nested stack.

    https://github.com/aws/aws-sam-cli/issues/2406
    """
    nested = _NESTED.search(reason)
    if nested is None:
        return reason
    try:
        answer = client.describe_change_set(ChangeSetName=nested[1])
    except client.exceptions.ChangeSetNotFoundException:
        return reason
    return f"{answer['StackName']}: {_root_of(client, answer.get('StatusReason', 'CloudFormation says no more'))}"


@contextmanager
def overtaken(client: Any) -> Generator[None, None, None]:
    """Says, where a change set is gone or of no use any more, whose doing that is.

    Executing one deletes all others of the stack, and none is executed or deleted while the stack is being changed:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
    """
    errors = client.exceptions
    try:
        yield
    except (errors.ChangeSetNotFoundException, errors.InvalidChangeSetStatusException) as error:
        raise overtaken_by_somebody() from error


def overtaken_by_somebody() -> AwsError:
    return AwsError(
        "Somebody else deployed this stage meanwhile, and with that what was planned here is dropped.",
        fix="wait until that has ended, and run this again",
    )
