"""Alarms on AWS: what is worth waking someone for, sent to one topic of the stage.

What is no function's is called with a dot, `items-prod.5xx`, which no function's name has.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct
from msgspec import Struct

from taxiway.aws import names
from taxiway.aws.acknowledged import acknowledge
from taxiway.declare import Backend, Function, Stage

LOGGED = "Taxiway"
"""The namespace of the metrics that count lines of logs."""

_NEAR_TIMEOUT = 0.8
_SLOW_API = 5_000  # ms
_SERVER_ERRORS = 5  # in five minutes
_USER_ERRORS = 10  # in five minutes
_MOST_METRICS = 10
"""In one alarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""


class Metric(Struct, frozen=True):
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


class AlarmTopic:
    """The topic that every alarm of a stage is sent to, and its readers by e-mail."""

    def __init__(self, stack: Stack, backend: Backend, stage: Stage) -> None:
        topic = sns.CfnTopic(
            stack,
            "Alarms",
            topic_name=f"{names.stack(backend, stage)}-alarms",
            display_name=f"Alarms of {backend.name}, {stage.name}",
        )
        acknowledge(
            topic,
            "An alarm tells a name and a number; a key for that would cost a dollar a month.",
            "AwsSolutions-SNS2",
        )
        sns.CfnTopicPolicy(
            stack,
            "AlarmsPolicy",
            topics=[topic.ref],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": topic.ref,
                        "Condition": {"StringEquals": {"aws:SourceAccount": stage.account}},
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sns:Publish",
                        "Resource": topic.ref,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        )
        for number, email in enumerate(backend.operations.emails, 1):
            subscription = sns.CfnSubscription(
                stack, f"Reader{number}", topic_arn=topic.ref, protocol="email", endpoint=email
            )
            acknowledge(
                subscription,
                "SNS can't redrive e-mail; the alarm's state stays to be seen.",
                "Serverless-SNSRedrivePolicy",
            )
        self.arn = topic.ref


def watch_function(
    scope: Construct, function: Function, name: str, log: logs.CfnLogGroup, topic: AlarmTopic
) -> list[cloudwatch.CfnAlarm]:
    """Errors, throttles and durations of a function.

    A handler answers 500 where an exception got to it, which is no error to Lambda: the lines that it logs at ERROR
    count too.
    """
    logged = logs.CfnMetricFilter(
        scope,
        "ErrorLines",
        log_group_name=log.ref,
        filter_pattern='{ $.level = "ERROR" }',
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace=LOGGED, metric_name=f"{name}-errors", metric_value="1", default_value=0
            )
        ],
    )
    of = {"FunctionName": name}
    errors = _alarm(
        scope,
        "Errors",
        name=f"{name}-errors",
        description=f"{name} fails. Its log says why: {log.log_group_name}",
        metrics=[Metric("AWS/Lambda", "Errors", of), Metric(LOGGED, f"{name}-errors", {})],
        threshold=1,
        topic=topic,
    )
    errors.add_resource_dependency(logged)
    throttles = _alarm(
        scope,
        "Throttles",
        name=f"{name}-throttles",
        description=f"{name} is refused for want of concurrency: its own, or the account's.",
        metrics=[Metric("AWS/Lambda", "Throttles", of)],
        threshold=1,
        topic=topic,
    )
    slow = _alarm(
        scope,
        "Duration",
        name=f"{name}-duration",
        description=f"One in a hundred invocations of {name} comes near its timeout of {function.timeout} s.",
        metrics=[Metric("AWS/Lambda", "Duration", of, "p99")],
        threshold=function.timeout * 1000 * _NEAR_TIMEOUT,
        periods=3,
        topic=topic,
    )
    return [errors, throttles, slow]


def watch_api(stack: Stack, topic: AlarmTopic, api_id: str, name: str) -> None:
    of = {"ApiId": api_id}
    _alarm(
        stack,
        "ServerErrors",
        name=f"{name}.5xx",
        description=f"The API {name} answers with server errors.",
        metrics=[Metric("AWS/ApiGateway", "5xx", of)],
        threshold=_SERVER_ERRORS,
        period=300,
        topic=topic,
    )
    _alarm(
        stack,
        "Latency",
        name=f"{name}.latency",
        description=f"One in a hundred requests to {name} takes {_SLOW_API / 1000:.0f} s or more.",
        metrics=[Metric("AWS/ApiGateway", "Latency", of, "p99")],
        threshold=_SLOW_API,
        period=300,
        periods=3,
        topic=topic,
    )


def watch_table(stack: Stack, topic: AlarmTopic, backend: Backend, stage: Stage) -> None:
    if backend.table is None:
        return
    table = backend.table_name(stage)
    throttles = [
        Metric("AWS/DynamoDB", way, {"TableName": table} | place)
        for place in ({}, *({"GlobalSecondaryIndexName": index.name} for index in backend.table.indexes))
        for way in ("ReadThrottleEvents", "WriteThrottleEvents")
    ]
    for start in range(0, len(throttles), _MOST_METRICS):
        number = str(start // _MOST_METRICS + 1) if start else ""
        _alarm(
            stack,
            f"TableThrottles{number}",
            name=f"{table}.table-throttles{number}",
            description=f"DynamoDB throttles the table {table} or an index of it.",
            metrics=throttles[start : start + _MOST_METRICS],
            threshold=1,
            period=300,
            topic=topic,
        )
    _alarm(
        stack,
        "TableUserErrors",
        name=f"{table}.table-user-errors",
        description="DynamoDB refuses requests as malformed; it counts those of every table in the account's region.",
        metrics=[Metric("AWS/DynamoDB", "UserErrors", {})],
        threshold=_USER_ERRORS,
        period=300,
        topic=topic,
    )


def watch_failures(scope: Construct, queue: str, topic: AlarmTopic) -> None:
    _alarm(
        scope,
        "FailuresAlarm",
        name=queue,
        description=f"Changes that could not be handled are named in the queue {queue}.",
        metrics=[Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum")],
        threshold=1,
        topic=topic,
    )


def _alarm(
    scope: Construct,
    identifier: str,
    *,
    name: str,
    description: str,
    metrics: Sequence[Metric],
    threshold: float,
    topic: AlarmTopic,
    period: int = 60,
    periods: int = 1,
) -> cloudwatch.CfnAlarm:
    """An alarm on a metric or the sum of several, at `threshold` or more in each of `periods` of `period` seconds."""
    alarm = cloudwatch.CfnAlarm.MetricDataQueryProperty
    queries = [
        alarm(
            id=f"m{number}",
            return_data=len(metrics) == 1,
            metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=metric.namespace,
                    metric_name=metric.name,
                    dimensions=[
                        cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
                        for key, value in metric.dimensions.items()
                    ],
                ),
                period=period,
                stat=metric.statistic,
            ),
        )
        for number, metric in enumerate(metrics, 1)
    ]
    if len(metrics) > 1:
        total = " + ".join(f"FILL(m{number}, 0)" for number in range(1, len(metrics) + 1))
        queries.append(alarm(id="total", expression=total, label=description, return_data=True))
    return cloudwatch.CfnAlarm(
        scope,
        identifier,
        alarm_name=name,
        alarm_description=description,
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=threshold,
        evaluation_periods=periods,
        metrics=queries,
        treat_missing_data="notBreaching",
        alarm_actions=[topic.arn],
        ok_actions=[topic.arn],
    )
