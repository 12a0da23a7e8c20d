"""The IAM policy of a function: exactly what the declaration grants, and what Lambda itself needs to run it.

Pure, so that local development can enforce the same policy as AWS. docs/concepts/least-privilege.md explains it.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, assert_never

from taxiway.declare import names
from taxiway.declare.api import Route
from taxiway.declare.backend import Backend
from taxiway.declare.errors import DeclarationError
from taxiway.declare.function import Function
from taxiway.declare.secret import Secret
from taxiway.declare.stage import Stage
from taxiway.declare.stream import StreamConsumer
from taxiway.declare.triggers import Trigger
from taxiway.permissions.statements import Policy, Statement, size, statement, via

POLICY_LIMIT = 10_240
"""Characters of a role's inline policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


_LABEL = "DynamoDB generates the label of a table's stream, which is unknown before the table is deployed"

WILDCARDS = {
    "logs:CreateLogStream": "Lambda generates the names of the streams in the function's own log group",
    "logs:PutLogEvents": "Lambda generates the names of the streams in the function's own log group",
    "secretsmanager:GetSecretValue": "Secrets Manager ends a secret's ARN with six random characters",
    "xray:PutTraceSegments": "X-Ray has no resources",
    "xray:PutTelemetryRecords": "X-Ray has no resources",
    "dynamodb:DescribeStream": _LABEL,
    "dynamodb:GetRecords": _LABEL,
    "dynamodb:GetShardIterator": _LABEL,
    "dynamodb:ListStreams": "DynamoDB lists the streams of an account, and can't limit the list to a table",
    "ec2:CreateNetworkInterface": "a network interface has no ARN before Lambda creates it",
    "ec2:DeleteNetworkInterface": "EC2 generates the ids of network interfaces",
    "ec2:DescribeNetworkInterfaces": "EC2 can't limit what is described",
    "ec2:DescribeSubnets": "EC2 can't limit what is described",
    "ec2:AssignPrivateIpAddresses": "EC2 generates the ids of network interfaces",
    "ec2:UnassignPrivateIpAddresses": "EC2 generates the ids of network interfaces",
}
"""Every action that is allowed on a resource with a wildcard in its ARN, and why AWS supports nothing narrower."""

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_NETWORK = sorted(action for action in WILDCARDS if action.startswith("ec2:"))

_READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
_FIND_STREAM = ["dynamodb:ListStreams"]
STREAM_ACTIONS = frozenset({*_READ_STREAM, *_FIND_STREAM})

_LEADING_KEYS = "dynamodb:LeadingKeys"
_FIELD = re.compile(r"\{[^{}]*\}")


def function_policy(backend: Backend, function: Function, stage: Stage, stream: object | None = None) -> Policy:
    """The policy document of a function's role, the same for the same declaration.

    `stream` is the ARN of the table's stream, if it is known: DynamoDB generates its label. Raises DeclarationError if
    the policy would exceed IAM's limit.
    """
    of_triggers = [
        each for trigger in backend.triggers_of(function) for each in _trigger(trigger, backend, stage, stream)
    ]
    statements = [
        *_table(backend, function, stage),
        *_encryption(backend, function, stage, of_triggers),
        *(each for secret in dict.fromkeys(function.secrets) for each in _secret(secret, stage)),
        *of_triggers,
        _logs(backend, function, stage),
    ]
    if backend.operations.tracing:
        statements.append(statement("Tracing", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))
    if backend.network is not None:
        statements += _network(backend, function, stage)
    document = {"Version": "2012-10-17", "Statement": _told_apart(statements)}
    if size(document) > POLICY_LIMIT:
        raise DeclarationError(
            f"Function {function.name}: its policy would have {size(document)} characters, and IAM allows "
            f"{POLICY_LIMIT}.",
            fix="grant it less: give some of its routes their own function",
            where=function.source,
        )
    return document


def table_arn(backend: Backend, stage: Stage) -> str:
    return names.arn(stage, "dynamodb", f"table/{backend.table_name(stage)}")


def secret_arn(secret_id: str, stage: Stage) -> str:
    """The ARN of a secret by its id, with `?` for each of the six characters that Secrets Manager adds.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
    """
    return (
        secret_id if secret_id.startswith("arn:") else names.arn(stage, "secretsmanager", f"secret:{secret_id}-??????")
    )


def leading_key(template: str) -> str:
    """A partition key's template as IAM matches it: `ITEM#{id}` is `ITEM#*`. A field's value never holds a `#`."""
    return _FIELD.sub("*", template)


def _table(backend: Backend, function: Function, stage: Stage) -> list[Statement]:
    """One statement for each list of keys, with the calls on the table or on an index that are granted for all of them.

    Each call stands in one statement with all of its keys, so that one statement covers a batch of two entities.
    """
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grant in function.grants:
        for access in grant.accesses:
            for call in access.calls:
                keys[access.index or "", call].add(leading_key(access.partition_key))
    calls: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (index, call), granted in sorted(keys.items()):
        calls[index, tuple(sorted(granted))].append(call)
    return [
        statement(
            "".join(allowed) + re.sub(r"\W|_", "", index.title()),
            [f"dynamodb:{call}" for call in allowed],
            [table_arn(backend, stage) + (f"/index/{index}" if index else "")],
            _leading_keys(list(granted)),
        )
        for (index, granted), allowed in sorted(calls.items(), key=lambda found: (found[0][0], found[1]))
    ]


def _told_apart(statements: list[Statement]) -> list[Statement]:
    """Add a number to each Sid that an earlier statement has: names such as `gsi-1` and `gsi1` give the same Sid."""
    taken: set[str] = set()
    for each in statements:
        found, number = each["Sid"], 2
        while each["Sid"] in taken:
            each["Sid"] = f"{found}x{number}"
            number += 1
        taken.add(each["Sid"])
    return statements


def _leading_keys(keys: list[str]) -> dict[str, Any] | None:
    """Limits a call to these partition keys. `Null` is needed because ForAllValues is true for a call without any key.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    if "*" in keys:  # a key of one field and nothing else: it may be anything
        return None
    operator = "StringLike" if any("*" in key for key in keys) else "StringEquals"
    return {f"ForAllValues:{operator}": {_LEADING_KEYS: keys}, "Null": {_LEADING_KEYS: "false"}}


def _encryption(
    backend: Backend, function: Function, stage: Stage, of_triggers: Sequence[Statement]
) -> list[Statement]:
    """The permissions that a customer managed key requires of functions that use the table.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    key = backend.table.encryption_key if backend.table else None
    reads_stream = any(not STREAM_ACTIONS.isdisjoint(each["Action"]) for each in of_triggers)
    if key is None or not (function.grants or reads_stream):
        return []
    actions = ["kms:Decrypt", "kms:DescribeKey"]
    if any(grant.verb not in ("get", "query", "check") for grant in function.grants):
        actions += ["kms:CreateGrant", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    return [statement("TableKey", sorted(actions), [key], via("dynamodb", stage))]


def _secret(secret: Secret, stage: Stage) -> list[Statement]:
    found = re.sub(r"\W|_", "", secret.variable.title())
    allowed = [statement(f"Read{found}", ["secretsmanager:GetSecretValue"], [secret_arn(secret.id or "", stage)])]
    if secret.encryption_key is not None:
        allowed.append(
            statement(f"Decrypt{found}", ["kms:Decrypt"], [secret.encryption_key], via("secretsmanager", stage))
        )
    return allowed


def _trigger(trigger: Trigger, backend: Backend, stage: Stage, stream: object | None) -> list[Statement]:
    """The permissions that a function needs so that a trigger can invoke it."""
    match trigger:
        case Route():
            return []
        case StreamConsumer():
            return _stream_consumer(trigger, backend, stage, stream)
        case _:
            assert_never(trigger)


def _stream_consumer(consumer: StreamConsumer, backend: Backend, stage: Stage, arn: object | None) -> list[Statement]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, with the queue for what fails."""
    queue = names.failures(backend, stage, consumer.function)
    return [
        statement("Changes", _READ_STREAM, [arn or f"{table_arn(backend, stage)}/stream/*"]),
        statement("FindChanges", _FIND_STREAM, ["*"]),
        statement("Failures", ["sqs:SendMessage"], [names.arn(stage, "sqs", queue)]),
    ]


def _logs(backend: Backend, function: Function, stage: Stage) -> Statement:
    """Its own log group, which the stack creates: a function may not create one."""
    streams = names.arn(stage, "logs", f"log-group:{names.log_group(backend, stage, function)}:log-stream:*")
    return statement("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])


def _network(backend: Backend, function: Function, stage: Stage) -> list[Statement]:
    """What Lambda itself does in a VPC; the code of the function is denied it."""
    own = names.arn(stage, "lambda", f"function:{names.function(backend, stage, function)}")
    return [
        statement("Network", _NETWORK, ["*"]),
        {
            "Sid": "NetworkNotByTheCode",
            "Effect": "Deny",
            "Action": _NETWORK,
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [own]}},
        },
    ]
