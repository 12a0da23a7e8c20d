"""`taxiway bootstrap-role`: prints the template of the roles that a stage is deployed with."""

import json
from argparse import ArgumentParser, Namespace

from taxiway.aws.template.bootstrap_template import Workflow, template
from taxiway.cli.argument_types import repository
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import add_stage


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument(
        "--repo",
        type=repository,
        metavar="OWNER/NAME",
        help="repository on GitHub whose jobs may deploy; OWNER@ID/NAME@ID where GitHub puts ids into its tokens "
        "(default: whoever the account allows to assume the role)",
    )
    job = parser.add_mutually_exclusive_group()
    job.add_argument("--environment", metavar="NAME", help="environment of its jobs (default: the name of the stage)")
    job.add_argument("--branch", metavar="NAME", help="branch, for jobs without an environment")
    parser.add_argument(
        "--with-provider", action="store_true", help="register GitHub with the account, which is done once"
    )


def run(options: Namespace) -> None:
    if options.repo is None and (options.environment or options.branch or options.with_provider):
        raise CommandError(
            "--environment, --branch and --with-provider are for jobs of a repository, but --repo is missing.",
            fix="add --repo OWNER/NAME",
        )
    backend, stage = read_for_aws(options)
    workflow = None
    if options.repo is not None:
        environment = options.environment or (None if options.branch else stage.name)
        workflow = Workflow(repository=options.repo, environment=environment, branch=options.branch)
    print(json.dumps(template(backend, stage, workflow, with_provider=options.with_provider), indent=2))
