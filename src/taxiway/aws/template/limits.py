"""Refuses an environment that Lambda would refuse halfway through a deployment. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from taxiway.declare import Backend, Function, Stage
from taxiway.declare.environment_size import check_size

if TYPE_CHECKING:
    from taxiway.aws.template.code import Code


def check(backend: Backend, stage: Stage, code: Mapping[str, "Code"]) -> None:
    """Raise DeclarationError, naming a function whose environment is too large. `code` is each function's, by name."""
    for function in backend.functions:
        check_size(function, environment(backend, function, stage, code[function.name]))


def environment(backend: Backend, function: Function, stage: Stage, code: "Code") -> dict[str, str]:
    """All variables that a function has on AWS: those of the declaration, and those of its package."""
    return backend.environment_of(function, stage) | code.variables
