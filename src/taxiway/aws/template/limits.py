"""What AWS refuses of a declaration by limits that nobody can have raised, told before it is asked. Pure.

Those that can be are told by `cautions`, and the size of a policy by `policies`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from taxiway.aws.template import quotas
from taxiway.declare import Backend, DeclarationError, Function, Stage
from taxiway.declare.environment_size import check_size

if TYPE_CHECKING:
    from taxiway.aws.template.code import Code

_HANDLER = 128
"""Characters: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""


def check(backend: Backend, stage: Stage, code: Mapping[str, "Code"]) -> None:
    """Raise DeclarationError, naming what is too large or too many. `code` is each function's, by its name."""
    for function in backend.functions:
        _check_handler(function, code[function.name].handler)
        check_size(function, environment(backend, function, stage, code[function.name]))
    _check_integrations(backend)


def environment(backend: Backend, function: Function, stage: Stage, code: "Code") -> dict[str, str]:
    """All variables that a function has on AWS: those of the declaration, and those of its package."""
    return backend.environment_of(function, stage) | code.variables


def _check_handler(function: Function, path: str) -> None:
    if len(path) > _HANDLER:
        raise DeclarationError(
            f"Function {function.name}: the path of its handler, {path}, has {len(path)} characters, and Lambda takes "
            f"{_HANDLER}.",
            fix="put it into a module that is less deep, or let the function serve two routes",
            where=function.source,
        )


def _check_integrations(backend: Backend) -> None:
    """Each function has one, and each route with a cache one of its own."""
    cached = sum(route.cache is not None for route in backend.routes)
    count = cached + len({id(route.function) for route in backend.routes if route.cache is None})
    if count > quotas.INTEGRATIONS:
        raise DeclarationError(
            f"The API has {count} integrations, one for each function and {cached} for routes with a cache; API "
            f"Gateway takes {quotas.INTEGRATIONS}.",
            fix="let routes share functions, or make it two backends",
            where=backend.source,
        )
