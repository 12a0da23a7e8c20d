"""Finds the path by which Lambda imports a handler: `module.name`, where that attribute is the handler itself."""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NoReturn, TypeAlias

from taxiway.declare.errors import refuse

LambdaHandler: TypeAlias = Callable[[Any, Any], Any]


def handler_path(handler: LambdaHandler, *, where: str) -> str:
    """`module.name`, as Lambda writes a function's handler.

    A decorated function, an object or a partial may say that it is called like something else, as `functools.wraps`
    makes it do. So the path is that of an attribute which is the handler: Lambda would run whatever else is there.
    Raises DeclarationError where no module has it.
    """
    if not callable(handler):
        refuse(
            f"{handler!r} is not a handler.",
            fix="name a function of your handlers: one under @handler, or (event, context)",
            where=where,
        )
    home = sys.modules.get(str(getattr(handler, "__module__", None)))
    name = getattr(handler, "__qualname__", "")
    path = next(_paths(handler, home, name, where), None)
    if path is None:
        _refuse_unnamed(handler, home, name, where)
    return path


def _refuse_unnamed(handler: LambdaHandler, home: ModuleType | None, name: str, where: str) -> NoReturn:
    called = f"{home.__name__}.{name}" if home and name else repr(handler)
    if home is not None and name in vars(home):
        refuse(
            f"The handler {called} is decorated, and no module has the decorated one: Lambda would run it undecorated.",
            fix="assign the decorated function to a name at the top level of its module",
            where=where,
        )
    fix = "define it at the top level of a module"
    refuse(f"The handler {called} can't be imported by name.", fix=fix, where=where)


def _paths(handler: LambdaHandler, home: ModuleType | None, name: str, where: str) -> Iterator[str]:
    """By its own name in its own module, by another name there, and in any other module but the declaring one."""
    if home is not None:
        if vars(home).get(name) is handler:
            yield from _named(home, [name])
        yield from _named(home, _names(handler, home))
    declaring = where.rpartition(":")[0]
    for _, module in sorted(sys.modules.items()):
        if getattr(module, "__file__", None) not in (None, declaring):
            yield from _named(module, _names(handler, module))


def _named(module: ModuleType, names: list[str]) -> Iterator[str]:
    if module.__name__ != "__main__":
        yield from (f"{module.__name__}.{name}" for name in names)


def _names(handler: LambdaHandler, module: ModuleType) -> list[str]:
    return [name for name, value in [*vars(module).items()] if value is handler]
