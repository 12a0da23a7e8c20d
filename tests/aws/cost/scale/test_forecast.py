"""What `taxiway cost --simulate` answers: a point for each rate and stack, as a table, as JSON and as charts."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.aws.cost.test_bill import DEV, alone, handle, stored

from taxiway import Backend, Cdn, DeclarationError, Function, HttpApi, StreamConsumer, Table
from taxiway.aws.cost.scale import stacks
from taxiway.aws.cost.scale.chart import Chart, Series, svg
from taxiway.aws.cost.scale.forecast import Point, Question, forecast, window_of
from taxiway.aws.cost.scale.pools import Limits
from taxiway.aws.cost.scale.report import charts, report
from taxiway.cli import main as cli
from taxiway.cli.argument_types import rates

SVG = "{http://www.w3.org/2000/svg}"


def parsed(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 - written by the code under test


def ask(backend: Backend | None = None, *, rates: tuple[float, ...] = (20.0,), **options: object) -> Question:
    settings = {"read_ratio": 0.8, "sample": 4_000, **options}
    return Question(backend=backend or stored(), stage=DEV, rates=rates, **settings)


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    return tuple(forecast(ask(rates=(10.0, 100.0)), stacks.every()))


def test_there_is_a_point_for_each_process_rate_and_stack(points: tuple[Point, ...]) -> None:
    names = [stack.name for stack in stacks.every()]
    assert names[0] == "Taxiway"
    assert [(p.arrivals, p.rate, p.stack) for p in points] == [
        (process, rate, name) for process in ("poisson", "bursty") for rate in (10.0, 100.0) for name in names
    ]


def test_every_stack_gets_the_same_requests(points: tuple[Point, ...]) -> None:
    assert len({p.simulated.requests for p in points if (p.arrivals, p.rate) == ("poisson", 10.0)}) == 1


def test_a_stack_that_takes_more_is_slower_and_costs_more(points: tuple[Point, ...]) -> None:
    here = {p.stack: p for p in points if (p.arrivals, p.rate) == ("poisson", 100.0)}
    light, heavy = here["Taxiway"], here["Powertools + pydantic + boto3"]
    assert light.simulated.p50_ms < heavy.simulated.p50_ms
    assert light.usd_a_month < heavy.usd_a_month


def test_a_low_limit_throttles_and_what_is_throttled_is_not_billed() -> None:
    (free, _), (tight, _) = (
        tuple(forecast(ask(alone(), rates=(1000.0,), limits=Limits(concurrency=limit)), [stacks.taxiway()]))
        for limit in (1000, 5)
    )
    assert free.simulated.throttled == 0
    assert tight.simulated.throttled_share > 0.9
    assert tight.usd_a_month < free.usd_a_month


def test_a_cdn_answers_before_the_functions() -> None:
    api = HttpApi(cdn=Cdn())
    api.get("/", handle, function=Function(name="read"), cache=60)
    cached, _ = forecast(ask(Backend("tests", api=api), rates=(100.0,), read_ratio=1.0), [stacks.taxiway()])
    assert cached.simulated.requests == pytest.approx(50 * window_of(50, 4_000).measured_s, rel=0.02)


def test_a_backend_without_routes_is_refused() -> None:
    consumer = StreamConsumer(handle, Function(name="changes"))
    with pytest.raises(DeclarationError, match="has no routes"):
        next(iter(forecast(ask(Backend("tests", table=Table(consumers=[consumer]))), [stacks.taxiway()])))


def test_measured_figures_say_when_and_how_they_were_measured() -> None:
    for each in stacks.measurements():
        assert each.as_of.startswith("20")
        assert "CPU time" in each.how
        assert each.source
        assert all(0 < stack.warm_ms < stack.cold_ms for stack in each.stacks)


def test_the_report_has_every_point_and_every_assumption(points: tuple[Point, ...]) -> None:
    question = ask(rates=(10.0, 100.0))
    lines = report(question, points)
    assert sum(line.startswith(("poisson ", "bursty ")) for line in lines) == len(points)
    text = "\n".join(lines)
    assert "the account runs 1,000 requests at once" in text
    assert "an environment ends after 10 idle minutes" in text
    assert all(each.how in text for each in stacks.measurements())


def test_each_chart_has_a_line_for_each_stack_and_process(points: tuple[Point, ...]) -> None:
    drawn = dict(charts(points))
    assert drawn.keys() == {"cold-starts", "p99", "throttled", "bill"}
    for chart in drawn.values():
        root = parsed(svg(chart))
        lines = root.findall(f"{SVG}polyline")
        assert len(lines) == 2 * len(stacks.every())
        assert [len(line.attrib["points"].split()) for line in lines] == [2] * len(lines)
        assert sum("stroke-dasharray" in line.attrib for line in lines) == len(stacks.every())


def test_a_chart_is_to_scale_and_its_text_is_escaped() -> None:
    series = Series(name="a & b", points=((10.0, 0.0), (100.0, 50.0), (1000.0, 100.0)), color=0)
    root = parsed(svg(Chart(title="<t>", x_label="x", y_label="y", series=(series,))))
    line = root.find(f"{SVG}polyline")
    assert line is not None
    places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.2)
    assert places[0][1] - places[1][1] == pytest.approx(places[1][1] - places[2][1], abs=0.2)
    assert {"<t>", "a & b"} <= {text.text for text in root.findall(f"{SVG}text")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10..10000/s", (10, 100, 1000, 10_000)),
        ("250/s", (250,)),
        ("50..2000/s", (50, 100, 1000, 2000)),
        ("7..7/s", (7,)),
    ],
)
def test_rates_are_a_range_in_powers_of_ten(text: str, found: tuple[float, ...]) -> None:
    assert rates(text) == found


@pytest.mark.parametrize("text", ["", "10", "10..5/s", "0/s", "1..1000000/s", "x/s", "1.5/s"])
def test_what_is_not_a_range_of_rates_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="invalid rates"):
        rates(text)


PROJECT = """
from taxiway import Backend, HttpApi, Stage


def answer(event: object, context: object) -> None: ...


def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/", answer)
    return Backend("tests", api=api)
"""


def test_the_command_prints_json_and_writes_the_charts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "backend.py").write_text(PROJECT)
    (tmp_path / ".env.dev").write_text("AWS_REGION=eu-north-1\n")
    plots = tmp_path / "plots"
    command = ["cost", "--project", str(tmp_path), "--simulate", "20/s", "--json", "--plots", str(plots)]
    printed: list[str] = []
    for _ in range(2):
        cli.main(command)
        printed.append(capsys.readouterr().out)
    found = json.loads(printed[0])
    assert printed[0] == printed[1]
    assert [(p["stack"], p["arrivals"], p["rate"]) for p in found["points"]] == [
        ("Taxiway", "poisson", 20.0),
        ("Taxiway", "bursty", 20.0),
    ]
    assert found["measured"][0]["stacks"]
    assert sorted(path.name for path in plots.iterdir()) == ["bill.svg", "cold-starts.svg", "p99.svg", "throttled.svg"]
