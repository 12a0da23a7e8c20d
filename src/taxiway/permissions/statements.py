"""Statements and documents of IAM policies: how they are written and measured."""

import re
from typing import Any, TypeAlias

from taxiway.declare.stage import Stage

Statement: TypeAlias = dict[str, Any]
Policy: TypeAlias = dict[str, Any]


def size(document: Policy) -> int:
    """The characters of a document as IAM counts them: without white space."""
    return len(re.sub(r"\s", "", str(document)))


def trust(service: str, account: str | None = None) -> Policy:
    """A trust policy: one AWS service may assume the role, only on behalf of `account` if it is given."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def via(service: str, stage: Stage) -> dict[str, Any]:
    """The condition that a KMS key is only used through a service."""
    suffix = "amazonaws.com.cn" if stage.region.startswith("cn-") else "amazonaws.com"
    return {"StringEquals": {"kms:ViaService": f"{service}.{stage.region}.{suffix}"}}


def statement(sid: str, actions: list[str], resources: list[Any], condition: dict[str, Any] | None = None) -> Statement:
    """One statement of a policy."""
    made: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return made | {"Condition": condition} if condition else made
