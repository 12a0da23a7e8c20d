"""`taxiway package`: builds the packages of the functions."""

from argparse import ArgumentParser, Namespace

from taxiway.aws.packaging.packages import build, report
from taxiway.aws.runtime import PYTHON
from taxiway.cli.declaration import project_of, read_for_aws
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import print_json


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_json(parser)
    parser.add_argument(
        "--python", default=PYTHON, metavar="3.N", help=f"version of Python to build for (default: {PYTHON}, Lambda's)"
    )
    parser.add_argument(
        "--architecture", choices=("arm64", "x86_64"), default="arm64", help="processor to build for (default: arm64)"
    )


def run(options: Namespace) -> None:
    backend, _ = read_for_aws(options, has_account=False)
    packages = build(backend, project_of(options), python=options.python, architecture=options.architecture)
    if options.json:
        print_json(packages)
    else:
        print(*report(packages), sep="\n")
