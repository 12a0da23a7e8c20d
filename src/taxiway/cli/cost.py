"""`taxiway cost`: estimates what a stage costs in a month."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.aws.cost.assumptions import Assumptions
from taxiway.aws.cost.bill import bill
from taxiway.aws.cost.durations import read_durations
from taxiway.aws.cost.quantities import quantity
from taxiway.aws.cost.report import report
from taxiway.cli.argument_types import share
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import print_json


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


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options, has_account=False)
    try:
        priced = bill(
            backend,
            stage,
            requests=quantity(options.requests),
            read_ratio=options.read_ratio,
            durations=read_durations(options.durations.read_text()) if options.durations else None,
            assumptions=Assumptions(item_size=quantity(options.item_size), stored_items=quantity(options.items)),
            free_tier=options.free_tier,
        )
    except (OSError, ValueError) as error:
        raise CommandError(f"{error}.", fix="see `taxiway cost --help`") from error
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
        print(*report(priced), sep="\n")
