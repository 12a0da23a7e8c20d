"""The `taxiway` command line: its table of commands, and the exit code of each."""

import argparse
import os
import sys
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Protocol, cast

from taxiway import __version__
from taxiway.cli.errors import CommandError
from taxiway.cli.printing import print_error
from taxiway.declare.errors import TaxiwayError

COMMANDS = {
    "new": ("taxiway.cli.new", "write a new project"),
    "add": ("taxiway.cli.add", "add an entity or a route, with its test, to the project"),
    "dev": ("taxiway.cli.dev", "serve the backend locally"),
    "routes": ("taxiway.cli.routes", "list the routes and the functions that answer them"),
    "patterns": ("taxiway.cli.patterns", "show the access patterns and their costs, and check the keys"),
    "migrate": ("taxiway.cli.migrate", "rewrite stored items to match their entities' declarations"),
    "reset": ("taxiway.cli.reset", "delete the local database"),
    "secrets": ("taxiway.cli.secrets", "set, list and remove the values of secrets, locally or in a stage on AWS"),
    "aws-env": ("taxiway.cli.aws_env", "print the local AWS endpoint and credentials for your own tools"),
    "package": ("taxiway.cli.package", "build the packages of the functions"),
    "synth": ("taxiway.cli.synth", "write the CloudFormation template of a stage"),
    "diff": ("taxiway.cli.diff", "show what a deployment would change"),
    "deploy": ("taxiway.cli.deploy", "deploy a stage to AWS"),
    "destroy": ("taxiway.cli.destroy", "remove a stage from AWS, with its data"),
    "bootstrap-role": ("taxiway.cli.bootstrap_role", "print the template of the roles that a stage is deployed with"),
    "outputs": ("taxiway.cli.outputs", "show the outputs of a deployed stage, such as its URL"),
    "doctor": ("taxiway.cli.doctor", "check whether this machine can deploy a stage"),
    "logs": ("taxiway.cli.logs", "show the logs of a stage's functions"),
    "cost": ("taxiway.cli.cost", "estimate what a stage costs in a month"),
    "completion": ("taxiway.cli.completion", "print the completion script of a shell"),
}
"""The module of each command and its line of help: `taxiway --help` imports none of them."""

_EXTRAS = {
    **dict.fromkeys(("dotenv", "httptools", "psutil", "shtab", "uvloop"), "local"),
    **dict.fromkeys(("boto3", "botocore", "troposphere", "uv"), "aws"),
}
"""The extra that each library is in, the first where it is in both."""

FAILED = 1
INTERRUPTED = 130

EXIT_CODES = "exit codes: 0 success, 1 failure, 2 invalid command line, 130 interrupted (Ctrl-C)"


class Command(Protocol):
    """What the module of a command defines."""

    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]
    """Returns the exit code, where it is not 0. Raises TaxiwayError."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code. Raises SystemExit for `--help` and an invalid command line."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = next((text for text in given if not text.startswith("-")), None)
    try:
        options = _parser(() if asked is None else (asked,)).parse_args(given)
    except ModuleNotFoundError as error:
        return _missing(error, as_json=False)
    try:
        code = options.run(options) or 0
        sys.stdout.flush()
    except TaxiwayError as error:
        print_error(error, as_json=getattr(options, "json", False))
        return FAILED
    except ModuleNotFoundError as error:
        return _missing(error, as_json=getattr(options, "json", False))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def whole_parser() -> argparse.ArgumentParser:
    """The command line, with the flags of every command, as completion and the reference need it."""
    return _parser(COMMANDS)


def _missing(error: ModuleNotFoundError, *, as_json: bool) -> int:
    """Say which extra installs a library of Taxiway's. Raises the error itself where it is another module."""
    extra = _EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    print_error(CommandError(f"{error.name} is not installed.", fix=f"pip install 'taxiway[{extra}]'"), as_json=as_json)
    return FAILED


def _parser(asked: Collection[str]) -> argparse.ArgumentParser:
    """The command line, with the flags of the given commands only."""
    parser = argparse.ArgumentParser(
        prog="taxiway", description="A Python serverless backend, declared once.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"taxiway {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, (module, help_) in COMMANDS.items():
        added = commands.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.", epilog=EXIT_CODES)
        if name in asked:
            command = cast(Command, import_module(module))
            command.add_flags(added)
            added.set_defaults(run=command.run)
    return parser
