"""`taxiway logs`: shows the logs of a stage's functions."""

import time
from argparse import ArgumentParser, Namespace

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, log_tail
from taxiway.cli.argument_types import seconds
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_stage
from taxiway.declare import names


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument("function", nargs="*", help="the functions (default: all)")
    parser.add_argument("--follow", "-f", action="store_true", help="continue until Ctrl-C")
    parser.add_argument(
        "--since", type=seconds, default=600.0, metavar="TIME", help="how far back: 30s, 10m, 2h, 1d (default: 10m)"
    )


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    functions = {function.name: function for function in backend.functions}
    for name in options.function:
        if name not in functions:
            raise CommandError(f"There is no function {name}.", fix=f"name one of {', '.join(sorted(functions))}")
    groups = {name: names.log_group(backend, stage, functions[name]) for name in options.function or functions}
    since = max(0.0, time.time() - options.since)
    with accounts.plainly():
        account = accounts.connect(stage)
        deployed_stack.require(account, backend, stage)
        for line in log_tail.lines(account, groups, since=since, follow=options.follow):
            print(line, flush=True)
