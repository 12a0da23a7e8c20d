"""`taxiway reset`: deletes the local database."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.cli.confirmation import confirm
from taxiway.cli.declaration import state_of
from taxiway.cli.flags import DATA_HELP, add_stage, add_yes


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    add_yes(parser)


def run(options: Namespace) -> None:
    from taxiway.local.dynamodb import DATABASE, erase

    data: Path = options.data or state_of(options)
    if not (data / DATABASE).exists():
        print(f"There is no database in {data}.")
        return
    if not options.yes:
        confirm(f"Delete the database in {data}, with all its items?", "Nothing was deleted.")
    erase(data)
    print(f"Deleted the database in {data}.")
