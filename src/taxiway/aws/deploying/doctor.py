"""Checks whether this machine can deploy a stage: the installation, the stage file and the credentials."""

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from taxiway import project as projects
from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import deployed_stack, upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError
from taxiway.aws.packaging.uv import uv
from taxiway.declare import Backend, DeclarationError, Stage, names

_EXTRA = 'pip install "taxiway[aws]"'


class Check(Struct, frozen=True):
    """One requirement of a deployment, and its state."""

    what: str
    found: str
    fix: str | None = None
    """What to do; None if the requirement is met."""


def examine(project: Path, stage_name: str) -> Iterator[Check]:
    """Yields each check when it is done; a failed one does not stop the others. Changes nothing."""
    yield Check("Python", f"{sys.version.split()[0]}")
    for package in ("taxiway", "boto3", "troposphere"):
        yield _installed(package)
    yield _uv(project)
    try:
        stage = projects.read_stage(project, stage_name, local=False)
    except DeclarationError as error:
        yield Check("stage file", " ".join(filter(None, [error.where and f"{error.where}:", error.problem])), error.fix)
        return
    yield Check("stage file", f"{stage.source}: {stage.region}, account {stage.account}")
    backend: Backend | None = None
    try:
        backend = projects.read_backend(project, stage)
        yield Check("declaration", f"{backend.name}, {len(backend.routes)} routes")
    except DeclarationError as error:
        yield Check("declaration", error.problem, error.fix)
    try:
        with accounts.plainly():
            account = accounts.connect(stage)
            yield Check("credentials", account.caller)
            yield Check("account and region", f"{account.id} in {account.region}, as the stage says")
            yield _bucket(account, names.asset_bucket(stage))
            if backend is not None:
                yield _stack(account, backend, stage)
    except AwsError as error:
        yield Check("credentials, account and region", error.problem, error.fix)


def report(check: Check) -> list[str]:
    """Lines for a person."""
    first = f"{'ok' if check.fix is None else 'FAILS':<6} {check.what}: {check.found}"
    return [first] if check.fix is None else [first, f"       Fix: {check.fix}"]


def _installed(package: str) -> Check:
    try:
        return Check(package, metadata.version(package))
    except metadata.PackageNotFoundError:
        return Check(package, "not installed", _EXTRA)


def _uv(project: Path) -> Check:
    try:
        return Check("uv", uv("--version", directory=project).stdout.strip().removeprefix("uv "))
    except DeclarationError as error:
        return Check("uv", error.problem, error.fix)


def _bucket(account: Account, bucket: str) -> Check:
    try:
        if not upload.has_bucket(account, bucket):
            return Check("bucket", f"{bucket} will be created by the first deployment")
    except AwsError as error:
        return Check("bucket", error.problem, error.fix)
    if not upload.has_policy(account, bucket):
        return Check("bucket", f"{bucket} has no policy: it can be read without TLS", "deploy, which sets it")
    return Check("bucket", bucket)


def _stack(account: Account, backend: Backend, stage: Stage) -> Check:
    name = names.stack(backend, stage)
    stack = deployed_stack.find(account, name)
    return Check("stack", f"{name} is {stack['StackStatus']}" if stack else f"{name} is not deployed")
