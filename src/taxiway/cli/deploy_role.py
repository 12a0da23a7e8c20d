"""`taxiway deploy-role`: prints the template of the role that GitHub deploys a stage with."""

import json
import re
from argparse import ArgumentParser, Namespace
from fnmatch import fnmatchcase

from taxiway.aws.template.deploy_role import Workflow, template
from taxiway.cli.argument_types import repository
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_stage
from taxiway.declare import Stage

_EXAMPLE = "--stage pr-1 --stages 'pr-*'"


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument(
        "--repo",
        type=repository,
        required=True,
        metavar="OWNER/NAME",
        help="repository; OWNER@ID/NAME@ID where GitHub puts ids into its tokens",
    )
    job = parser.add_mutually_exclusive_group()
    job.add_argument("--environment", metavar="NAME", help="environment of its jobs (default: the name of the stage)")
    job.add_argument("--branch", metavar="NAME", help="branch, for jobs without an environment")
    parser.add_argument(
        "--stages", metavar="PATTERN", help="deploy every stage of such a name, as in pr-*; --stage is one of them"
    )
    parser.add_argument(
        "--with-provider", action="store_true", help="register GitHub with the account, which is done once"
    )


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    if options.stages is not None:
        _check_stages(options.stages, stage)
    environment = options.environment or (None if options.branch else stage.name)
    workflow = Workflow(repository=options.repo, environment=environment, branch=options.branch)
    made = template(backend, stage, workflow, stages=options.stages, with_provider=options.with_provider)
    print(json.dumps(made, indent=2))


def _check_stages(pattern: str, stage: Stage) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9-]*-\*", pattern):
        raise CommandError(
            f"Invalid pattern of stages {pattern!r}: it must end in -*, since pr* would match prod too.",
            fix=f"write the first words of the names, and -* for the rest: {_EXAMPLE}",
        )
    if not fnmatchcase(stage.name, pattern):
        raise CommandError(f"The stage {stage.name} does not match {pattern}.", fix=f"name one that does: {_EXAMPLE}")
