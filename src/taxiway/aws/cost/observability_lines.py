"""What logs, traces, alarms and dashboards are billed."""

from collections.abc import Iterable, Iterator

from taxiway.aws.cost.month import Line, Month, tiered
from taxiway.aws.cost.prices import SECONDS
from taxiway.aws.cost.traffic import Load
from taxiway.aws.template import alarms

_GB = 1024**3
_DASHBOARDS = 2
_SCALING_ALARMS = {"table": 4, "function": 2}
"""That auto-scaling makes for each capacity: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"""


def of_logs(month: Month, requests: float) -> Iterator[Line]:
    ingested = requests * month.assumptions.log_bytes / _GB
    price = ((0, month.prices.logs_ingested),)
    yield tiered("CloudWatch Logs", "ingested", ingested, "GB", price, month.free.logs_ingested)
    days = month.setting.log_days or month.backend.operations.log_days_of(month.stage)
    stored = ingested * days / 30
    yield Line("CloudWatch Logs", "stored", stored, "GB", stored * month.prices.logs_stored)


def of_traces(month: Month, loads: Iterable[Load]) -> Iterator[Line]:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html: its sampling can't be set."""
    chosen = month.setting.is_traced
    if month.backend.operations.tracing if chosen is None else chosen:
        traces = sum(min(load.requests, SECONDS) + max(0.0, load.requests - SECONDS) * 0.05 for load in loads)
        yield tiered("X-Ray", "traces", traces, "", ((0, month.prices.traces),), month.free.traces)


def of_alarms(month: Month) -> Iterator[Line]:
    """Alarms, those of auto-scaling too, the count of errors that each function logs, and the dashboards."""
    backend, prices, free = month.backend, month.prices, month.free
    chosen = month.setting.has_alarms
    has_alarms = backend.operations.has_alarms(month.stage) if chosen is None else chosen
    own = sum(len(alarm.metrics) for alarm in alarms.every(backend, month.stage)) if has_alarms else 0
    used = own + _of_scaling(month)
    if used:
        price = ((0, prices.alarm_metrics),)
        yield tiered("CloudWatch", "metrics of alarms", used, "", price, free.alarm_metrics)
    if has_alarms:
        is_gradual = backend.operations.release_of(month.stage) != "all-at-once"
        logged = len(backend.functions) * (2 if is_gradual else 1)
        yield tiered("CloudWatch", "metrics of logs", logged, "", ((0, prices.metrics),), free.metrics)
    if backend.operations.dashboards:
        yield tiered("CloudWatch", "dashboards", _DASHBOARDS, "", ((0, prices.dashboards),), free.dashboards)


def _of_scaling(month: Month) -> int:
    table, scaled = month.backend.table, 0
    if table is not None and month.is_table_provisioned:
        scaled += _SCALING_ALARMS["table"] * 2 * (1 + len(table.indexes))
    for function in month.backend.functions:
        if function.provisioned and function.provisioned.maximum and month.setting.ready is None:
            scaled += _SCALING_ALARMS["function"]
    return scaled
