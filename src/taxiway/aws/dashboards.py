"""Two dashboards on AWS: the service as its users meet it, and one function at a time.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from typing import Any, TypeAlias

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from taxiway.aws import names
from taxiway.aws.watching import LOGGED
from taxiway.declare import Backend
from taxiway.declare import Stage as BackendStage

Widget: TypeAlias = dict[str, Any]
Line: TypeAlias = list[Any]

_WIDTH, _HEIGHT = 12, 6  # of a row's 24 columns


def add_dashboards(stack: Stack, backend: Backend, stage: BackendStage, api_id: str) -> None:
    name = names.stack(backend, stage)
    bodies = {
        "Service": service_view(backend, stage, api_id),
        "Functions": function_view(backend, stage),
    }
    for view, body in bodies.items():
        cloudwatch.CfnDashboard(
            stack,
            f"{view}Dashboard",
            dashboard_name=f"{name}-{view.lower()}",
            dashboard_body=stack.to_json_string(body),
        )


def service_view(backend: Backend, stage: BackendStage, api_id: str) -> dict[str, Any]:
    """Requests, failures and latency of the API, and what the table does for them."""
    region = stage.region
    api = ["ApiId", api_id]
    widgets = [
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
    return {"widgets": _placed(widgets)}


def function_view(backend: Backend, stage: BackendStage) -> dict[str, Any]:
    """One function, chosen at the top: a view of the same size for any number of functions."""
    every = [names.function(backend, stage, function) for function in names.functions(backend)]
    region, of = stage.region, ["FunctionName", every[0] if every else ""]
    timeouts = {names.function(backend, stage, function): function.timeout for function in names.functions(backend)}
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
