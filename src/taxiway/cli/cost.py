"""`taxiway cost`: estimates what a stage costs in a month, and with `--simulate`, what it does under load."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.aws.cost import report as bill_report
from taxiway.aws.cost.assumptions import Assumptions
from taxiway.aws.cost.bill import bill
from taxiway.aws.cost.durations import Measured, read_durations
from taxiway.aws.cost.quantities import quantity
from taxiway.aws.cost.scale import report as scale_report
from taxiway.aws.cost.scale import stacks
from taxiway.aws.cost.scale.chart import svg
from taxiway.aws.cost.scale.forecast import Point, Question, forecast, words
from taxiway.aws.cost.scale.pools import Limits
from taxiway.cli.argument_types import at_least_one, rates, share
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import print_json
from taxiway.declare import Backend, Stage


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_json(parser)
    parser.add_argument("--requests", default="10M", metavar="N", help="requests a month: 250000, 10M (default: 10M)")
    parser.add_argument(
        "--read-ratio",
        type=share,
        default=0.8,
        metavar="SHARE",
        help="share of GET and HEAD requests, 0 to 1 (default: 0.8)",
    )
    parser.add_argument(
        "--durations",
        type=Path,
        metavar="FILE",
        help="measured durations: what `taxiway dev` printed, or JSON of milliseconds on Lambda by function",
    )
    parser.add_argument("--item-size", default="1KB", metavar="SIZE", help="size of an item (default: 1KB)")
    parser.add_argument("--items", default="1M", metavar="N", help="number of stored items (default: 1M)")
    parser.add_argument("--free-tier", action="store_true", help="subtract AWS's monthly free tier")
    _add_simulation(parser)


def _add_simulation(parser: ArgumentParser) -> None:
    simulation = parser.add_argument_group("simulation", "cold starts, latency, throttles and the bill under load")
    simulation.add_argument(
        "--simulate", type=rates, metavar="RATES", help="requests a second: 10..10000/s, in powers of ten, or 250/s"
    )
    simulation.add_argument(
        "--concurrency",
        type=at_least_one,
        default=1000,
        metavar="N",
        help="the account's limit of requests at once (default: 1000)",
    )
    simulation.add_argument(
        "--peers", action="store_true", help="also simulate other stacks, by their measured figures"
    )
    simulation.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the random arrivals (default: 1)")
    simulation.add_argument("--plots", type=Path, metavar="DIR", help="write charts to this directory, as SVG")


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options, has_account=False)
    try:
        durations = read_durations(options.durations.read_text()) if options.durations else {}
        assumptions = Assumptions(item_size=quantity(options.item_size), stored_items=quantity(options.items))
        requests = quantity(options.requests)
    except (OSError, ValueError) as error:
        raise CommandError(f"{error}.", fix="see `taxiway cost --help`") from error
    if options.simulate:
        _simulate(backend, stage, options, durations, assumptions)
        return
    priced = bill(
        backend,
        stage,
        requests=requests,
        read_ratio=options.read_ratio,
        durations=durations,
        assumptions=assumptions,
        free_tier=options.free_tier,
    )
    if options.json:
        print_json(
            {
                "usd_a_month": priced.total,
                "lines": priced.lines,
                "knobs": priced.knobs,
                "assumptions": priced.assumptions,
                "notes": priced.notes,
                "region": priced.prices.region,
                "prices": priced.prices.sources,
            }
        )
    else:
        print(*bill_report.report(priced), sep="\n")


def _simulate(
    backend: Backend, stage: Stage, options: Namespace, durations: dict[str, Measured], assumptions: Assumptions
) -> None:
    question = Question(
        backend=backend,
        stage=stage,
        rates=options.simulate,
        read_ratio=options.read_ratio,
        limits=Limits(concurrency=options.concurrency),
        assumptions=assumptions,
        durations=durations,
        seed=options.seed,
        free_tier=options.free_tier,
    )
    points = tuple(forecast(question, stacks.every() if options.peers else [stacks.taxiway()]))
    if options.json:
        print_json({"points": points, "assumptions": list(words(question)), "measured": stacks.measurements()})
    else:
        print(*scale_report.report(question, points), sep="\n")
    if options.plots:
        _write_plots(options.plots, points)


def _write_plots(directory: Path, points: tuple[Point, ...]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, chart in scale_report.charts(points):
            (directory / f"{name}.svg").write_text(svg(chart), encoding="utf-8")
    except OSError as error:
        problem = f"Cannot write the charts to {directory}: {error.strerror}."
        raise CommandError(problem, fix="name a directory that you can write to") from error
