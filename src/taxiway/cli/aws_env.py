"""`taxiway aws-env`: prints the local endpoint and credentials for it, for a person's own tools."""

import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.cli.declaration import state_of
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import DATA_HELP, add_json, add_project
from taxiway.cli.printing import print_json


def add_flags(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    add_json(parser)


def run(options: Namespace) -> None:
    from taxiway.local.gate import access_file

    data: Path = options.data or state_of(options)
    access = access_file.find(data)
    if access is None:
        raise CommandError(
            f"No taxiway dev is running on {data}.",
            fix="start it: taxiway dev; with --ephemeral it has no directory, and no access for tools",
        )
    if options.json:
        print_json(access.variables)
        return
    for name, value in access.variables.items():
        print(f"export {name}={shlex.quote(value)}")
