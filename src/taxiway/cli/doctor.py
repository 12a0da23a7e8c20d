"""`taxiway doctor`: checks whether this machine can deploy a stage."""

import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout

from taxiway.aws.deploying import doctor
from taxiway.cli.declaration import project_of
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import print_json


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_json(parser)


def run(options: Namespace) -> int:
    checks = doctor.examine(project_of(options), options.stage)
    if options.json:
        with redirect_stdout(sys.stderr):  # what the project prints is no part of the result
            made = list(checks)
        print_json(made)
    else:
        made = [_reported(check) for check in checks]
    return int(any(check.fix is not None for check in made))


def _reported(check: doctor.Check) -> doctor.Check:
    """Print a check as soon as it is made."""
    print(*doctor.report(check), sep="\n", flush=True)
    return check
