"""`taxiway synth`: writes the CloudFormation template of a stage."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.aws.template.assembly import export
from taxiway.cli.assembly import directory_of, synthesize_into
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_host_packages, add_stage


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_host_packages(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="directory to write to (default: .taxiway/assembly/<stage>)"
    )


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    directory: Path = (options.out or directory_of(options, stage)).resolve()
    in_the_way = next(path for path in (directory, *directory.parents) if path.exists())
    if not in_the_way.is_dir():
        raise CommandError(f"{in_the_way} is a file, not a directory.", fix="write to a directory: --out DIR")
    export(synthesize_into(directory, options, backend, stage, print), directory)
    print(f"Wrote the template of {backend.name}-{stage.name} and its packages to {directory}.")
