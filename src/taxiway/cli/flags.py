"""The flags that several commands have."""

from argparse import ArgumentParser
from pathlib import Path

# Those that stand in a group with others, of which a command takes one.
JSON_HELP = "print the result as JSON, and an error as JSON on standard error"
DATA_HELP = "directory of the local database (default: .taxiway)"
ENDPOINT_HELP = "use this DynamoDB API instead of the local one"


def add_project(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        type=Path,
        metavar="DIR",
        help="directory of backend.py (default: the working directory or the nearest one above it)",
    )


def add_stage(parser: ArgumentParser) -> None:
    """`--project` and `--stage`."""
    add_project(parser)
    parser.add_argument("--stage", default="dev", metavar="NAME", help="dev, test, prod or another (default: dev)")


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


def add_yes(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask before data is lost")


def add_host_packages(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--host-packages",
        action="store_true",
        help="build packages for this machine's Python and processor, for an emulator that runs functions itself "
        "(needs AWS_ENDPOINT_URL)",
    )
