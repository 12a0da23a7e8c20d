"""`taxiway outputs`: shows the outputs of a deployed stage, such as its URL."""

from argparse import ArgumentParser, Namespace

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import aligned, print_json
from taxiway.declare import names


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_json(parser)
    parser.add_argument("name", nargs="?", help="one output: prints its value only, for a script")


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    with accounts.plainly():
        found = deployed_stack.outputs(deployed_stack.require(accounts.connect(stage), backend, stage))
    if options.name is not None and options.name not in found:
        raise CommandError(
            f"{names.stack(backend, stage)} has no output {options.name}.",
            fix=f"ask for one of {', '.join(sorted(found))}",
        )
    if options.json:
        print_json(found if options.name is None else found[options.name])
    else:
        print(*(aligned(found) if options.name is None else [found[options.name]]), sep="\n")
