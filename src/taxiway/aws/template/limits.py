"""Refuses an environment that Lambda would refuse halfway through a deployment. Pure."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from taxiway.declare import Backend, DeclarationError, Function, Stage

if TYPE_CHECKING:
    from taxiway.aws.template.code import Code

_ENVIRONMENT = 4096
"""Bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def check(backend: Backend, stage: Stage, code: Mapping[str, "Code"]) -> None:
    """Raise DeclarationError, naming a function whose environment is too large. `code` is each function's, by name."""
    for function in backend.functions:
        _check_environment(function, environment(backend, function, stage, code[function.name]))


def environment(backend: Backend, function: Function, stage: Stage, code: "Code") -> dict[str, str]:
    """All variables that a function has on AWS: those of the declaration, and those of its package."""
    return backend.environment_of(function, stage) | code.variables


def _check_environment(function: Function, variables: Mapping[str, str]) -> None:
    """Lambda measures the names and values as JSON, as it says where it refuses them:
    https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
    """
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if size > _ENVIRONMENT:
        largest = max(variables, key=lambda name: len(variables[name]))
        raise DeclarationError(
            f"Function {function.name}: its environment has {size} bytes, and Lambda takes {_ENVIRONMENT}. The largest "
            f"variable is {largest}.",
            fix="put what is large into a file beside the handler, or into a Secret",
            where=function.source,
        )
