"""The end of a stack: of a stage that is to go, and of a first deployment that failed."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxiway.aws.deploying import deployed_stack, resource_changes
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.outcomes import going_on, why
from taxiway.aws.deploying.progress import Kept, Watch
from taxiway.aws.errors import AwsError

# How to remove what a stack keeps, by its type, with its id and the region.
_REMOVED_BY = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name {} --region {}",
    "AWS::SecretsManager::Secret": "aws secretsmanager delete-secret --secret-id {} --region {} "
    "--force-delete-without-recovery",
}


def destroy(account: Account, stack: Mapping[str, Any], say: Say) -> list[Kept]:
    """Delete a stack and its resources, with a line for each resource; returns the resources that are kept.

    Raises AwsError if the stack is protected, and if a resource can't be deleted.
    """
    if stack.get("EnableTerminationProtection"):
        raise AwsError(
            f"The stack {stack['StackName']} is protected on AWS. Nothing was deleted.",
            fix="declare Operations(protected=False) for the stage and deploy that first, if it really is to go",
        )
    client = account.client("cloudformation")
    template = {} if stack["StackStatus"] in deployed_stack.NEW else deployed_stack.template(client, stack["StackId"])
    watch = Watch(account, stack["StackId"], resource_changes.names(template, {}), say)
    client.delete_stack(StackName=stack["StackId"])
    with going_on(say):
        status = watch.wait()
    if status != "DELETE_COMPLETE":
        raise AwsError(
            f"The stack {stack['StackName']} could not be deleted completely.\n\n{why(watch, status)}\n",
            fix="fix the cause above, and destroy again",
        )
    return watch.kept


def check_nothing_stays(account: Account, stack: str, kept: Sequence[Kept]) -> None:
    """Raise AwsError if a failed first deployment left resources that block the next deployment.

    Resources to retain are deleted if that deployment is rolled back, and kept if its stack is deleted later:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    """
    if not kept:
        return
    listed = "".join(f"\n  {each.kind} {deployed_stack.physical_name(each.id)}" for each in kept)
    commands = [_REMOVED_BY[each.type].format(each.id, account.region) for each in kept if each.type in _REMOVED_BY]
    raise AwsError(
        f"The stack {stack} was removed, but resources that it keeps still exist and block a new one:\n{listed}\n",
        fix="\n  ".join(("check that you don't need their data, delete them, and deploy again", *commands)),
    )
