"""Alarms on AWS, and the one topic of a stage that they are sent to."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from taxiway.aws.template import alarms
from taxiway.aws.template.alarms import Alarm
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Function, Stage, names


class AlarmTopic:
    """The topic that every alarm of a stage is sent to, and its readers by e-mail."""

    def __init__(self, stack: Stack, backend: Backend, stage: Stage) -> None:
        topic = sns.CfnTopic(
            stack,
            "Alarms",
            topic_name=names.topic(backend, stage),
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
        readers = Construct(stack, "Readers")
        for email in backend.operations.emails:
            # Called by the address: numbered, one that moves up would be subscribed again, and then taken off.
            subscription = sns.CfnSubscription(
                readers, email.replace("/", "|"), topic_arn=topic.ref, protocol="email", endpoint=email
            )
            acknowledge(
                subscription,
                "SNS can't redrive e-mail; the alarm's state stays to be seen.",
                "Serverless-SNSRedrivePolicy",
            )
        self._arn = topic.ref

    def tell(self, scope: Construct, wanted: Iterable[Alarm]) -> list[cloudwatch.CfnAlarm]:
        """Make the alarms in `scope`, and let them tell the topic when they go off and when they are over."""
        return [
            cloudwatch.CfnAlarm(
                scope,
                alarm.id,
                alarm_name=alarm.name,
                alarm_description=alarm.description,
                comparison_operator="GreaterThanOrEqualToThreshold",
                threshold=alarm.threshold,
                evaluation_periods=alarm.periods,
                metrics=_queries(alarm),
                treat_missing_data="notBreaching",
                alarm_actions=[self._arn],
                ok_actions=[self._arn],
            )
            for alarm in wanted
        ]


def watch_function(
    scope: Construct, backend: Backend, stage: Stage, function: Function, log: logs.CfnLogGroup, topic: AlarmTopic
) -> list[cloudwatch.CfnAlarm]:
    """The alarms of a function, and the count of the lines that it logs at ERROR, which the first of them watches."""
    logged = logs.CfnMetricFilter(
        scope,
        "ErrorLines",
        log_group_name=log.ref,
        filter_pattern='{ $.level = "ERROR" }',
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace=alarms.LOGGED,
                metric_name=f"{names.function(backend, stage, function)}-errors",
                metric_value="1",
                default_value=0,
            )
        ],
    )
    made = topic.tell(scope, alarms.of_function(backend, stage, function))
    made[0].add_resource_dependency(logged)
    return made


def _queries(alarm: Alarm) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    """Each metric, and where there are several, their sum: that is then what the alarm looks at."""
    query = cloudwatch.CfnAlarm.MetricDataQueryProperty
    queries = [
        query(
            id=f"m{number}",
            return_data=len(alarm.metrics) == 1,
            metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=metric.namespace,
                    metric_name=metric.name,
                    dimensions=[
                        cloudwatch.CfnAlarm.DimensionProperty(name=key, value=value)
                        for key, value in metric.dimensions.items()
                    ],
                ),
                period=alarm.period,
                stat=metric.statistic,
            ),
        )
        for number, metric in enumerate(alarm.metrics, 1)
    ]
    if len(alarm.metrics) > 1:
        total = " + ".join(f"FILL(m{number}, 0)" for number in range(1, len(alarm.metrics) + 1))
        queries.append(query(id="total", expression=total, label=alarm.description, return_data=True))
    return queries
