"""Two dashboards on AWS: the service as its users meet it, and one function at a time.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never

from taxiway.aws.template.alarms import LOGGED
from taxiway.aws.template.cloudformation_types import cloudwatch
from taxiway.aws.template.stack_template import Scope, Value, joined
from taxiway.declare import Backend, Function, Route, StreamConsumer, names
from taxiway.declare import Stage as BackendStage

Widget: TypeAlias = dict[str, Any]
Line: TypeAlias = list[Any]

_WIDTH, _HEIGHT = 12, 6  # of a row's 24 columns
_CDN_REGION = "us-east-1"
_MARK = "<known to CloudFormation>"


def add_dashboards(
    scope: Scope, backend: Backend, stage: BackendStage, api_id: Value | None, distribution: Value | None
) -> None:
    """`distribution` is the id of the CDN, where there is one."""
    bodies = {
        "Service": service_view(backend, stage, api_id, distribution),
        "Functions": function_view(backend, stage),
    }
    for view, body in bodies.items():
        scope.add(
            cloudwatch.Dashboard,
            f"{view}Dashboard",
            DashboardName=names.in_account(backend, stage, view.lower()),
            DashboardBody=_text(body),
        )


def _text(body: Mapping[str, Any]) -> Value:
    """The JSON of a dashboard, in which CloudFormation fills in the ids of resources."""
    references: list[Value] = []

    def mark(reference: Value) -> str:
        references.append(reference)
        return _MARK

    texts = json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=mark).split(_MARK)
    return joined(texts[0], *(part for pair in zip(references, texts[1:], strict=True) for part in pair))


def service_view(
    backend: Backend, stage: BackendStage, api_id: Value | None, distribution: Value | None
) -> dict[str, Any]:
    """Requests, failures and latency of the API, what the CDN and the table do for them, and what consumers lag."""
    region = stage.region
    widgets = _of_api(region, api_id) if api_id is not None else []
    if api_id is not None and distribution is not None:
        widgets += _of_cdn(stage, api_id, distribution)
    if backend.table is not None:
        places = [
            ("table", ["TableName", backend.table_name(stage)]),
            *(
                (index.name, ["TableName", backend.table_name(stage), "GlobalSecondaryIndexName", index.name])
                for index in backend.table.indexes
            ),
        ]
        widgets += [
            _chart(
                f"{title} of the table",
                region,
                [
                    ["AWS/DynamoDB", metric, *place, _as(f"{where}, {way}", "Sum")]
                    for where, place in places
                    for way, metric in lines
                ],
            )
            for title, lines in (
                ("Capacity units", [("read", "ConsumedReadCapacityUnits"), ("written", "ConsumedWriteCapacityUnits")]),
                ("Throttles", [("reads", "ReadThrottleEvents"), ("writes", "WriteThrottleEvents")]),
            )
        ]
    return {"widgets": _placed(widgets + _of_triggers(backend, stage))}


def _of_api(region: str, api_id: Value) -> list[Widget]:
    api = ["ApiId", api_id]
    return [
        _chart("Requests", region, [["AWS/ApiGateway", "Count", *api, _as("requests", "Sum")]]),
        _chart(
            "Failed requests",
            region,
            [
                ["AWS/ApiGateway", "4xx", *api, _as("the client's", "Sum")],
                ["AWS/ApiGateway", "5xx", *api, _as("the server's", "Sum")],
            ],
        ),
        _chart(
            "Latency (ms)",
            region,
            [["AWS/ApiGateway", "Latency", *api, _as(statistic, statistic)] for statistic in ("p50", "p90", "p99")],
        ),
        _chart(
            "Latency of functions (ms)",
            region,
            [["AWS/ApiGateway", "IntegrationLatency", *api, _as(statistic, statistic)] for statistic in ("p50", "p99")],
        ),
    ]


def _of_cdn(stage: BackendStage, api_id: Value, distribution: Value) -> list[Widget]:
    """CloudFront's own metrics, which are in us-east-1 wherever the stage is.

    The rate at which it answers by itself is a metric that costs extra; requests before and behind it show as much.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
    """
    at = ["DistributionId", distribution, "Region", "Global"]
    return [
        _chart(
            "Requests to the CDN, and those that it passed on",
            stage.region,
            [
                ["AWS/CloudFront", "Requests", *at, {"region": _CDN_REGION} | _as("to the CDN", "Sum")],
                ["AWS/ApiGateway", "Count", "ApiId", api_id, _as("to the API", "Sum")],
            ],
        ),
        _chart(
            "Failed requests at the CDN (%)",
            _CDN_REGION,
            [
                ["AWS/CloudFront", "4xxErrorRate", *at, _as("the client's", "Average")],
                ["AWS/CloudFront", "5xxErrorRate", *at, _as("the server's", "Average")],
            ],
        ),
    ]


def _of_triggers(backend: Backend, stage: BackendStage) -> list[Widget]:
    consumers: dict[str, Function] = {}
    for trigger in backend.triggers:
        match trigger:
            case Route():
                pass  # the charts of the API have it
            case StreamConsumer():
                consumers[trigger.function.name] = trigger.function
            case _:
                assert_never(trigger)
    return _of_stream_consumers(backend, stage, consumers)


def _of_stream_consumers(backend: Backend, stage: BackendStage, functions: Mapping[str, Function]) -> list[Widget]:
    if not functions:
        return []
    age = ["AWS/Lambda", "IteratorAge", "FunctionName"]
    waiting = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"]
    return [
        _chart(
            "Consumers behind the table (ms)",
            stage.region,
            [[*age, names.function(backend, stage, of), _as(name, "Maximum")] for name, of in functions.items()],
        ),
        _chart(
            "Changes that could not be handled, in their queues",
            stage.region,
            [[*waiting, names.failures(backend, stage, of), _as(name, "Maximum")] for name, of in functions.items()],
        ),
    ]


def function_view(backend: Backend, stage: BackendStage) -> dict[str, Any]:
    """One function, chosen at the top: a view of the same size for any number of functions."""
    every = [names.function(backend, stage, function) for function in backend.functions]
    region, of = stage.region, ["FunctionName", every[0] if every else ""]
    timeouts = {names.function(backend, stage, function): function.timeout for function in backend.functions}
    widgets = [
        _chart(
            "Invocations",
            region,
            [
                ["AWS/Lambda", metric, *of, _as(metric.lower(), "Sum")]
                for metric in ("Invocations", "Errors", "Throttles")
            ],
        ),
        _chart(
            "Duration (ms)",
            region,
            [
                ["AWS/Lambda", "Duration", *of, _as(statistic, statistic)]
                for statistic in ("p50", "p90", "p99", "Maximum")
            ],
        ),
        _chart("Environments", region, [["AWS/Lambda", "ConcurrentExecutions", *of, _as("at once", "Maximum")]]),
        {
            "type": "text",
            "properties": {
                "markdown": "\n".join(
                    ["| function | timeout |", "| --- | --- |", *(f"| {n} | {t} s |" for n, t in timeouts.items())]
                )
            },
        },
    ]
    if backend.operations.has_alarms(stage):
        lines = [[LOGGED, f"{name}-errors", {"stat": "Sum", "label": name}] for name in every[:100]]
        widgets.append(_chart("Errors logged, by function", region, lines))
    variable = {
        "type": "property",
        "property": "FunctionName",
        "inputType": "select",
        "id": "function",
        "label": "Function",
        "defaultValue": of[1],
        "visible": True,
        "values": [{"value": name, "label": name} for name in every],
    }
    return {"variables": [variable], "widgets": _placed(widgets)}


def _as(label: str, statistic: str) -> dict[str, str]:
    return {"label": label, "stat": statistic}


def _chart(title: str, region: str, lines: list[Line]) -> Widget:
    properties = {"title": title, "region": region, "view": "timeSeries", "period": 60, "metrics": lines}
    return {"type": "metric", "properties": properties}


def _placed(widgets: list[Widget]) -> list[Widget]:
    """Two in a row."""
    return [
        {"x": number % 2 * _WIDTH, "y": number // 2 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT} | widget
        for number, widget in enumerate(widgets)
    ]
