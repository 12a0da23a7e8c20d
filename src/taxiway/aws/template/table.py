"""The table on AWS: its keys, indexes, TTL, stream, capacity and protection."""

from typing import Any

from taxiway.aws.template.cloudformation_types import applicationautoscaling, dynamodb
from taxiway.aws.template.stack_template import Resource, Scope
from taxiway.declare import Backend, Capacity, Stage, Table, names

_DAYS_TO_RESTORE = 35


def add_table(scope: Scope, backend: Backend, stage: Stage) -> Resource | None:
    """The table of a backend that has one."""
    if backend.table is None:
        return None
    declared = backend.table
    protected = backend.operations.is_protected(stage)
    encryption = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": declared.encryption_key}
    recovery = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": _DAYS_TO_RESTORE}
    table = scope.add(
        dynamodb.Table,
        "Table",
        kept=protected,
        TableName=backend.table_name(stage),
        KeySchema=_keys(declared.partition_key, declared.sort_key),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in declared.key_attributes],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.partition_key, index.sort_key),
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": _throughput(declared.capacity),
            }
            for index in declared.indexes
        ]
        or None,
        BillingMode="PROVISIONED" if declared.capacity else "PAY_PER_REQUEST",
        ProvisionedThroughput=_throughput(declared.capacity),
        TimeToLiveSpecification={"AttributeName": declared.ttl, "Enabled": True} if declared.ttl else None,
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"} if declared.consumers else None,
        SSESpecification=encryption if declared.encryption_key else None,
        PointInTimeRecoverySpecification=recovery if protected else None,
        DeletionProtectionEnabled=protected,
    )
    if declared.capacity is not None:
        _scale(scope, table, declared, declared.capacity, backend, stage)
    return table


def _keys(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _throughput(capacity: Capacity | None) -> dict[str, Any] | None:
    return capacity and {"ReadCapacityUnits": capacity.read[0], "WriteCapacityUnits": capacity.write[0]}


def _scale(scope: Scope, table: Resource, declared: Table, capacity: Capacity, backend: Backend, stage: Stage) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"""
    for index in (None, *(index.name for index in declared.indexes)):
        kind = "index" if index else "table"
        for way, (least, most) in (("Read", capacity.read), ("Write", capacity.write)):
            own = scope.within("Capacity", f"{way} {kind} {index or ''}".rstrip())
            target = own.add(
                applicationautoscaling.ScalableTarget,
                "Target",
                after=[table],
                ServiceNamespace="dynamodb",
                ResourceId=f"table/{backend.table_name(stage)}" + (f"/index/{index}" if index else ""),
                ScalableDimension=f"dynamodb:{kind}:{way}CapacityUnits",
                MinCapacity=least,
                MaxCapacity=most,
            )
            own.add(
                applicationautoscaling.ScalingPolicy,
                "Scaling",
                PolicyName=names.scaling(backend, stage, index, way.lower()),
                PolicyType="TargetTrackingScaling",
                ScalingTargetId=target.ref(),
                TargetTrackingScalingPolicyConfiguration={
                    "TargetValue": capacity.target,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{way}CapacityUtilization"},
                },
            )
