"""A stage's stack on AWS: what would change, the change itself, what the stack puts out, and its end."""

import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from msgspec import Struct, structs

from taxiway.aws import changes, indexes, names, refusals, transitions, upload
from taxiway.aws.account import Account
from taxiway.aws.changes import Change
from taxiway.aws.errors import AwsError
from taxiway.aws.progress import Kept, Watch
from taxiway.aws.steps import Step, Template, steps, table_names
from taxiway.aws.upload import Assembly
from taxiway.declare import Backend, Stage

_STACK = "AWS::CloudFormation::Stack"
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_NEW = frozenset({"REVIEW_IN_PROGRESS"})
_FAILED_AT_FIRST = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})

# How to remove what a stack keeps, by its type, with its id and the region.
_REMOVED_BY = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name {} --region {}",
    "AWS::SecretsManager::Secret": "aws secretsmanager delete-secret --secret-id {} --region {} "
    "--force-delete-without-recovery",
}

# What is left of a stage by a deployment that failed, by the status of its stack.
_STATES = {
    "UPDATE_ROLLBACK_COMPLETE": "the stage is as it was before",
    "UPDATE_ROLLBACK_FAILED": "it could not be taken back whole: some of the stage is new, some as it was before",
    "ROLLBACK_COMPLETE": "nothing of it is left but an empty stack, which the next deployment removes",
    "ROLLBACK_FAILED": "it could not be taken back whole: the next deployment removes its stack, and names what stays",
}

Say = Callable[[str], None]


class Plan(Struct, frozen=True):
    """A change set, what it would do, and the steps to do that in."""

    id: str
    stack_id: str
    is_new: bool
    before: Template
    """What the stack has; empty of a new one."""
    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    names: dict[str, str]
    """What a person calls each resource, by its logical id."""
    cautions: tuple[str, ...] = ()
    """What to know of the way from what is deployed to this."""

    @property
    def is_first_step(self) -> bool:
        """Whether the change set is what the first step does, and not only what all of them do together.

        A new stack is planned once: nested stacks that are only planned stay when the change set of theirs goes.
        """
        return self.is_new or len(self.steps) == 1

    @property
    def notes(self) -> list[str]:
        """What is done before or after the rest."""
        return [step.says for step in self.steps if step.what]


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
    """Whether a stack came to be: not one that was only planned, nor what a failed first deployment leaves."""
    return stack is not None and stack["StackStatus"] not in _NEW | _FAILED_AT_FIRST


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """What a stack puts out, by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def check_owner(stack: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Refuse a stack that is another's: backend `a-b` at stage `c` is called like backend `a` at stage `b-c`.

    One that has not these tags is not Taxiway's, unless it was only planned and has nothing in it yet.
    """
    found = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    name: str = stack["StackName"]
    for tag, value in tags.items():
        if found.get(tag) == value:
            continue
        if tag in found:
            raise AwsError(
                f"The stack {name} has the tag {tag}={found[tag]}; this one's is {value}.",
                fix="give the backend or the stage a name that no other stack's is put together from",
            )
        if stack["StackStatus"] not in _NEW:
            raise AwsError(
                f"The stack {name} has no tag {tag}: Taxiway did not make it. Nothing of it was changed.",
                fix="give the backend or the stage another name; or, where the stack is this one's and its tags were "
                f"taken off, give it back {' and '.join(f'{tag}={value}' for tag, value in tags.items())}",
            )


def deployed(account: Account, backend: Backend, stage: Stage) -> Mapping[str, Any]:
    """The stack of a backend's stage. Raises AwsError where there is none, or it is another backend's."""
    name = names.stack(backend, stage)
    stack = find(account, name)
    if stack is None or stack["StackStatus"] in _NEW:
        raise AwsError(f"There is no {name} on AWS.", fix=f"run `taxiway deploy --stage {stage.name}`")
    check_owner(stack, names.tags(backend, stage))
    return stack


def plan(account: Account, assembly: Assembly, say: Say) -> Plan | None:
    """Have CloudFormation work out what would change; None where nothing would.

    The assembly must be uploaded. Raises AwsError where the stack can't be changed now, or not so.
    """
    client = account.client("cloudformation")
    found = find(account, assembly.stack)
    if found is not None:
        check_owner(found, assembly.tags)
    stack = _changeable(account, found, say)
    old = _template(client, assembly.stack) if stack else {}
    new: dict[str, Any] = json.loads(assembly.template.path.read_text())
    refusals.check(old, new)
    taken = steps(old, new)
    made = _change_set(account, assembly, taken[-1 if stack else 0].template, is_new=stack is None)
    plan = Plan(made["Id"], made["StackId"], stack is None, old, taken, (), {})
    try:
        described = _described(client, made["Id"])
        if described is None:
            discard(account, plan)
            return None
        told, labels, stacks = changes.read(described, old, new), _labels(old, new), [(old, new)]
        for entry in described:
            if entry["ResourceChange"]["ResourceType"] == _STACK:
                before, after = _nested_templates(client, entry["ResourceChange"], new, assembly)
                told += _nested(client, entry["ResourceChange"], before, after)
                labels |= _labels(before, after)
                stacks.append((before, after))
    except BaseException:
        with suppress(Exception):  # what failed first is what to tell
            discard(account, plan)
        raise
    return structs.replace(plan, changes=tuple(told), names=labels, cautions=tuple(transitions.transitions(stacks)))


def discard(account: Account, plan: Plan) -> None:
    """Take a plan back. A stack that was only planned stays, empty: another's first deployment may be making it.

    CloudFormation deletes no stack on the condition that nothing has come into it meanwhile.
    """
    account.client("cloudformation").delete_change_set(ChangeSetName=plan.id)


def execute(account: Account, assembly: Assembly, plan: Plan, *, protect: bool, say: Say) -> Mapping[str, Any]:
    """Do what was planned, step by step, with a line for each resource that is done; returns the stack.

    `protect` is whether the stack can't be deleted from then on. Raises AwsError, with the resources that failed and
    why, where CloudFormation could not do it and has taken it back.
    """
    client = account.client("cloudformation")
    change_set: str | None = plan.id
    if not plan.is_first_step:
        discard(account, plan)
        change_set = None
    done = plan.before
    for step in plan.steps:
        if step.what:
            say(step.says)
        indexes.wait(account, table_names(step.template), say)
        change_set = change_set or _next(account, assembly, step, done)
        if change_set:
            _carry_out(account, plan, step, change_set, say)
        change_set, done = None, step.template
        if step.when == "the rest":
            client.update_termination_protection(StackName=plan.stack_id, EnableTerminationProtection=protect)
    return client.describe_stacks(StackName=plan.stack_id)["Stacks"][0]


def _next(account: Account, assembly: Assembly, step: Step, done: Template) -> str | None:
    """The change set of a step, where the stack has what is `done` already; None where the step would change nothing.

    Raises AwsError where somebody else has deployed meanwhile, whose changes nobody here has seen or agreed to.
    """
    client = account.client("cloudformation")
    if _template(client, assembly.stack) != done:
        raise _overtaken_by_somebody()
    made = _change_set(account, assembly, step.template, is_new=False)["Id"]
    if _described(client, made) is not None:
        return made
    client.delete_change_set(ChangeSetName=made)
    return None


def _carry_out(account: Account, plan: Plan, step: Step, change_set: str, say: Say) -> None:
    """Execute the change set of a step. Raises AwsError where it fails."""
    watch = Watch(account, plan.stack_id, plan.names, say)
    client = account.client("cloudformation")
    # What is to outlive its stack does not outlive the deployment that makes it, if that one fails.
    with _overtaken(client):
        client.execute_change_set(ChangeSetName=change_set, RetainExceptOnCreate=True)
    with _going_on(say):
        status = watch.wait()
    if status in _DONE:
        return
    name = plan.stack_id.split("/")[1]
    state = _STATES.get(status, f"its stack is {status}")
    failed = f"The deployment failed; {state}."
    if step.when == "after the rest":
        failed = f"{name} is deployed, but for what comes after the rest: {step.what}."
    raise AwsError(
        f"{failed}\n\n{_why(watch, status)}\n",
        fix=f"mend what is named above, {_way_out(name, status, 'and deploy again')}",
    )


def _change_set(account: Account, assembly: Assembly, template: Template, *, is_new: bool) -> Mapping[str, Any]:
    """Have CloudFormation begin to work out what this template for the assembly's stack would change."""
    return account.client("cloudformation").create_change_set(
        StackName=assembly.stack,
        ChangeSetName=f"taxiway-{time.time_ns()}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=upload.put_template(account, assembly, template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in assembly.tags.items()],
        **({"IncludeNestedStacks": True} if assembly.has_nested else {}),
    )


def keep_protected(account: Account, stack: Mapping[str, Any], *, protect: bool, say: Say) -> None:
    """Protect a stack in which nothing else changes, or protect it no more."""
    if bool(stack.get("EnableTerminationProtection")) != protect:
        client = account.client("cloudformation")
        client.update_termination_protection(StackName=stack["StackId"], EnableTerminationProtection=protect)
        say(f"The stack {stack['StackName']} is {'protected now' if protect else 'no longer protected'}.")


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


def destroy(account: Account, stack: Mapping[str, Any], say: Say) -> list[Kept]:
    """Delete a stack and all that is in it, with a line for each resource; returns what stays in the account.

    Raises AwsError where the stack is protected, and where something can't be deleted.
    """
    if stack.get("EnableTerminationProtection"):
        raise AwsError(
            f"The stack {stack['StackName']} is protected on AWS. Nothing was deleted.",
            fix="declare Operations(protected=False) for the stage and deploy that first, if it really is to go",
        )
    client = account.client("cloudformation")
    template = _template(client, stack["StackId"])
    watch = Watch(account, stack["StackId"], _labels(template, {}), say)
    client.delete_stack(StackName=stack["StackId"])
    with _going_on(say):
        status = watch.wait()
    if status != "DELETE_COMPLETE":
        raise AwsError(
            f"The stack {stack['StackName']} could not be deleted whole.\n\n{_why(watch, status)}\n",
            fix="mend what is named above, and destroy again",
        )
    return watch.kept


@contextmanager
def _overtaken(client: Any) -> Generator[None, None, None]:
    """Says, where a change set is gone, whose doing that is: executing one deletes all others of the stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    """
    try:
        yield
    except client.exceptions.ChangeSetNotFoundException as error:
        raise _overtaken_by_somebody() from error


def _overtaken_by_somebody() -> AwsError:
    return AwsError(
        "Somebody else deployed this stage meanwhile, and with that what was planned here is dropped.",
        fix="wait until that has ended, and run this again",
    )


@contextmanager
def _going_on(say: Say) -> Generator[None, None, None]:
    """Says, where the watching ends before what is watched, that it goes on: Ctrl-C, credentials that expire."""
    try:
        yield
    except BaseException:
        say("CloudFormation goes on with what it has begun; `taxiway doctor` says how the stack is.")
        raise


def _why(watch: Watch, status: str) -> str:
    reason = f": {watch.reason}" if watch.reason else "."
    return "\n".join(f"  {failure}" for failure in watch.failures) or f"  CloudFormation ended with {status}{reason}"


def _way_out(stack: str, status: str, otherwise: str) -> str:
    """What to do with a stack that CloudFormation left as it could, before the next deployment.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"run `aws cloudformation continue-update-rollback --stack-name {stack}`, and deploy again"
    if status in ("CREATE_FAILED", "DELETE_FAILED"):
        return "delete the stack (`taxiway destroy`; a protected stage in CloudFormation's console), and deploy again"
    return otherwise


def _changeable(account: Account, stack: Mapping[str, Any] | None, say: Say) -> Mapping[str, Any] | None:
    """The stack where there is one to update; one that never came to be is removed first."""
    if stack is None or stack["StackStatus"] in _NEW:
        return None
    name: str = stack["StackName"]
    status: str = stack["StackStatus"]
    if status in _FAILED_AT_FIRST:
        say(f"Removing the stack {name}, which a failed first deployment left.")
        _check_nothing_stays(account, name, destroy(account, stack, lambda _: None))
        return None
    if status in _SETTLED:
        return stack
    if status.endswith("_IN_PROGRESS"):
        raise AwsError(
            f"The stack {name} is being changed by somebody else ({status}).", fix="wait until that has ended"
        )
    raise AwsError(
        f"The stack {name} is stuck in {status}: {stack.get('StackStatusReason', 'CloudFormation says no more')}.",
        fix=_way_out(name, status, "see in CloudFormation's console what it waits for"),
    )


def _check_nothing_stays(account: Account, stack: str, kept: Sequence[Kept]) -> None:
    """Raise AwsError where something of a first deployment that failed is still there, and in the way of the next.

    What is to be retained goes when that deployment is taken back, and stays where its stack is deleted later:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    """
    if not kept:
        return
    listed = "".join(f"\n  {each.kind} {_physical_name(each.id)}" for each in kept)
    commands = [_REMOVED_BY[each.type].format(each.id, account.region) for each in kept if each.type in _REMOVED_BY]
    raise AwsError(
        f"The stack {stack} is removed now. What it was to keep is still there, in the way of a new one:\n{listed}\n",
        fix="\n  ".join(("see that nothing in it is needed, delete it, and deploy again", *commands)),
    )


def _described(client: Any, change_set: str) -> list[dict[str, Any]] | None:
    """The changes of a change set once it is worked out; None where there are none."""
    while True:
        with _overtaken(client):
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


def _nested_templates(
    client: Any, change: Mapping[str, Any], template: Mapping[str, Any], assembly: Assembly
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The template that a nested stack has, and the one that it will have; nothing where there is no such stack."""
    before = {} if change["Action"] == "Add" else _template(client, change["PhysicalResourceId"])
    declared = template["Resources"].get(change["LogicalResourceId"])
    if declared is None:
        return before, {}
    address = json.dumps(declared["Properties"]["TemplateURL"])
    return before, next(json.loads(file.path.read_text()) for file in assembly.files if file.key in address)


def _nested(
    client: Any, change: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    """The changes of a nested stack.

    CloudFormation says them in a change set of their own, but not of a stack that goes with all that is in it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
    """
    if change_set := change.get("ChangeSetId"):
        return changes.read(_described(client, change_set) or (), before, after)
    return changes.between(before, after)


def _labels(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """What a person calls each resource of two templates, by its logical id."""
    resources: dict[str, Any] = {**before.get("Resources", {}), **after.get("Resources", {})}
    return {logical: changes.name(logical, resource) for logical, resource in resources.items()}


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
    return physical.rpartition("/")[2] if physical.startswith(("https:", "http:")) else physical
