"""CloudFormation as AWS documents it, for what MiniStack does otherwise: boto3's client, with answers written down.

Calls of other services, which a deployment makes beside it, are answered in the same way.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, TypeAlias

import boto3
from botocore.validate import validate_parameters

from taxiway.aws.deploying.account import Account

ACCOUNT = "123456789012"
REGION = "us-west-2"
TAGS = {"taxiway:backend": "shop", "taxiway:stage": "prod"}
"""Of every stack, as a deployment sets them."""

Answer: TypeAlias = "Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]"


class CloudFormation:
    """Each operation has its answer, or a function that finds it for a request. `called` is what was asked of it."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self._asked: Mapping[str, Any] = {}
        self.called: list[str] = []

    @property
    def account(self) -> Account:
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        session.events.register("before-parameter-build", self._hear)
        session.events.register("before-call", self._answer)
        return Account(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:user/test", session)

    def _hear(self, params: Mapping[str, Any], **_: Any) -> None:
        self._asked = params

    def _answer(self, model: Any, **_: Any) -> tuple[Any, Mapping[str, Any]]:
        self.called.append(model.name)
        answer = self._answers.get(model.name, {})
        found = answer(self._asked) if callable(answer) else answer
        if "Error" in found:
            return SimpleNamespace(status_code=400), found
        if model.output_shape is not None:
            validate_parameters(found, model.output_shape)  # nothing is answered that AWS could not
        return SimpleNamespace(status_code=200), found


def stack(name: str, status: str, **more: Any) -> dict[str, Any]:
    """What DescribeStacks has of one stack."""
    found = {
        "StackId": stack_id(name),
        "StackName": name,
        "CreationTime": "2026-01-01T00:00:00Z",
        "StackStatus": status,
        "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
    }
    return {"Stacks": [found | more]}


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/d0a825a0-e4cd-11ee-b9fb-061c69e99204"
