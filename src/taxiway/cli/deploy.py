"""`taxiway deploy`: deploys a stage to AWS."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, deployment, resource_changes, upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployment import Plan
from taxiway.aws.template.assembly import Assembly
from taxiway.cli import old_files
from taxiway.cli.account import connect
from taxiway.cli.assembly import assemble
from taxiway.cli.confirmation import confirm
from taxiway.cli.declaration import read_for_aws
from taxiway.cli.errors import NotConfirmed
from taxiway.cli.flags import add_host_packages, add_stage, add_yes
from taxiway.cli.printing import aligned


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_host_packages(parser)
    add_yes(parser)
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="give new code all requests at once, and let no alarm stop it: to fix a stage that fails",
    )


def run(options: Namespace) -> None:
    backend, stage = read_for_aws(options)
    protect = backend.operations.is_protected(stage)
    with accounts.plainly():
        account = connect(backend, stage, print)
        assembly = assemble(options, backend, stage, print)
        upload.ensure_bucket(account, assembly.bucket, print)
        count, size = upload.upload(account, assembly)
        print(f"Uploaded {count} files ({size / 1024 / 1024:.1f} MB)." if count else "Every file was uploaded before.")
        plan = deployment.plan(account, assembly, print)
        if plan is None:
            print("Nothing changes.")
            stack = deployed_stack.require(account, backend, stage)
            deployed_stack.keep_protected(account, stack, protect=protect, say=print)
        else:
            stack = _carry_out(options, account, assembly, plan, protect=protect)
    print(*aligned(deployed_stack.outputs(stack)), sep="\n")


def _carry_out(
    options: Namespace, account: Account, assembly: Assembly, plan: Plan, *, protect: bool
) -> Mapping[str, Any]:
    """Show a plan, ask where it loses data, and execute it: the stack as it is then."""
    print("", *resource_changes.report(plan.changes), *plan.notes, "", sep="\n")
    for caution in plan.cautions:
        print(f"Caution: {caution}\n")
    losses = resource_changes.losses(plan.changes)
    print(*losses, sep="\n", end="\n" if losses else "")
    if losses and not options.yes:
        try:
            confirm("Continue?", "Nothing was changed.")
        except NotConfirmed:
            deployment.discard(account, plan)
            raise
    stack = deployment.execute(account, assembly, plan, protect=protect, say=print)
    if not plan.is_new:
        needed = {file.key for file in assembly.files}
        old_files.delete(account, assembly.bucket, assembly.prefix, keep=needed, older_than=upload.KEPT)
    print(f"\n{assembly.stack} is deployed.")
    return stack
