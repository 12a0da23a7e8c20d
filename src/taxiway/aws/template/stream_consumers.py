"""Consumers of the table's changes on AWS: from the stream to the function, and a queue that names what fails."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from taxiway.aws.template import alarms
from taxiway.aws.template.alarm_topic import AlarmTopic
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Stage, StreamConsumer, names

_DAYS_KEPT = 14


def add_stream_consumer(
    scope: Construct,
    consumer: StreamConsumer,
    backend: Backend,
    stage: Stage,
    stream_arn: str,
    function_arn: str,
    topic: AlarmTopic | None,
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""
    name = names.failures(backend, stage, consumer.function)
    queue = sqs.CfnQueue(
        scope,
        "Failures",
        queue_name=name,
        message_retention_period=_DAYS_KEPT * 24 * 60 * 60,
        sqs_managed_sse_enabled=True,
    )
    queue.apply_removal_policy(RemovalPolicy.DESTROY)
    acknowledge(queue, "It is itself the queue of what failed.", "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")
    sqs.CfnQueuePolicy(
        scope,
        "FailuresPolicy",
        queues=[queue.ref],
        policy_document={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": queue.attr_arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    )
    lambda_.CfnEventSourceMapping(
        scope,
        "Changes",
        event_source_arn=stream_arn,
        function_name=function_arn,
        starting_position="TRIM_HORIZON",
        batch_size=consumer.batch,
        maximum_retry_attempts=consumer.attempts - 1,
        bisect_batch_on_function_error=True,
        destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=queue.attr_arn)
        ),
    )
    if topic is not None:
        topic.tell(scope, alarms.of_stream_consumer(backend, stage, consumer.function))
