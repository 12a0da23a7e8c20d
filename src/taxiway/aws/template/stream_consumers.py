"""Consumers of the table's changes on AWS: from the stream to the function, and a queue that names what fails."""

from taxiway.aws.template import alarms
from taxiway.aws.template.alarm_topic import AlarmTopic
from taxiway.aws.template.cloudformation_types import awslambda, sqs
from taxiway.aws.template.stack_template import Scope, Value
from taxiway.declare import Backend, Stage, StreamConsumer, names

_DAYS_KEPT = 14


def add_stream_consumer(
    scope: Scope,
    consumer: StreamConsumer,
    backend: Backend,
    stage: Stage,
    stream_arn: Value,
    function_arn: Value,
    topic: AlarmTopic | None,
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""
    queue = scope.add(
        sqs.Queue,
        "Failures",
        kept=False,
        QueueName=names.failures(backend, stage, consumer.function),
        MessageRetentionPeriod=_DAYS_KEPT * 24 * 60 * 60,
        SqsManagedSseEnabled=True,
    )
    scope.add(
        sqs.QueuePolicy,
        "FailuresPolicy",
        Queues=[queue.ref()],
        PolicyDocument={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": queue.get_att("Arn"),
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    )
    scope.add(
        awslambda.EventSourceMapping,
        "Changes",
        EventSourceArn=stream_arn,
        FunctionName=function_arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=consumer.batch,
        MaximumRetryAttempts=consumer.attempts - 1,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": queue.get_att("Arn")}},
    )
    if topic is not None:
        topic.tell(scope, alarms.of_stream_consumer(backend, stage, consumer.function))
