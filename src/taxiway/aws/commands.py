"""The commands that work on AWS, and their flags. Each imports what it needs itself: the CDK takes seconds."""

import argparse
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from taxiway import project as projects
from taxiway.aws.errors import AwsError
from taxiway.declare import Backend, Secret, Stage

if TYPE_CHECKING:
    from taxiway.aws.deploying.account import Account
    from taxiway.aws.deploying.secret_values import SecretValues
    from taxiway.aws.deploying.upload import Assembly
    from taxiway.aws.packaging.packages import Package


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]  argparse has no public name for it
    """Add the commands to the command line. `common` has the flags of every command."""
    building = argparse.ArgumentParser(add_help=False)
    building.add_argument(
        "--host-packages",
        action="store_true",
        help="build packages for this machine's Python and processor, for an emulator that runs functions itself "
        "(needs AWS_ENDPOINT_URL)",
    )
    asking = argparse.ArgumentParser(add_help=False)
    asking.add_argument("--yes", action="store_true", help="do not ask before data is lost")

    package = commands.add_parser("package", parents=[common], help="build the packages of the functions")
    package.add_argument("--python", metavar="3.N", help="for another Python than the one on Lambda")
    package.add_argument("--architecture", choices=("arm64", "x86_64"), default="arm64", help="(default: arm64)")
    package.set_defaults(command=_package)

    synth = commands.add_parser("synth", parents=[common, building], help="write the CloudFormation of a stage")
    synth.add_argument("--out", type=Path, metavar="DIR", help="where to (default: .taxiway/assembly/<stage>)")
    synth.set_defaults(command=_synth)

    diff = commands.add_parser("diff", parents=[common, building], help="say what a deployment would change")
    diff.set_defaults(command=_plainly(_diff))

    deploy = commands.add_parser("deploy", parents=[common, building, asking], help="put a stage on AWS")
    deploy.set_defaults(command=_plainly(_deploy))

    destroy = commands.add_parser("destroy", parents=[common, asking], help="remove a stage from AWS, with its data")
    destroy.set_defaults(command=_plainly(_destroy))

    role = commands.add_parser(
        "deploy-role", parents=[common], help="print the template of the role that GitHub deploys a stage with"
    )
    role.add_argument(
        "--repo",
        type=_repository,
        required=True,
        metavar="OWNER/NAME",
        help="the repository; OWNER@ID/NAME@ID where GitHub puts ids into its tokens",
    )
    job = role.add_mutually_exclusive_group()
    job.add_argument("--environment", metavar="NAME", help="the environment of its jobs (default: as the stage)")
    job.add_argument("--branch", metavar="NAME", help="a branch, for jobs without an environment")
    role.add_argument(
        "--stages", metavar="FORM", help="for every stage of such a name, pr-* say, of which --stage is one"
    )
    role.add_argument(
        "--with-provider", action="store_true", help="make GitHub known to the account, which is done once"
    )
    role.set_defaults(command=_deploy_role)

    outputs = commands.add_parser("outputs", parents=[common], help="say where a stage answers")
    outputs.add_argument("name", nargs="?", help="one output: its value alone, for a script")
    outputs.set_defaults(command=_plainly(_outputs))

    doctor = commands.add_parser("doctor", parents=[common], help="say whether this machine can deploy a stage")
    doctor.set_defaults(command=_doctor)

    logs = commands.add_parser("logs", parents=[common], help="show what the functions of a stage log")
    logs.add_argument("function", nargs="*", help="the functions (default: all)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    logs.add_argument(
        "--since", type=_seconds, default=600.0, metavar="TIME", help="how far back: 30s, 10m, 2h, 1d (default: 10m)"
    )
    logs.set_defaults(command=_plainly(_logs))

    cost = commands.add_parser("cost", parents=[common], help="say what a month of a stage costs")
    cost.add_argument("--requests", default="10M", metavar="N", help="in a month: 250000, 10M (default: 10M)")
    cost.add_argument(
        "--read-ratio", type=_share, default=0.8, metavar="SHARE", help="of GET and HEAD, 0 to 1 (default: 0.8)"
    )
    cost.add_argument(
        "--durations",
        type=Path,
        metavar="FILE",
        help="measured durations: what `taxiway dev` printed, or JSON of milliseconds on Lambda by function",
    )
    cost.add_argument("--item-size", default="1KB", metavar="SIZE", help="of an item (default: 1KB)")
    cost.add_argument("--items", default="1M", metavar="N", help="that are stored (default: 1M)")
    cost.add_argument("--free-tier", action="store_true", help="take off what AWS gives every account each month")
    cost.set_defaults(command=_cost)


def _plainly(command: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], None]:
    """The command, with what boto3 raises said in words."""

    def run(options: argparse.Namespace) -> None:
        from taxiway.aws.deploying.account import plainly

        with plainly():
            command(options)

    return run


def _package(options: argparse.Namespace) -> None:
    from taxiway.aws.packaging.packages import build, report
    from taxiway.aws.runtime import PYTHON

    stage = projects.read_stage(options.project, options.stage, local=False, has_account=False)
    backend = projects.read_backend(options.project, stage)
    packages = build(backend, options.project, python=options.python or PYTHON, architecture=options.architecture)
    print(*report(packages), sep="\n")


def _synth(options: argparse.Namespace) -> None:
    backend, stage = _read(options)
    directory: Path = (options.out or _assembly_directory(options, stage)).resolve()
    in_the_way = next(path for path in (directory, *directory.parents) if path.exists())
    if not in_the_way.is_dir():
        raise AwsError(f"{in_the_way} is a file.", fix="write to a directory: --out DIR")
    _synthesize(options, backend, stage, directory)
    print(f"Wrote the template of {backend.name}-{stage.name} and what it names to {directory}.")


def _diff(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import deployed_stack, deployment, resource_changes, upload

    backend, stage = _read(options)
    account = _connect(backend, stage)
    assembly = _assembly(options, backend, stage)
    if not deployed_stack.is_there(deployed_stack.find(account, assembly.stack)):
        print("\nNothing of it is on AWS: all of this would be added.\n")
        added = [change for template in assembly.templates() for change in resource_changes.between({}, template)]
        print(*resource_changes.report(added), sep="\n")
        return
    upload.ensure_bucket(account, assembly.bucket, print)
    upload.upload(account, assembly, templates_only=True)
    plan = deployment.plan(account, assembly, print)
    if plan is None:
        print("\nNothing would change.")
        return
    deployment.discard(account, plan)
    print("", *resource_changes.report(plan.changes), *plan.notes, sep="\n")
    for told in (*(f"Caution: {caution}" for caution in plan.cautions), *resource_changes.losses(plan.changes)):
        print(f"\n{told}")


def _deploy(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import deployed_stack, deployment, resource_changes, upload

    backend, stage = _read(options)
    account = _connect(backend, stage)
    assembly = _assembly(options, backend, stage)
    upload.ensure_bucket(account, assembly.bucket, print)
    count, size = upload.upload(account, assembly)
    print(f"Uploaded {count} files ({size / 1024 / 1024:.1f} MB)." if count else "Every file was uploaded before.")
    plan = deployment.plan(account, assembly, print)
    if plan is None:
        print("Nothing changes.")
        stack = deployed_stack.require(account, backend, stage)
        deployed_stack.keep_protected(account, stack, protect=backend.operations.is_protected(stage), say=print)
    else:
        print("", *resource_changes.report(plan.changes), *plan.notes, "", sep="\n")
        for caution in plan.cautions:
            print(f"Caution: {caution}\n")
        losses = resource_changes.losses(plan.changes)
        print(*losses, sep="\n", end="\n" if losses else "")
        if losses and not options.yes and not _confirmed("Go on?"):
            deployment.discard(account, plan)
            sys.exit(f"Nothing was changed.{_unasked()}")
        protect = backend.operations.is_protected(stage)
        stack = deployment.execute(account, assembly, plan, protect=protect, say=print)
        if not plan.is_new:
            needed = {file.key for file in assembly.files}
            with _tidying(assembly.bucket):
                upload.sweep(account, assembly.bucket, assembly.prefix, keep=needed, older_than=upload.KEPT)
        print(f"\n{assembly.stack} is deployed.")
    _print_outputs(deployed_stack.outputs(stack))


def _destroy(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import deployed_stack, removal, upload
    from taxiway.declare import names

    backend, stage = _read(options)
    if backend.operations.is_protected(stage):
        raise AwsError(
            f"The stage {stage.name} is protected. Nothing was deleted.",
            fix="declare Operations(protected=False) for it and deploy that first, if it really is to go",
        )
    account = _connect(backend, stage)
    name = names.stack(backend, stage)
    stack = deployed_stack.find(account, name)
    if stack is None:
        print(f"There is no {name} on AWS.")
        return
    deployed_stack.check_owner(stack, names.tags(backend, stage))
    data = " and ".join(deployed_stack.data_in(account, name))
    question = f"Delete the stack {name}" + (f", with {data} and all that is in them?" if data else "?")
    if not options.yes and not _confirmed(question):
        sys.exit(f"Nothing was deleted.{_unasked()}")
    removal.destroy(account, stack, print)
    bucket = names.asset_bucket(stage)
    with _tidying(bucket):
        upload.sweep(account, bucket, names.path(backend, stage))
    print(f"\n{name} is deleted.")


@contextmanager
def _tidying(bucket: str) -> Generator[None, None, None]:
    """What was deployed or deleted is so, whether or not its old files can be."""
    from taxiway.aws.deploying import account as accounts

    try:
        with accounts.plainly():
            yield
    except AwsError as error:
        print(f"Files that are no longer needed stay in {bucket}: {error}")


def _deploy_role(options: argparse.Namespace) -> None:
    from fnmatch import fnmatchcase

    from taxiway.aws.template.deploy_role import Workflow, template

    backend, stage = _read(options)
    stages: str | None = options.stages
    if stages is not None:
        example = "--stage pr-1 --stages 'pr-*'"
        if not re.fullmatch(r"[a-z][a-z0-9-]*-\*", stages):
            raise AwsError(
                f"{stages} is no form of stages: it has to end in -*, since pr* would stand for prod too.",
                fix=f"write the first words of the names, and -* for the rest: {example}",
            )
        if not fnmatchcase(stage.name, stages):
            raise AwsError(f"The stage {stage.name} is none of {stages}.", fix=f"name a stage that is: {example}")
    environment = options.environment or (None if options.branch else stage.name)
    workflow = Workflow(repository=options.repo, environment=environment, branch=options.branch)
    made = template(backend, stage, workflow, stages=stages, with_provider=options.with_provider)
    print(json.dumps(made, indent=2))


def _outputs(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import account as accounts
    from taxiway.aws.deploying import deployed_stack
    from taxiway.declare import names

    backend, stage = _read(options)
    found = deployed_stack.outputs(deployed_stack.require(accounts.connect(stage), backend, stage))
    if options.name is None:
        _print_outputs(found)
    elif options.name in found:
        print(found[options.name])
    else:
        raise AwsError(
            f"{names.stack(backend, stage)} has no output {options.name}.",
            fix=f"ask for one of {', '.join(sorted(found))}",
        )


def _doctor(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import doctor

    fails = False
    for check in doctor.examine(options.project, options.stage):
        print(*doctor.report(check), sep="\n", flush=True)
        fails = fails or check.fix is not None
    if fails:
        sys.exit(1)


def _logs(options: argparse.Namespace) -> None:
    from taxiway.aws.deploying import account as accounts
    from taxiway.aws.deploying import deployed_stack, log_tail
    from taxiway.declare import names

    backend, stage = _read(options)
    functions = {function.name: function for function in backend.functions}
    for name in options.function:
        if name not in functions:
            raise AwsError(f"There is no function {name}.", fix=f"name one of {', '.join(sorted(functions))}")
    chosen = options.function or functions
    groups = {name: names.log_group(backend, stage, functions[name]) for name in chosen}
    account = accounts.connect(stage)
    deployed_stack.require(account, backend, stage)
    for line in log_tail.lines(account, groups, since=max(0.0, time.time() - options.since), follow=options.follow):
        print(line, flush=True)


def set_secret(options: argparse.Namespace, value: str) -> None:
    """`taxiway secrets set --stage`: the value comes from a terminal or a pipe, never from the command line."""
    backend, stage = _read(options)
    secret = _declared_secret(backend, options)
    with _secrets(stage) as secrets:
        made = secrets.set(secret, options.key, value)
    print(f"{'Made the secret and set' if made else 'Set'} {options.key} of {options.id} in the stage {options.stage}.")
    print("Functions that run have the value before it for up to 15 minutes.")


def list_secrets(options: argparse.Namespace) -> None:
    """`taxiway secrets list --stage`: the secrets that the stage declares, and the names of their keys."""
    backend, stage = _read(options)
    ids = [secret.id for secret in backend.secrets if secret.id is not None]
    with _secrets(stage) as secrets:
        for secret_id, keys in secrets.list(ids).items():
            print(f"{secret_id}  {'(not there yet)' if keys is None else ' '.join(keys)}")


def unset_secret(options: argparse.Namespace) -> None:
    """`taxiway secrets unset --stage`; a whole secret goes only after a yes, and not at all in a protected stage."""
    backend, stage = _read(options)
    _declared_secret(backend, options)
    if options.key is None and backend.operations.is_protected(stage):
        raise AwsError(
            f"The stage {stage.name} is protected, and {options.id} is a secret of it. Nothing was removed.",
            fix="remove one key, or declare Operations(protected=False) for the stage, if the whole really is to go",
        )
    name = f"{options.key} of {options.id}" if options.key else options.id
    with _secrets(stage) as secrets:
        question = f"Remove the secret {options.id} in the stage {stage.name}, with all that is in it?"
        if options.key is None and not options.yes and not _confirmed(question):
            sys.exit(f"Nothing was removed.{_unasked()}")
        if not secrets.unset(options.id, options.key):
            sys.exit(f"There is no {name} in the stage {stage.name}.")
    print(f"Removed {name} in the stage {stage.name}.")
    if options.key is None:
        print("AWS keeps it for 30 days: `aws secretsmanager restore-secret` brings it back.")


def _declared_secret(backend: Backend, options: argparse.Namespace) -> Secret:
    """The secret that is named, where the stage declares it: an account has others too."""
    declared = {secret.id: secret for secret in backend.secrets if secret.id is not None}
    secret = declared.get(options.id)
    if secret is None:
        raise AwsError(
            f"The stage {options.stage} declares no secret {options.id}. Nothing was changed.",
            fix=f"name one of {', '.join(declared)}" if declared else "declare it in backend.py: Secret(…)",
        )
    return secret


@contextmanager
def _secrets(stage: Stage) -> Generator["SecretValues", None, None]:
    from taxiway.aws.deploying import account as accounts
    from taxiway.aws.deploying.secret_values import SecretValues

    with accounts.plainly():
        yield SecretValues(accounts.connect(stage))


def _cost(options: argparse.Namespace) -> None:
    from taxiway.aws.cost import bill

    stage = projects.read_stage(options.project, options.stage, local=False, has_account=False)
    backend = projects.read_backend(options.project, stage)
    try:
        durations = bill.read_durations(options.durations.read_text()) if options.durations else None
        priced = bill.bill(
            backend,
            stage,
            requests=bill.quantity(options.requests),
            read_ratio=options.read_ratio,
            durations=durations,
            assumptions=bill.Assumptions(
                item_size=bill.quantity(options.item_size), stored_items=bill.quantity(options.items)
            ),
            free_tier=options.free_tier,
        )
    except (OSError, ValueError) as error:
        raise AwsError(f"{error}.", fix="see `taxiway cost --help`") from error
    print(*bill.report(priced), sep="\n")


def _read(options: argparse.Namespace) -> tuple[Backend, Stage]:
    stage = projects.read_stage(options.project, options.stage, local=False)
    return projects.read_backend(options.project, stage), stage


def _connect(backend: Backend, stage: Stage) -> "Account":
    from taxiway.aws.deploying import account as accounts

    account = accounts.connect(stage)
    print(f"{backend.name} · stage {stage.name} · {account.region} · account {account.id} · {account.caller}")
    return account


def _assembly(options: argparse.Namespace, backend: Backend, stage: Stage) -> "Assembly":
    from taxiway.aws.deploying import upload

    directory = _assembly_directory(options, stage)
    shutil.rmtree(directory, ignore_errors=True)
    _synthesize(options, backend, stage, directory)
    return upload.read(directory, backend, stage)


def _assembly_directory(options: argparse.Namespace, stage: Stage) -> Path:
    return options.project / projects.STATE / "assembly" / stage.name


def _synthesize(options: argparse.Namespace, backend: Backend, stage: Stage, directory: Path) -> None:
    from taxiway.aws.deploying import account as accounts
    from taxiway.aws.template.synthesis import synthesize
    from taxiway.aws.template.warnings import cautions

    packages = _packages(options, backend)
    built = sum(not package.is_cached for package in packages)
    print(f"{len(packages)} packages, {built} of them built now, {len(packages) - built} as before.")
    for note in dict.fromkeys(note for package in packages for note in package.notes):
        print(note)
    for caution in cautions(backend, stage):
        print(f"Caution: {caution}")
    try:
        synthesize(backend, stage, packages=packages, directory=directory)
    except ModuleNotFoundError as error:
        raise accounts.missing(error.name or "aws-cdk-lib") from None


def _packages(options: argparse.Namespace, backend: Backend) -> "Sequence[Package]":
    from taxiway.aws.packaging.packages import build

    if not options.host_packages:
        return build(backend, options.project)
    if not os.environ.get("AWS_ENDPOINT_URL"):
        raise AwsError(
            "Packages for this machine do not run on Lambda.",
            fix="leave --host-packages out, or set AWS_ENDPOINT_URL to the emulator that they are for",
        )
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = platform.machine().lower()
    return build(
        backend,
        options.project,
        python=python,
        architecture="arm64" if machine in ("arm64", "aarch64") else "x86_64",
    )


def _print_outputs(found: dict[str, str]) -> None:
    width = max(map(len, found), default=0)
    for name, value in sorted(found.items()):
        print(f"  {name.ljust(width)}  {value}")


def _confirmed(question: str) -> bool:
    """Whether somebody on a terminal says yes. Ctrl-C and Ctrl-D are a no, so that what was prepared is taken back."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False


def _unasked() -> str:
    return "" if sys.stdin.isatty() else " (Without a terminal to ask on, pass --yes.)"


def _repository(text: str) -> str:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+|[\w.-]+@\d+/[\w.-]+@\d+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no repository: write it as owner/name, or owner@1234/name@5678")
    return text


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}[smhd]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 30s, 10m, 2h or 1d")
    return float(int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]])


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share (0 to 1)")
    return share
