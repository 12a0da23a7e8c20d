"""`taxiway destroy`: removes a stage from AWS, with its data."""

from argparse import ArgumentParser, Namespace

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, removal
from taxiway.aws.errors import AwsError
from taxiway.cli import old_files
from taxiway.cli.account import connect
from taxiway.cli.confirmation import confirm
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.flags import add_stage, add_yes
from taxiway.declare import names


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_yes(parser)


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    if backend.operations.is_protected(stage):
        raise AwsError(
            f"The stage {stage.name} is protected. Nothing was deleted.",
            fix="declare Operations(protected=False) for it and deploy that first, if it really is to go",
        )
    name = names.stack(backend, stage)
    with accounts.plainly():
        account = connect(backend, stage, print)
        stack = deployed_stack.find(account, name)
        if stack is None:
            print(f"There is no {name} on AWS.")
            return
        deployed_stack.check_owner(stack, names.tags(backend, stage))
        data = " and ".join(deployed_stack.data_in(account, name))
        if not options.yes:
            contents = f", with {data} and all their data" if data else ""
            confirm(f"Delete the stack {name}{contents}?", "Nothing was deleted.")
        removal.destroy(account, stack, print)
    old_files.delete(account, names.asset_bucket(stage), names.path(backend, stage))
    print(f"\n{name} is deleted.")
