"""Refuses a handler that Lambda could not call: it calls `handler(event, context)` and does not await the result."""

from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple, cast

from taxiway.declare.errors import refuse

# Flags of a code object: https://docs.python.org/3/library/inspect.html#inspect-module-co-flags.
_VARARGS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x20, 0x80, 0x200


class _Called(NamedTuple):
    """The function that a call of a handler runs, and what it is given beside the event and the context."""

    code: CodeType
    defaults: int
    """How many of its positional arguments have one."""
    named_defaults: frozenset[str]
    given: int
    """How many positional arguments come before the event."""
    named: frozenset[str]
    """The arguments that are given by name."""


def check_signature(handler: Callable[..., Any], called: str, *, where: str) -> None:
    """Raise DeclarationError if Lambda's call of the handler named `called` is certain to fail.

    What can't be seen, as in an extension module, passes.
    """
    found = _called(handler)
    if found is None:
        return
    code = found.code
    if code.co_flags & (_COROUTINE | _ASYNC_GENERATOR):
        refuse(
            f"The handler {called} is async, but Lambda does not await a plain handler.",
            fix="decorate it with @handler of taxiway.http, which runs async functions, or write def",
            where=where,
        )
    if code.co_flags & _GENERATOR:
        refuse(
            f"The handler {called} is a generator, but Lambda for Python does not read one.",
            fix="return the response instead of yielding parts of it",
            where=where,
        )
    _check_arguments(found, called, where)


def _called(handler: Any) -> _Called | None:
    """Look through partials, bound methods and objects with `__call__`."""
    given, named = 0, frozenset[str]()
    while isinstance(handler, partial):
        whole = cast("partial[Any]", handler)
        given, named, handler = given + len(whole.args), named | whole.keywords.keys(), whole.func
    if not isinstance(handler, FunctionType | MethodType):
        handler = None if isinstance(handler, type) else getattr(handler, "__call__", None)  # noqa: B004  its method
    if isinstance(handler, MethodType):
        given, handler = given + 1, handler.__func__
    if not isinstance(handler, FunctionType):
        return None
    defaults, named_defaults = len(handler.__defaults__ or ()), frozenset(handler.__kwdefaults__ or ())
    return _Called(handler.__code__, defaults, named_defaults, given, named)


def _check_arguments(found: _Called, called: str, where: str) -> None:
    """A call with two positional arguments, after those that a partial or a bound method gives."""
    code, passed = found.code, found.given + 2
    names = code.co_varnames[: code.co_argcount]
    required = set(names[: len(names) - found.defaults]) - found.named
    by_name = set(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])
    missing = by_name - found.named_defaults - found.named
    fits = len(required) <= passed and (len(names) >= passed or code.co_flags & _VARARGS)
    if not fits or missing:
        taken = [name for name in names[found.given :] if name not in found.named]
        refuse(
            f"The handler {called} takes ({', '.join([*taken, *sorted(missing)])}), but Lambda calls it with "
            "(event, context).",
            fix="decorate it with @handler of taxiway.http, which reads typed arguments from the request, or write "
            "def …(event, context)",
            where=where,
        )
