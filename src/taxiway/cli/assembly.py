"""Builds what a deployment uploads: the packages of a stage and its template, in one directory."""

import os
import platform
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from taxiway.aws.deploying import account as accounts
from taxiway.aws.errors import AwsError
from taxiway.aws.packaging.packages import Package, build
from taxiway.aws.template.assembly import Assembly
from taxiway.cli.declaration import project_of, state_of
from taxiway.declare import Backend, Stage

Say = Callable[[str], None]


def assemble(options: Namespace, backend: Backend, stage: Stage, say: Say) -> Assembly:
    """Synthesize a stage into its own directory."""
    directory = directory_of(options, stage)
    shutil.rmtree(directory, ignore_errors=True)
    return synthesize_into(directory, options, backend, stage, say)


def directory_of(options: Namespace, stage: Stage) -> Path:
    """Where a stage is synthesized, unless the command line says."""
    return state_of(options) / "assembly" / stage.name


def synthesize_into(directory: Path, options: Namespace, backend: Backend, stage: Stage, say: Say) -> Assembly:
    """Build the packages and write the templates. Raises AwsError where the extra `aws` is not installed."""
    try:
        from taxiway.aws.template.synthesis import synthesize
    except ModuleNotFoundError as error:
        raise accounts.missing(error.name or "troposphere") from None
    packages = _packages(options, backend)
    built = sum(not package.is_cached for package in packages)
    say(f"{len(packages)} packages, {built} of them built now, {len(packages) - built} as before.")
    for note in dict.fromkeys(note for package in packages for note in package.notes):
        say(note)
    at_once: bool = getattr(options, "at_once", False)  # of `deploy` alone
    return synthesize(backend, stage, packages=packages, directory=directory, at_once=at_once)


def _packages(options: Namespace, backend: Backend) -> Sequence[Package]:
    project = project_of(options)
    if not options.host_packages:
        return build(backend, project)
    if not os.environ.get("AWS_ENDPOINT_URL"):
        raise AwsError(
            "Packages for this machine do not run on Lambda.",
            fix="leave --host-packages out, or set AWS_ENDPOINT_URL to the emulator that they are for",
        )
    return build(
        backend,
        project,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture="arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64",
    )
