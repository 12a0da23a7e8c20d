"""Shows the progress of a CloudFormation operation: a line for each finished resource, and the reasons of failures."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.resource_changes import kind

_SOON, _LATE = 0.2, 2.0  # seconds between two looks
_SILENCE = 20.0  # seconds without news, after which is said what is waited for
_STACK = "AWS::CloudFormation::Stack"
_VERBS = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "IMPORT": "imported"}
# What is said of a resource that another's failure stopped.
_FOLLOWS = re.compile(r"Resource \w+ cancelled|Embedded stack |The following resource\(s\) failed")


class Kept(Struct, frozen=True):
    """A resource that leaves its stack and stays in the account."""

    type: str
    id: str
    """As the service knows it: a table's name, a secret's ARN."""

    @property
    def kind(self) -> str:
        return kind(self.type)


class Watch:
    """Follows one operation on a stack, and on the stacks in it, from what had happened when this was made."""

    def __init__(self, account: Account, stack_id: str, names: dict[str, str], say: Callable[[str], None]) -> None:
        """`names` are the resources' names for a person, by logical id."""
        self._client = account.client("cloudformation")
        self._stack = stack_id
        self._names = names
        self._say = say
        self._seen: set[str] = set()
        self._stacks = [stack_id]
        self._began = datetime.min.replace(tzinfo=UTC)
        """What happened in a nested stack before this is of an earlier operation."""
        self._pending: dict[str, str] = {}
        self.failures: list[str] = []
        """The resources that failed by themselves, each with its reason."""
        self.kept: list[Kept] = []
        self.reason = ""
        """Why CloudFormation rolls back, if it gives no reason for a single resource."""
        self._began = max((event["Timestamp"] for event in self._news()), default=self._began)
        self._stacks = [stack_id]

    def wait(self) -> str:
        """Until the operation has ended; returns the stack's status, as in `UPDATE_ROLLBACK_COMPLETE`."""
        pause, heard = _SOON, time.monotonic()
        while True:
            (stack,) = self._client.describe_stacks(StackName=self._stack)["Stacks"]
            news = self._news()
            for event in news:
                self._tell(event)
            status: str = stack["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return status
            if news:
                pause, heard = _SOON, time.monotonic()
            elif time.monotonic() - heard > _SILENCE and self._pending:
                self._say(f"  …           waiting for {', '.join(sorted(self._pending.values()))}")
                heard = time.monotonic()
            time.sleep(pause)
            pause = min(pause * 1.5, _LATE)

    def _news(self) -> list[dict[str, Any]]:
        """The events that were not seen before, oldest first."""
        found: list[dict[str, Any]] = []  # the newest first, as they come
        for stack in self._stacks:  # and those in it, as they are found
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=stack):
                new = [
                    event
                    for event in page["StackEvents"]
                    if event["EventId"] not in self._seen and event["Timestamp"] >= self._began
                ]
                found += new
                for event in new:
                    inner = event.get("PhysicalResourceId", "")
                    if event["ResourceType"] == _STACK and inner.startswith("arn:") and inner not in self._stacks:
                        self._stacks.append(inner)
                if len(new) < len(page["StackEvents"]):
                    break
        self._seen.update(event["EventId"] for event in found)
        found.reverse()
        return sorted(found, key=lambda event: event["Timestamp"])

    def _tell(self, event: dict[str, Any]) -> None:
        if event.get("PhysicalResourceId") == event["StackId"]:
            self._tell_of_stack(event)
            return
        verb, _, state = event["ResourceStatus"].partition("_")
        called = (
            f"{kind(event['ResourceType'])} {self._names.get(event['LogicalResourceId'], event['LogicalResourceId'])}"
        )
        if state == "IN_PROGRESS":
            self._pending[event["LogicalResourceId"]] = called
            return
        self._pending.pop(event["LogicalResourceId"], None)
        reason = event.get("ResourceStatusReason", "")
        if state == "FAILED":
            self._say(f"  failed      {called}")
            if not _FOLLOWS.search(reason):
                self.failures.append(f"{called}: {reason}")
        elif state == "SKIPPED":
            self._say(f"  kept        {called}")
            self.kept.append(Kept(event["ResourceType"], event["PhysicalResourceId"]))
        elif state == "COMPLETE":
            self._say(f"  {_VERBS.get(verb, verb.lower()):<10}  {called}")

    def _tell_of_stack(self, event: dict[str, Any]) -> None:
        """The status of a stack is polled; its events say when CloudFormation rolls back, and why."""
        if event["StackId"] == self._stack and event["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS"):
            self._say("  CloudFormation rolls back.")
            self.reason = event.get("ResourceStatusReason", "")
