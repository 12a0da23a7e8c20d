"""The IAM policy of a function: exactly what the declaration grants, and what Lambda itself needs to run it.

Pure, so that the laptop can enforce the same policy that AWS gets. docs/least-privilege.md explains it.
"""

import re
from collections import defaultdict
from typing import Any, TypeAlias

from taxiway.aws import names
from taxiway.declare import Backend, DeclarationError, Function, Secret, Stage

Statement: TypeAlias = dict[str, Any]
Policy: TypeAlias = dict[str, Any]

POLICY_LIMIT = 10_240
"""Characters of a role's inline policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_LABEL = "DynamoDB makes up the label of a table's stream, which only a policy that is deployed can have"

WILDCARDS = {
    "logs:CreateLogStream": "Lambda makes up the names of the streams in the function's own log group",
    "logs:PutLogEvents": "Lambda makes up the names of the streams in the function's own log group",
    "secretsmanager:GetSecretValue": "Secrets Manager ends a secret's ARN in six characters of its own choice",
    "xray:PutTraceSegments": "X-Ray has no resource to name",
    "xray:PutTelemetryRecords": "X-Ray has no resource to name",
    "dynamodb:DescribeStream": _LABEL,
    "dynamodb:GetRecords": _LABEL,
    "dynamodb:GetShardIterator": _LABEL,
    "dynamodb:ListStreams": "DynamoDB lists streams for an account, and can't limit it to a table",
    "ec2:CreateNetworkInterface": "Lambda makes a network interface before it has an ARN",
    "ec2:DeleteNetworkInterface": "Lambda makes up the ids of its network interfaces",
    "ec2:DescribeNetworkInterfaces": "EC2 can't limit what is described",
    "ec2:DescribeSubnets": "EC2 can't limit what is described",
    "ec2:AssignPrivateIpAddresses": "Lambda makes up the ids of its network interfaces",
    "ec2:UnassignPrivateIpAddresses": "Lambda makes up the ids of its network interfaces",
}
"""Every action that is allowed on a resource with a wildcard in its ARN, and why AWS offers no other way."""

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_NETWORK = sorted(action for action in WILDCARDS if action.startswith("ec2:"))

_LEADING_KEYS = "dynamodb:LeadingKeys"
_FIELD = re.compile(r"\{[^{}]*\}")


def policy(backend: Backend, function: Function, stage: Stage, stream: str | None = None) -> Policy:
    """The policy document of a function's role, the same for the same declaration.

    `stream` is the ARN of the table's stream, where it is known: its label is DynamoDB's own. Raises DeclarationError
    where the policy would be longer than IAM takes.
    """
    statements = [
        *_table(backend, function, stage),
        *_encryption(backend, function, stage),
        *(statement for secret in function.secrets for statement in _secret(secret, stage)),
        *_consumer(backend, function, stage, stream),
        _logs(backend, function, stage),
    ]
    if backend.operations.tracing:
        statements.append(_allow("Tracing", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))
    if backend.network is not None:
        statements += _network(backend, function, stage)
    document = {"Version": "2012-10-17", "Statement": statements}
    size = len(re.sub(r"\s", "", str(document)))
    if size > POLICY_LIMIT:
        raise DeclarationError(
            f"Function {function.name}: its policy would have {size} characters, and IAM takes {POLICY_LIMIT}.",
            fix="let it do less: give some of its routes a function of their own",
            where=function.source,
        )
    return document


def trust(service: str) -> Policy:
    """Who may take a role: one service of AWS."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


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
    """One statement for each set of calls on the table, or on one of its indexes, with the keys that it holds for."""
    calls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grant in function.grants:
        for access in grant.accesses:
            calls[access.index or "", leading_key(access.partition_key)].update(access.calls)
    keys: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (index, key), allowed in calls.items():
        keys[index, tuple(sorted(allowed))].append(key)
    return [
        _allow(
            "".join(allowed) + re.sub(r"\W|_", "", index.title()),
            [f"dynamodb:{call}" for call in allowed],
            [table_arn(backend, stage) + (f"/index/{index}" if index else "")],
            _leading_keys(sorted(found)),
        )
        for (index, allowed), found in sorted(keys.items())
    ]


def _leading_keys(keys: list[str]) -> dict[str, Any] | None:
    """That a call reaches these partition keys alone. `Null` is there since ForAllValues holds of a call without any.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    if "*" in keys:  # a key of one field and nothing else: it may be anything
        return None
    operator = "StringLike" if any("*" in key for key in keys) else "StringEquals"
    return {f"ForAllValues:{operator}": {_LEADING_KEYS: keys}, "Null": {_LEADING_KEYS: "false"}}


def _encryption(backend: Backend, function: Function, stage: Stage) -> list[Statement]:
    """What a key of one's own asks of who uses the table.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    key = backend.table.encryption_key if backend.table else None
    if key is None or not (function.grants or _consumes(backend, function)):
        return []
    actions = ["kms:Decrypt", "kms:DescribeKey"]
    if any(grant.operation in ("put", "update", "delete") for grant in function.grants):
        actions += ["kms:CreateGrant", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    return [_allow("TableKey", sorted(actions), [key], _via("dynamodb", stage))]


def _secret(secret: Secret, stage: Stage) -> list[Statement]:
    found = re.sub(r"\W|_", "", secret.variable.title())
    allowed = [_allow(f"Read{found}", ["secretsmanager:GetSecretValue"], [secret_arn(secret.id or "", stage)])]
    if secret.encryption_key is not None:
        allowed.append(
            _allow(f"Decrypt{found}", ["kms:Decrypt"], [secret.encryption_key], _via("secretsmanager", stage))
        )
    return allowed


def _consumes(backend: Backend, function: Function) -> bool:
    return any(consumer.function is function for consumer in backend.consumers)


def _consumer(backend: Backend, function: Function, stage: Stage, arn: str | None) -> list[Statement]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, with the queue for what fails."""
    if not _consumes(backend, function):
        return []
    stream = [f"dynamodb:{call}" for call in ("DescribeStream", "GetRecords", "GetShardIterator")]
    return [
        _allow("Changes", stream, [arn or f"{table_arn(backend, stage)}/stream/*"]),
        _allow("FindChanges", ["dynamodb:ListStreams"], ["*"]),
        _allow("Failures", ["sqs:SendMessage"], [names.arn(stage, "sqs", names.failures(backend, stage, function))]),
    ]


def _logs(backend: Backend, function: Function, stage: Stage) -> Statement:
    """Its own log group, which the stack makes: a function may not make one."""
    streams = names.arn(stage, "logs", f"log-group:{names.log_group(backend, stage, function)}:log-stream:*")
    return _allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])


def _network(backend: Backend, function: Function, stage: Stage) -> list[Statement]:
    """Lambda's own work in a VPC, which the code of the function is denied."""
    own = names.arn(stage, "lambda", f"function:{names.function(backend, stage, function)}")
    return [
        _allow("Network", _NETWORK, ["*"]),
        {
            "Sid": "NetworkNotByTheCode",
            "Effect": "Deny",
            "Action": _NETWORK,
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [own]}},
        },
    ]


def _via(service: str, stage: Stage) -> dict[str, Any]:
    suffix = "amazonaws.com.cn" if stage.region.startswith("cn-") else "amazonaws.com"
    return {"StringEquals": {"kms:ViaService": f"{service}.{stage.region}.{suffix}"}}


def _allow(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | {"Condition": condition} if condition else statement
