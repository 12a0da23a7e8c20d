"""Alarms on AWS, and the one topic of a stage that they are sent to."""

from collections.abc import Iterable, Mapping
from typing import Any

from taxiway.aws.template import alarms
from taxiway.aws.template.alarms import Alarm
from taxiway.aws.template.cloudformation_types import cloudwatch, logs, sns
from taxiway.aws.template.stack_template import Resource, Scope, Value, wait_for
from taxiway.declare import Backend, Function, Stage, names

_LOGGED_ERRORS = '{ $.level = "ERROR" && $.message = "*" }'
"""What code logs at ERROR. The line that Lambda writes of an uncaught exception has no message, and Lambda counts it:
https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/bootstrap.py
"""


class AlarmTopic:
    """The topic that every alarm of a stage is sent to, and its readers by e-mail."""

    def __init__(self, scope: Scope, backend: Backend, stage: Stage) -> None:
        topic = scope.add(
            sns.Topic,
            "Alarms",
            TopicName=names.topic(backend, stage),
            DisplayName=f"Alarms of {backend.name}, {stage.name}",
        )
        self._arn = topic.ref()
        scope.add(
            sns.TopicPolicy,
            "AlarmsPolicy",
            Topics=[self._arn],
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": self._arn,
                        "Condition": {"StringEquals": {"aws:SourceAccount": stage.account}},
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sns:Publish",
                        "Resource": self._arn,
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                ],
            },
        )
        readers = scope.within("Readers")
        for email in backend.operations.emails:
            # Called by the address: numbered, one that moves up would be subscribed again, and then taken off.
            readers.add(sns.SubscriptionResource, email, TopicArn=self._arn, Protocol="email", Endpoint=email)

    def tell(self, scope: Scope, wanted: Iterable[Alarm]) -> list[Resource]:
        """Make the alarms in `scope`, and let them tell the topic when they go off and when they are over."""
        told = [scope.stack.takes("AlarmTopic", self._arn)]
        return [
            scope.add(
                cloudwatch.Alarm,
                alarm.id,
                AlarmName=alarm.name,
                AlarmDescription=alarm.description,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                Threshold=alarm.threshold,
                EvaluationPeriods=alarm.periods,
                Metrics=_queries(alarm),
                TreatMissingData="notBreaching",
                AlarmActions=told,
                OKActions=told,
            )
            for alarm in wanted
        ]


def watch_function(
    scope: Scope, backend: Backend, stage: Stage, function: Function, log: Resource, topic: AlarmTopic
) -> None:
    """The alarms of a function, and the count of the lines that it logs at ERROR, which the first of them watches."""
    counted = {"MetricName": f"{names.function(backend, stage, function)}-errors", "DefaultValue": 0}
    logged = _count_error_lines(scope, "ErrorLines", log, counted)
    made = topic.tell(scope, alarms.of_function(backend, stage, function))
    wait_for(made[0], logged)


def watch_release(
    scope: Scope,
    backend: Backend,
    stage: Stage,
    function: Function,
    log: Resource,
    topic: AlarmTopic,
    version: Value,
) -> list[Resource]:
    """The alarms of the newest version of a function, by which its release is rolled back."""
    called = f"{names.function(backend, stage, function)}-release-errors"
    dimensions = [{"Key": alarms.VERSION, "Value": "$.functionVersion"}]
    logged = _count_error_lines(scope, "ReleaseErrorLines", log, {"MetricName": called, "Dimensions": dimensions})
    made = topic.tell(scope, alarms.of_release(backend, stage, function, version))
    wait_for(made[0], logged)
    return made


def _count_error_lines(scope: Scope, name: str, log: Resource, counted: Mapping[str, Any]) -> Resource:
    return scope.add(
        logs.MetricFilter,
        name,
        LogGroupName=log.ref(),
        FilterPattern=_LOGGED_ERRORS,
        MetricTransformations=[{"MetricNamespace": alarms.LOGGED, "MetricValue": "1", **counted}],
    )


def _queries(alarm: Alarm) -> list[dict[str, Any]]:
    """Each metric, and where there are several, their sum or percentage: that is then what the alarm looks at."""
    queries: list[dict[str, Any]] = [
        {
            "Id": f"m{number}",
            "ReturnData": len(alarm.metrics) == 1,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in metric.dimensions.items()],
                },
                "Period": alarm.period,
                "Stat": metric.statistic,
            },
        }
        for number, metric in enumerate(alarm.metrics, 1)
    ]
    if len(alarm.metrics) > 1:
        total = " + ".join(f"FILL(m{number}, 0)" for number in range(1, len(alarm.metrics) + 1))
        if alarm.is_percentage:
            total = "100 * FILL(m1, 0) / m2"
        queries.append({"Id": "total", "Expression": total, "Label": alarm.description, "ReturnData": True})
    return queries
