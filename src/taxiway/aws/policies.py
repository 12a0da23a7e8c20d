"""The IAM policy of a function: exactly what the declaration grants, and what Lambda itself needs to run it.

Pure, so that the laptop can enforce the same policy that AWS gets. docs/least-privilege.md explains it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from os.path import commonprefix
from typing import Any, TypeAlias

from taxiway.aws import names
from taxiway.declare import Backend, DeclarationError, Function, Route, Secret, Stage

Statement: TypeAlias = dict[str, Any]
Policy: TypeAlias = dict[str, Any]

POLICY_LIMIT = 10_240
"""Characters of a role's inline policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

ENDPOINT_LIMIT = 20_480
"""Characters, white space among them: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"""

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

_READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
_FIND_STREAM = ["dynamodb:ListStreams"]
_OF_STREAMS = {*_READ_STREAM, *_FIND_STREAM}

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
        *(statement for secret in dict.fromkeys(function.secrets) for statement in _secret(secret, stage)),
        *_consumer(backend, function, stage, stream),
        _logs(backend, function, stage),
    ]
    if backend.operations.tracing:
        statements.append(allow("Tracing", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))
    if backend.network is not None:
        statements += _network(backend, function, stage)
    document = {"Version": "2012-10-17", "Statement": _told_apart(statements)}
    if size(document) > POLICY_LIMIT:
        raise DeclarationError(
            f"Function {function.name}: its policy would have {size(document)} characters, and IAM takes "
            f"{POLICY_LIMIT}.",
            fix="let it do less: give some of its routes a function of their own",
            where=function.source,
        )
    return document


def of_endpoint(service: str, backend: Backend, stage: Stage) -> Policy | None:
    """What any of the functions may do with a service, for its endpoint in the network; None where that is nothing.

    Raises DeclarationError where that is longer than EC2 takes. Lambda reads a stream itself, and not from the network:
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    actions: dict[str, set[str]] = defaultdict(set)
    for function in names.functions(backend):
        for statement in policy(backend, function, stage)["Statement"]:
            for action in statement["Action"]:
                if action.startswith(f"{service}:") and action not in _OF_STREAMS:
                    for resource in statement["Resource"]:
                        actions[resource].add(action)
    resources: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for resource, allowed in sorted(actions.items()):
        resources[tuple(sorted(allowed))].append(resource)
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": list(allowed), "Resource": found}
        for allowed, found in sorted(resources.items())
    ]
    if not statements:
        return None
    document = {"Version": "2012-10-17", "Statement": statements}
    length = len(json.dumps(document))
    if length > ENDPOINT_LIMIT:
        raise DeclarationError(
            f"The network's endpoint for {service} would have a policy of {length} characters, and EC2 takes "
            f"{ENDPOINT_LIMIT}.",
            fix="keep several values in one secret, or name a network that exists: Network(subnets=…)",
            where=backend.source,
        )
    return document


def size(document: Policy) -> int:
    """The characters of a document as IAM counts them: without white space."""
    return len(re.sub(r"\s", "", str(document)))


def trust(service: str, account: str | None = None) -> Policy:
    """Who may take a role: one service of AWS, and where an account is named, on its behalf alone."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def invoked_by(routes: Sequence[Route]) -> str:
    """The requests that a function is called for, as an ARN of the API ends: `*/GET/items/*` for `GET /items/{id}`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html, and for `$default`
    https://github.com/aws/serverless-application-model/issues/1860. A function has one such pattern, since all that may
    call it has to fit into 20 KB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): that of
    several routes is the narrowest that fits each.
    """
    if any(route.path == "$default" for route in routes):
        return "*/$default" if len(routes) == 1 else "*/*"
    methods = {"*" if route.method == "ANY" else route.method for route in routes}
    paths = {_FIELD.sub("*", route.path) for route in routes}
    method = methods.pop() if len(methods) == 1 else "*"
    start = commonprefix([*paths])  # noqa: RUF071  a pattern may end within a segment
    return f"*/{method}{start}" + ("*" if len(paths) > 1 else "")


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
        allow(
            "".join(allowed) + re.sub(r"\W|_", "", index.title()),
            [f"dynamodb:{call}" for call in allowed],
            [table_arn(backend, stage) + (f"/index/{index}" if index else "")],
            _leading_keys(sorted(found)),
        )
        for (index, allowed), found in sorted(keys.items())
    ]


def _told_apart(statements: list[Statement]) -> list[Statement]:
    """With a number after each Sid that an earlier statement has: of names as `gsi-1` and `gsi1` it holds the same."""
    taken: set[str] = set()
    for statement in statements:
        found, number = statement["Sid"], 2
        while statement["Sid"] in taken:
            statement["Sid"] = f"{found}x{number}"
            number += 1
        taken.add(statement["Sid"])
    return statements


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
    if any(grant.operation not in ("get", "query", "check") for grant in function.grants):
        actions += ["kms:CreateGrant", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    return [allow("TableKey", sorted(actions), [key], via("dynamodb", stage))]


def _secret(secret: Secret, stage: Stage) -> list[Statement]:
    found = re.sub(r"\W|_", "", secret.variable.title())
    allowed = [allow(f"Read{found}", ["secretsmanager:GetSecretValue"], [secret_arn(secret.id or "", stage)])]
    if secret.encryption_key is not None:
        allowed.append(allow(f"Decrypt{found}", ["kms:Decrypt"], [secret.encryption_key], via("secretsmanager", stage)))
    return allowed


def _consumes(backend: Backend, function: Function) -> bool:
    return any(consumer.function is function for consumer in backend.consumers)


def _consumer(backend: Backend, function: Function, stage: Stage, arn: str | None) -> list[Statement]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, with the queue for what fails."""
    if not _consumes(backend, function):
        return []
    return [
        allow("Changes", _READ_STREAM, [arn or f"{table_arn(backend, stage)}/stream/*"]),
        allow("FindChanges", _FIND_STREAM, ["*"]),
        allow("Failures", ["sqs:SendMessage"], [names.arn(stage, "sqs", names.failures(backend, stage, function))]),
    ]


def _logs(backend: Backend, function: Function, stage: Stage) -> Statement:
    """Its own log group, which the stack makes: a function may not make one."""
    streams = names.arn(stage, "logs", f"log-group:{names.log_group(backend, stage, function)}:log-stream:*")
    return allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])


def _network(backend: Backend, function: Function, stage: Stage) -> list[Statement]:
    """Lambda's own work in a VPC, which the code of the function is denied."""
    own = names.arn(stage, "lambda", f"function:{names.function(backend, stage, function)}")
    return [
        allow("Network", _NETWORK, ["*"]),
        {
            "Sid": "NetworkNotByTheCode",
            "Effect": "Deny",
            "Action": _NETWORK,
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": [own]}},
        },
    ]


def via(service: str, stage: Stage) -> dict[str, Any]:
    """The condition that a key of KMS is used through a service alone."""
    suffix = "amazonaws.com.cn" if stage.region.startswith("cn-") else "amazonaws.com"
    return {"StringEquals": {"kms:ViaService": f"{service}.{stage.region}.{suffix}"}}


def allow(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    """One statement of a policy."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | {"Condition": condition} if condition else statement
