"""A forecast as a table of text, and as charts."""

from collections.abc import Callable, Iterator, Sequence

from taxiway.aws.cost.bill import regional_prices
from taxiway.aws.cost.scale.chart import Chart, Series
from taxiway.aws.cost.scale.forecast import Point, Question, words
from taxiway.aws.cost.scale.stacks import measurements

_COLUMNS = ("arrivals", "requests/s", "stack", "cold", "p50 ms", "p99 ms", "throttled", "environments", "USD a month")
_LEFT_ALIGNED = {"arrivals", "stack"}

_CHARTS: dict[str, tuple[str, str, Callable[[Point], float]]] = {
    "cold-starts": ("Cold starts", "% of the requests", lambda point: point.simulated.cold_share * 100),
    "p99": ("Latency of the slowest 1%", "p99, ms from invocation to answer", lambda point: point.simulated.p99_ms),
    "throttled": ("Throttled requests", "% of the requests", lambda point: point.simulated.throttled_share * 100),
    "bill": ("The bill", "USD a month", lambda point: point.usd_a_month),
}
"""By the name of the chart's file."""


def report(question: Question, points: Sequence[Point]) -> list[str]:
    """The table, everything that was assumed, and where the figures are from."""
    rows = [_COLUMNS, *(_row(point) for point in points)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    prices = regional_prices(question.stage)
    return [
        *(_aligned(row, widths) for row in rows),
        "",
        "Assumed:",
        *(f"  {each}" for each in words(question)),
        "Measured:",
        *(f"  {each.as_of}, {each.source}: {each.how}" for each in measurements()),
        f"Prices of {prices.region}, the oldest as of {prices.oldest}. `taxiway cost` shows a bill's lines.",
    ]


def charts(points: Sequence[Point]) -> Iterator[tuple[str, Chart]]:
    """The charts by the names of their files: a color for each stack, dashes for arrivals in bursts."""
    stacks = list(dict.fromkeys(point.stack for point in points))
    lines = list(dict.fromkeys((point.stack, point.arrivals) for point in points))
    for name, (title, label, value) in _CHARTS.items():
        series = tuple(
            Series(
                name=f"{stack}, {arrivals}",
                points=tuple((p.rate, value(p)) for p in points if (p.stack, p.arrivals) == (stack, arrivals)),
                color=stacks.index(stack),
                is_dashed=arrivals == "bursty",
            )
            for stack, arrivals in lines
        )
        yield name, Chart(title=title, x_label="requests a second", y_label=label, series=series)


def _row(point: Point) -> tuple[str, ...]:
    simulated = point.simulated
    return (
        point.arrivals,
        f"{point.rate:,g}",
        point.stack,
        f"{simulated.cold_share:.3%}",
        f"{simulated.p50_ms:,.1f}",
        f"{simulated.p99_ms:,.1f}",
        f"{simulated.throttled_share:.2%}",
        f"{simulated.environments:,}",
        f"{point.usd_a_month:,.2f}",
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.ljust(width) if column in _LEFT_ALIGNED else cell.rjust(width)
        for cell, width, column in zip(row, widths, _COLUMNS, strict=True)
    )
    return "  ".join(cells).rstrip()
