"""Every alarm of a stage, as plain data: what is worth waking someone for. `alarm_topic` makes them on AWS.

What is no function's is called with a dot, `items-prod.5xx`, which no function's name has.
"""

from collections.abc import Iterator, Mapping
from typing import assert_never

from msgspec import Struct

from taxiway.declare import Backend, Function, Route, Stage, StreamConsumer, Trigger, names

LOGGED = "Taxiway"
"""The namespace of the metrics that count lines of logs."""

VERSION = "Version"
"""The dimension of such a metric that tells the versions of a function apart."""

_NEAR_TIMEOUT = 0.8
_MOST_METRICS = 10
"""In one alarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""


class Metric(Struct, frozen=True):
    namespace: str
    name: str
    dimensions: Mapping[str, object]
    """Texts, or references in a template."""
    statistic: str = "Sum"


class Alarm(Struct, frozen=True, kw_only=True):
    """Goes off where a metric, or the sum of several, is `threshold` or more in each of `periods`.

    With `is_percentage`, the first metric is measured as a percentage of the second.
    """

    id: str
    """In the template, within what it watches."""
    name: str
    description: str
    metrics: tuple[Metric, ...]
    threshold: float
    period: int = 60
    """Seconds."""
    periods: int = 1
    is_percentage: bool = False


def every(backend: Backend, stage: Stage) -> tuple[Alarm, ...]:
    """All that a stage with alarms has."""
    return (
        *(alarm for function in backend.functions for alarm in of_function(backend, stage, function)),
        *(alarm for function in _released(backend, stage) for alarm in of_release(backend, stage, function)),
        *(alarm for trigger in backend.triggers for alarm in of_trigger(backend, stage, trigger)),
        *(of_api(backend, stage, api_id="") if backend.api else ()),
        *of_table(backend, stage),
    )


def _released(backend: Backend, stage: Stage) -> tuple[Function, ...]:
    return () if backend.operations.release_of(stage) == "all-at-once" else backend.functions


def of_function(backend: Backend, stage: Stage, function: Function) -> tuple[Alarm, ...]:
    """Errors, throttles and durations, of all versions together.

    A handler answers 500 where an exception got to it, which is no error to Lambda: the lines that it logs at ERROR
    count too.
    """
    name = names.function(backend, stage, function)
    of = {"FunctionName": name}
    return (
        Alarm(
            id="Errors",
            name=f"{name}-errors",
            description=f"{name} fails. Its log says why: {names.log_group(backend, stage, function)}",
            metrics=(Metric("AWS/Lambda", "Errors", of), Metric(LOGGED, f"{name}-errors", {})),
            threshold=backend.operations.thresholds.errors,
        ),
        Alarm(
            id="Throttles",
            name=f"{name}-throttles",
            description=f"{name} is refused for want of concurrency: its own, or the account's.",
            metrics=(Metric("AWS/Lambda", "Throttles", of),),
            threshold=1,
        ),
        Alarm(
            id="Duration",
            name=f"{name}-duration",
            description=f"One in a hundred invocations of {name} comes near its timeout of {function.timeout} s.",
            metrics=(Metric("AWS/Lambda", "Duration", of, "p99"),),
            threshold=function.timeout * 1000 * _NEAR_TIMEOUT,
            periods=3,
        ),
    )


def of_release(backend: Backend, stage: Stage, function: Function, version: object = "") -> tuple[Alarm, ...]:
    """What rolls a release back: failures of the new version, timeouts too, whatever the old one does.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html, for the dimensions of an alias.
    """
    name = names.function(backend, stage, function)
    of = {"FunctionName": name, "Resource": f"{name}:{names.ALIAS}", "ExecutedVersion": version}
    logged = Metric(LOGGED, f"{name}-release-errors", {VERSION: version})
    return (
        Alarm(
            id="ReleaseErrors",
            name=f"{name}-release-errors",
            description=f"The newest version of {name} fails. Its log says why: "
            f"{names.log_group(backend, stage, function)}",
            metrics=(Metric("AWS/Lambda", "Errors", of), logged),
            threshold=backend.operations.thresholds.errors,
        ),
    )


def of_trigger(backend: Backend, stage: Stage, trigger: Trigger) -> tuple[Alarm, ...]:
    """What to watch of a trigger beside the function that it invokes."""
    match trigger:
        case Route():
            return ()  # the alarms of the API cover all of its routes
        case StreamConsumer():
            return of_stream_consumer(backend, stage, trigger.function)
        case _:
            assert_never(trigger)


def of_stream_consumer(backend: Backend, stage: Stage, function: Function) -> tuple[Alarm, ...]:
    """How far it is behind the table, whose stream keeps a change for a day, and whether its queue has anything.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    name, queue = names.function(backend, stage, function), names.failures(backend, stage, function)
    behind = backend.operations.thresholds.behind
    return (
        Alarm(
            id="Behind",
            name=f"{name}-behind",
            description=f"{name} gets the table's changes {behind} s after they were made, or later.",
            metrics=(Metric("AWS/Lambda", "IteratorAge", {"FunctionName": name}, "Maximum"),),
            threshold=behind * 1000,
            periods=5,
        ),
        Alarm(
            id="FailuresAlarm",
            name=queue,
            description=f"Changes that could not be handled are named in the queue {queue}.",
            metrics=(Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum"),),
            threshold=1,
        ),
    )


def of_api(backend: Backend, stage: Stage, api_id: object) -> tuple[Alarm, ...]:
    name, of, thresholds = names.stack(backend, stage), {"ApiId": api_id}, backend.operations.thresholds
    return (
        Alarm(
            id="ServerErrors",
            name=f"{name}.5xx",
            description=f"{thresholds.server_errors} % or more of the answers of the API {name} are server errors.",
            metrics=(Metric("AWS/ApiGateway", "5xx", of), Metric("AWS/ApiGateway", "Count", of)),
            threshold=thresholds.server_errors,
            period=300,
            is_percentage=True,
        ),
        Alarm(
            id="Latency",
            name=f"{name}.latency",
            description=f"One in a hundred requests to {name} takes {thresholds.latency / 1000:g} s or more.",
            metrics=(Metric("AWS/ApiGateway", "Latency", of, "p99"),),
            threshold=thresholds.latency,
            period=300,
            periods=3,
        ),
    )


def of_table(backend: Backend, stage: Stage) -> Iterator[Alarm]:
    """Throttles of the table and its indexes, and the requests to DynamoDB that are refused as malformed.

    Of the latter DynamoDB has one number for the account and region, and none for a table:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    """
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
        yield Alarm(
            id=f"TableThrottles{number}",
            name=f"{table}.table-throttles{number}",
            description=f"DynamoDB throttles the table {table} or an index of it.",
            metrics=tuple(throttles[start : start + _MOST_METRICS]),
            threshold=1,
            period=300,
        )
    yield Alarm(
        id="AccountUserErrors",
        name=f"{table}.account-user-errors",
        description="DynamoDB refuses requests as malformed, or for conflicts of transactions. It counts them for all "
        f"tables of the account in {stage.region} together, so {table} may not be among them.",
        metrics=(Metric("AWS/DynamoDB", "UserErrors", {}),),
        threshold=backend.operations.thresholds.refused,
        period=300,
    )
