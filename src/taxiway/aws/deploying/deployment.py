"""Plans a deployment of a stage to AWS, and executes it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct, structs

from taxiway.aws.deploying import (
    change_sets,
    deployed_stack,
    index_builds,
    resource_changes,
    transitions,
    update_checks,
)
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.outcomes import STATES, going_on, way_out, why
from taxiway.aws.deploying.progress import Watch
from taxiway.aws.deploying.removal import check_nothing_stays, destroy
from taxiway.aws.deploying.resource_changes import ResourceChange
from taxiway.aws.deploying.steps import Step, Template, steps, table_names
from taxiway.aws.errors import AwsError
from taxiway.aws.template.assembly import Assembly

_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Plan(Struct, frozen=True):
    """A change set, its changes, and the steps in which they are deployed."""

    id: str
    stack_id: str
    is_new: bool
    before: Template
    """The deployed template; empty for a new stack."""
    steps: tuple[Step, ...]
    changes: tuple[ResourceChange, ...]
    names: dict[str, str]
    """What a person calls each resource, by its logical id."""
    cautions: tuple[str, ...] = ()
    """What breaks while the update runs, and how to avoid it."""

    @property
    def is_first_step(self) -> bool:
        """Whether the change set contains the first step alone, and not all steps together.

        A new stack is planned once: a deleted change set disappears only some time later, with its nested stacks.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-delete.html
        """
        return self.is_new or len(self.steps) == 1

    @property
    def notes(self) -> list[str]:
        """What is done before or after the rest."""
        return [step.says for step in self.steps if step.what]


def plan(account: Account, assembly: Assembly, say: Say) -> Plan | None:
    """Let CloudFormation create a change set; None if nothing would change.

    The assembly must be uploaded. Raises AwsError if the stack can't be updated now, or not in this way.
    """
    client = account.client("cloudformation")
    found = deployed_stack.find(account, assembly.stack)
    if found is not None:
        deployed_stack.check_owner(found, assembly.tags)
    stack = _changeable(account, found, say)
    old = deployed_stack.template(client, assembly.stack) if stack else {}
    new: dict[str, Any] = json.loads(assembly.template.path.read_text())
    update_checks.check(old, new)
    taken = steps(old, new)
    made = change_sets.create(account, assembly, taken[-1 if stack else 0].template, is_new=stack is None)
    plan = Plan(made["Id"], made["StackId"], stack is None, old, taken, (), {})
    try:
        described = change_sets.described(client, made["Id"])
        if described is None:
            discard(account, plan)
            return None
        told, labels, stacks = (
            resource_changes.read(described, old, new),
            resource_changes.names(old, new),
            [(old, new)],
        )
        for entry in described:
            if entry["ResourceChange"]["ResourceType"] == deployed_stack.STACK:
                before, after = _nested_templates(client, entry["ResourceChange"], new, assembly)
                told += _nested(client, entry["ResourceChange"], before, after)
                labels |= resource_changes.names(before, after)
                stacks.append((before, after))
    except BaseException:
        with suppress(Exception):  # what failed first is what to tell
            discard(account, plan)
        raise
    return structs.replace(plan, changes=tuple(told), names=labels, cautions=tuple(transitions.transitions(stacks)))


def discard(account: Account, plan: Plan) -> None:
    """Delete the change set of a plan. A stack that was only planned stays, empty: another deployment may be using it.

    CloudFormation can't delete a stack on the condition that it is still empty. Raises AwsError if somebody else is
    deploying, which deletes the change set too.
    """
    client = account.client("cloudformation")
    with change_sets.overtaken(client):
        client.delete_change_set(ChangeSetName=plan.id)


def execute(account: Account, assembly: Assembly, plan: Plan, *, protect: bool, say: Say) -> Mapping[str, Any]:
    """Execute a plan, step by step, with a line for each finished resource; returns the stack.

    The cache of a CDN is invalidated as soon as the new code is deployed. `protect` turns termination protection on.
    Raises AwsError, with the resources that failed and why, if CloudFormation failed and rolled back.
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
        index_builds.wait(account, table_names(step.template), say)
        if step.makes:
            index_builds.check_absent(account, *step.makes)
        change_set = change_set or _next(account, assembly, step, done)
        if change_set:
            _carry_out(account, plan, step, change_set, say)
        change_set, done = None, step.template
        if step.when == "the rest":
            client.update_termination_protection(StackName=plan.stack_id, EnableTerminationProtection=protect)
            if not plan.is_new:
                deployed_stack.invalidate(account, assembly.stack, say)
    return client.describe_stacks(StackName=plan.stack_id)["Stacks"][0]


def _next(account: Account, assembly: Assembly, step: Step, done: Template) -> str | None:
    """The change set of a step, for a stack with the template `done`; None if the step would change nothing.

    Raises AwsError if somebody else has deployed meanwhile: nobody has seen or confirmed their changes here.
    """
    client = account.client("cloudformation")
    if deployed_stack.template(client, assembly.stack) != done:
        raise change_sets.overtaken_by_somebody()
    made = change_sets.create(account, assembly, step.template, is_new=False)["Id"]
    if change_sets.described(client, made) is not None:
        return made
    client.delete_change_set(ChangeSetName=made)
    return None


def _carry_out(account: Account, plan: Plan, step: Step, change_set: str, say: Say) -> None:
    """Execute the change set of a step. Raises AwsError if it fails; the steps before it are not rolled back."""
    watch = Watch(account, plan.stack_id, plan.names, say)
    client = account.client("cloudformation")
    # Resources to retain are deleted too if the deployment that creates them fails.
    with change_sets.overtaken(client):
        client.execute_change_set(ChangeSetName=change_set, RetainExceptOnCreate=True)
    with going_on(say):
        status = watch.wait()
    if status in _DONE:
        return
    name = plan.stack_id.split("/")[1]
    state = STATES.get(status, f"its stack is {status}")
    stays = "; ".join(each.what for each in plan.steps[: plan.steps.index(step)])
    failed = f"The deployment failed; {state}{stays and f', except for earlier steps: {stays}'}."
    if step.when == "after the rest":
        failed = f"{name} is deployed, except for a later step: {step.what}."
    raise AwsError(
        f"{failed}\n\n{why(watch, status)}\n",
        fix=f"fix the cause above, {way_out(name, status, 'and deploy again')}",
    )


def _changeable(account: Account, stack: Mapping[str, Any] | None, say: Say) -> Mapping[str, Any] | None:
    """The stack, if there is one to update; one that was never deployed is removed first."""
    if stack is None or stack["StackStatus"] in deployed_stack.NEW:
        return None
    name: str = stack["StackName"]
    status: str = stack["StackStatus"]
    if status in deployed_stack.FAILED_AT_FIRST:
        say(f"Removing the stack {name}, which a failed first deployment left.")
        check_nothing_stays(account, name, destroy(account, stack, lambda _: None))
        return None
    if status in _SETTLED:
        return stack
    if status.endswith("_IN_PROGRESS"):
        raise AwsError(
            f"The stack {name} is being changed by somebody else ({status}).", fix="wait until that has ended"
        )
    raise AwsError(
        f"The stack {name} is stuck in {status}: {stack.get('StackStatusReason', 'CloudFormation says no more')}.",
        fix=way_out(name, status, "see in CloudFormation's console what it waits for"),
    )


def _nested_templates(
    client: Any, change: Mapping[str, Any], template: Mapping[str, Any], assembly: Assembly
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The deployed template of a nested stack and its new one; each is empty if there is no such stack."""
    before = {} if change["Action"] == "Add" else deployed_stack.template(client, change["PhysicalResourceId"])
    declared = template["Resources"].get(change["LogicalResourceId"])
    if declared is None:
        return before, {}
    address = json.dumps(declared["Properties"]["TemplateURL"])
    return before, next(json.loads(file.path.read_text()) for file in assembly.files if file.key in address)


def _nested(
    client: Any, change: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[ResourceChange]:
    """The changes of a nested stack.

    CloudFormation says them in a change set of their own, but not of a stack that goes with all that is in it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
    """
    if change_set := change.get("ChangeSetId"):
        return resource_changes.read(change_sets.described(client, change_set) or (), before, after)
    return resource_changes.between(before, after)
