"""`taxiway diff`: shows what a deployment would change."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, deployment, resource_changes, upload
from taxiway.aws.deploying.resource_changes import ResourceChange
from taxiway.cli.account import connect
from taxiway.cli.assembly import assemble
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.flags import add_host_packages, add_json, add_stage
from taxiway.cli.printing import print_json, progress_printer


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_host_packages(parser)
    add_json(parser)


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    say = progress_printer(options)
    with accounts.plainly():
        account = connect(backend, stage, say)
        assembly = assemble(options, backend, stage, say)
        if not deployed_stack.is_there(deployed_stack.find(account, assembly.stack)):
            say("\nThe stage is not on AWS yet: all of this would be added.\n")
            added = [change for template in assembly.templates() for change in resource_changes.between({}, template)]
            _show(options, added)
            return
        upload.ensure_bucket(account, assembly.bucket, say)
        upload.upload(account, assembly, templates_only=True)
        plan = deployment.plan(account, assembly, say)
        if plan is None:
            say("\nNothing would change.")
            _show(options, ())
            return
        deployment.discard(account, plan)
    say("")
    _show(options, plan.changes, notes=plan.notes, cautions=plan.cautions)


def _show(
    options: Namespace, changes: Sequence[ResourceChange], *, notes: Iterable[str] = (), cautions: Iterable[str] = ()
) -> None:
    losses = resource_changes.losses(changes)
    if options.json:
        print_json({"changes": changes, "notes": list(notes), "cautions": list(cautions), "losses": losses})
        return
    for line in (*(resource_changes.report(changes) if changes else ()), *notes):
        print(line)
    for paragraph in (*(f"Caution: {caution}" for caution in cautions), *losses):
        print(f"\n{paragraph}")
