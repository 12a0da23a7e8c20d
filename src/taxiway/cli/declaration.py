"""Reads the project and the stage that a command line names."""

import sys
from argparse import Namespace
from contextlib import redirect_stdout
from pathlib import Path

from taxiway import project as projects
from taxiway.declare import Backend, Stage


def project_of(options: Namespace) -> Path:
    """The directory of backend.py. Raises DeclarationError where there is none."""
    return projects.find((options.project or Path.cwd()).resolve())


def state_of(options: Namespace) -> Path:
    """The directory of what Taxiway keeps of a project on this machine."""
    return project_of(options) / projects.STATE


def read_locally(options: Namespace) -> tuple[Backend, Stage]:
    """The backend as it is served locally. Raises DeclarationError."""
    return _read(options, local=True)


def read_for_aws(options: Namespace, *, has_account: bool = True) -> tuple[Backend, Stage]:
    """The backend as it is deployed; without an account and a region, where it need not have them.

    Raises DeclarationError.
    """
    return _read(options, local=False, has_account=has_account)


def _read(options: Namespace, *, local: bool, has_account: bool = True) -> tuple[Backend, Stage]:
    project = project_of(options)
    stage = projects.read_stage(project, options.stage, local=local, has_account=has_account)
    with redirect_stdout(sys.stderr):  # what the project prints is no part of a command's result
        return projects.read_backend(project, stage), stage
