"""The service role and the permissions boundary of a stage: made by `taxiway bootstrap-role`, or named by the user.

Their path has a `_`, which no backend's name can have: no role of a stage is under it, and a stage's service role
changes no role that is.
"""

from fnmatch import fnmatchcase

from taxiway.declare import names
from taxiway.declare.backend import Backend
from taxiway.declare.errors import refuse
from taxiway.declare.stage import Stage

PATH = "/taxiway_bootstrap/"


class StagePattern(Stage):
    """Every stage whose name matches a pattern, `pr-*`, for `names` to write in place of one."""

    def __post_init__(self) -> None:
        """A pattern is not a name, and is not checked as one."""


def stages(backend: Backend, stage: Stage) -> Stage:
    """The stages that `Operations(bootstrap=…)` names. Raises DeclarationError if `stage` is not one of them."""
    pattern = backend.operations.bootstrap or stage.name
    if not fnmatchcase(stage.name, pattern):
        refuse(
            f"The stage {stage.name} does not match Operations(bootstrap={pattern!r}).",
            fix=f"declare bootstrap={stage.name!r} for it, or a pattern that it matches",
            where=backend.source,
        )
    return stage if pattern == stage.name else StagePattern(name=pattern, variables=stage.variables)


def name(backend: Backend, stage: Stage, what: str) -> str:
    """The name of a bootstrap role or policy: `shop-prod_eu-west-1_deploy`, `shop-pr-_eu-west-1_deploy`."""
    return names.in_account(backend, stages(backend, stage), what).replace("*", "")


def boundary(backend: Backend, stage: Stage) -> str | None:
    """The ARN of the permissions boundary of every role of the stage, if it has one."""
    return backend.operations.boundary or _arn(backend, stage, "policy", "boundary")


def service_role(backend: Backend, stage: Stage) -> str | None:
    """The ARN of the role that CloudFormation works with, if it has one; otherwise it uses the caller's permissions."""
    return backend.operations.service_role or _arn(backend, stage, "role", "cloudformation")


def _arn(backend: Backend, stage: Stage, kind: str, what: str) -> str | None:
    if backend.operations.bootstrap is None:
        return None
    return f"arn:{names.partition(stage.region)}:iam::{stage.account}:{kind}{PATH}{name(backend, stage, what)}"
