"""The table on AWS: its keys, indexes, TTL, stream, capacity and protection."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Capacity, Stage, Table, names

_DAYS_TO_RESTORE = 35


def add_table(stack: Stack, backend: Backend, stage: Stage) -> dynamodb.CfnTable | None:
    """The table of a backend that has one."""
    if backend.table is None:
        return None
    declared = backend.table
    protected = backend.operations.is_protected(stage)
    table = dynamodb.CfnTable(
        stack,
        "Table",
        table_name=backend.table_name(stage),
        key_schema=_keys(declared.partition_key, declared.sort_key),
        attribute_definitions=[
            dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")
            for name in declared.key_attributes
        ],
        global_secondary_indexes=[
            dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                index_name=index.name,
                key_schema=_keys(index.partition_key, index.sort_key),
                projection=dynamodb.CfnTable.ProjectionProperty(projection_type="ALL"),
                provisioned_throughput=_throughput(declared.capacity),
            )
            for index in declared.indexes
        ]
        or None,
        billing_mode="PROVISIONED" if declared.capacity else "PAY_PER_REQUEST",
        provisioned_throughput=_throughput(declared.capacity),
        time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
            attribute_name=declared.ttl, enabled=True
        )
        if declared.ttl
        else None,
        stream_specification=dynamodb.CfnTable.StreamSpecificationProperty(stream_view_type="NEW_AND_OLD_IMAGES")
        if declared.consumers
        else None,
        sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
            sse_enabled=True, sse_type="KMS", kms_master_key_id=declared.encryption_key
        )
        if declared.encryption_key
        else None,
        point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
            point_in_time_recovery_enabled=True, recovery_period_in_days=_DAYS_TO_RESTORE
        )
        if protected
        else None,
        deletion_protection_enabled=protected,
    )
    table.apply_removal_policy(RemovalPolicy.RETAIN if protected else RemovalPolicy.DESTROY)
    if not protected:
        acknowledge(table, "This stage is not protected: its data may be lost.", "AwsSolutions-DDB3")
    if declared.capacity is not None:
        _scale(stack, table, declared, declared.capacity, backend, stage)
    return table


def _keys(partition_key: str, sort_key: str) -> list[dynamodb.CfnTable.KeySchemaProperty]:
    return [
        dynamodb.CfnTable.KeySchemaProperty(attribute_name=partition_key, key_type="HASH"),
        dynamodb.CfnTable.KeySchemaProperty(attribute_name=sort_key, key_type="RANGE"),
    ]


def _throughput(capacity: Capacity | None) -> dynamodb.CfnTable.ProvisionedThroughputProperty | None:
    if capacity is None:
        return None
    return dynamodb.CfnTable.ProvisionedThroughputProperty(
        read_capacity_units=capacity.read[0], write_capacity_units=capacity.write[0]
    )


def _scale(
    stack: Stack, table: dynamodb.CfnTable, declared: Table, capacity: Capacity, backend: Backend, stage: Stage
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"""
    capacities = Construct(stack, "Capacity")
    for index in (None, *(index.name for index in declared.indexes)):
        kind = "index" if index else "table"
        for way, (least, most) in (("Read", capacity.read), ("Write", capacity.write)):
            own = Construct(capacities, f"{way} {kind} {index or ''}".rstrip())
            target = scaling.CfnScalableTarget(
                own,
                "Target",
                service_namespace="dynamodb",
                resource_id=f"table/{backend.table_name(stage)}" + (f"/index/{index}" if index else ""),
                scalable_dimension=f"dynamodb:{kind}:{way}CapacityUnits",
                min_capacity=least,
                max_capacity=most,
            )
            target.add_resource_dependency(table)
            scaling.CfnScalingPolicy(
                own,
                "Scaling",
                policy_name=names.scaling(backend, stage, index, way.lower()),
                policy_type="TargetTrackingScaling",
                scaling_target_id=target.ref,
                target_tracking_scaling_policy_configuration=scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=capacity.target,
                    predefined_metric_specification=scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                        predefined_metric_type=f"DynamoDB{way}CapacityUtilization"
                    ),
                ),
            )
