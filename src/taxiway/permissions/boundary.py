"""The permissions boundary of a stage's roles: what they may do at most, whatever a deployment grants them. Pure.

It allows what any function of the stage could be granted by `uses`, and what the roles of releases and of the network
need. It is made once, by an administrator: a deployment can't change it.
"""

from collections.abc import Iterator

from taxiway.declare import bootstrap, names
from taxiway.declare.backend import Backend
from taxiway.declare.errors import DeclarationError
from taxiway.declare.stage import Stage
from taxiway.permissions.function_policy import secret_arn, table_arn
from taxiway.permissions.statements import Policy, Statement, size, statement

BOUNDARY_LIMIT = 6_144
"""Characters of a managed policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def boundary_policy(backend: Backend, stage: Stage) -> Policy:
    """The document of the boundary. Raises DeclarationError if it would exceed IAM's limit."""
    document = {"Version": "2012-10-17", "Statement": list(_statements(backend, stage))}
    if size(document) > BOUNDARY_LIMIT:
        raise DeclarationError(
            f"The permissions boundary of {backend.name} would have {size(document)} characters, and IAM allows "
            f"{BOUNDARY_LIMIT}.",
            fix="name your own: Operations(boundary=…)",
            where=backend.source,
        )
    return document


def _statements(backend: Backend, stage: Stage) -> Iterator[Statement]:
    stages = bootstrap.stages(backend, stage)
    own = names.own(backend, stages, "*")

    def of(service: str, *resources: str) -> list[str]:
        return [names.arn(stage, service, resource) for resource in resources]

    table = table_arn(backend, stages)
    items = ("*Item", "Query", "DescribeStream", "GetRecords", "GetShardIterator")
    yield statement("Table", [f"dynamodb:{each}" for each in items], [table, f"{table}/*"])
    logs = of("logs", f"log-group:/aws/lambda/{own}", f"log-group:{names.network_log(backend, stages)}*")
    yield statement("Logs", ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], logs)
    yield statement("Failures", ["sqs:SendMessage"], of("sqs", own))
    path = names.path(backend, stages)
    secrets = [secret_arn(each, stage) for each in (path[:-1], f"{path}*")]
    own_path = names.path(backend, stage)
    others = [each.id for each in backend.secrets if each.id and not f"{each.id}/".startswith(own_path)]
    declared = [secret_arn(each, stage) for each in others]
    yield statement("Secrets", ["secretsmanager:GetSecretValue"], [*dict.fromkeys((*secrets, *declared))])
    calls = ["GetAlias", "GetProvisionedConcurrencyConfig", "InvokeFunction", "UpdateAlias"]
    yield statement("Releases", [f"lambda:{call}" for call in calls], of("lambda", f"function:{own}"))
    yield statement(
        "Anywhere",
        [
            *("cloudwatch:DescribeAlarms", "codedeploy:PutLifecycleEventHookExecutionStatus", "dynamodb:ListStreams"),
            *("ec2:*NetworkInterface*", "ec2:*PrivateIpAddresses", "ec2:DescribeSubnets", "logs:DescribeLogGroups"),
            "xray:Put*",
        ],
        ["*"],
    )
    if keys := _keys(backend):
        calls = ["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*"]
        yield statement("Keys", [f"kms:{call}" for call in calls], keys)


def _keys(backend: Backend) -> list[str]:
    keys = [secret.encryption_key for secret in backend.secrets]
    keys.append(backend.table.encryption_key if backend.table else None)
    return sorted({key for key in keys if key is not None})
