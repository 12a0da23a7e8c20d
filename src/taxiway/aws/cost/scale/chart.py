"""Line charts as SVG: a number for each rate of requests, one line for each series."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

from msgspec import Struct

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 230, 50, 50
_COLORS = ("#0b6e4f", "#c1121f", "#3a5a98", "#d68c00", "#6a4c93", "#5b5b5b")


class Series(Struct, frozen=True, kw_only=True):
    """A line: its points, by rate, and how it is drawn."""

    name: str
    points: tuple[tuple[float, float], ...]
    color: int
    """Series of one color belong together."""
    is_dashed: bool = False


class Chart(Struct, frozen=True, kw_only=True):
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]


def svg(chart: Chart) -> str:
    """The chart as an SVG document; x is logarithmic, y begins at zero."""
    xs = [x for series in chart.series for x, _ in series.points]
    first, last = floor(log10(min(xs))), max(ceil(log10(max(xs))), floor(log10(min(xs))) + 1)
    top = _round_up(max((y for series in chart.series for _, y in series.points), default=0.0))

    def across(x: float) -> float:
        return _LEFT + (log10(x) - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def down(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 24, chart.title, size=15),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, chart.x_label, anchor="middle"),
        _text(_LEFT, _TOP - 10, chart.y_label),
    ]
    for power in range(first, last + 1):
        x = across(10.0**power)
        parts += [_rule(x, down(0), x, down(top)), _text(x, down(0) + 18, f"{10**power:,g}", anchor="middle")]
    for fifth in range(6):
        y = top * fifth / 5
        parts += [
            _rule(_LEFT, down(y), _WIDTH - _RIGHT, down(y)),
            _text(_LEFT - 8, down(y) + 4, f"{y:,.4g}", anchor="end"),
        ]
    for number, series in enumerate(chart.series):
        places = [(across(x), down(y)) for x, y in series.points]
        parts += _line(series, places, legend=_TOP + 6 + 20 * number)
    return "\n".join([*parts, "</svg>", ""])


def _line(series: Series, places: Sequence[tuple[float, float]], *, legend: float) -> list[str]:
    """The line with its points, and its name at the height `legend`."""
    color = _COLORS[series.color % len(_COLORS)]
    dashes = ' stroke-dasharray="5 4"' if series.is_dashed else ""
    stroke = f'fill="none" stroke="{color}" stroke-width="2"{dashes}'
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    left = _WIDTH - _RIGHT + 16
    return [
        f'<polyline points="{joined}" {stroke}/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places),
        f'<path d="M{left} {legend:.1f}h24" {stroke}/>',
        _text(left + 30, legend + 4, series.name, size=11),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    style = f'font-family="sans-serif" font-size="{size}" fill="#222" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10 … at or above a value; 1 for zero."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999)
