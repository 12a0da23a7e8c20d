"""The path of a handler leads to the handler itself: what is declared is what Lambda runs."""

import sys
from collections.abc import Callable, Iterator
from functools import partial, wraps
from types import ModuleType
from typing import Any

import pytest

from taxiway.declare import DeclarationError
from taxiway.declare.handler_path import handler_path

SOURCE = """
def raw(event, context):
    return "raw"
"""


@pytest.fixture
def handlers() -> Iterator[ModuleType]:
    """A module of handlers, imported."""
    module = ModuleType("handlers_under_test")
    module.__file__ = "/project/handlers_under_test.py"
    exec(SOURCE, vars(module))  # noqa: S102  the source above
    module.raw.__module__ = module.__name__
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def guard(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*_: Any) -> Any:
        return "refused"

    return guarded


def path(handler: Any) -> str:
    return handler_path(handler, where="/project/backend.py:3")


def test_it_is_the_name_of_the_function(handlers: ModuleType) -> None:
    assert path(handlers.raw) == "handlers_under_test.raw"


def test_a_decorated_handler_is_the_attribute_that_it_is_assigned_to(handlers: ModuleType) -> None:
    handlers.guarded = guard(handlers.raw)

    assert path(handlers.guarded) == "handlers_under_test.guarded"
    assert path(handlers.raw) == "handlers_under_test.raw"


def test_an_object_or_a_partial_is_found_by_its_attribute(handlers: ModuleType) -> None:
    class App:
        def __call__(self, event: Any, context: Any) -> None: ...

    handlers.app, handlers.part = App(), partial(handlers.raw)

    assert path(handlers.app) == "handlers_under_test.app"
    assert path(handlers.part) == "handlers_under_test.part"


def test_a_decorated_handler_without_a_name_is_refused(handlers: ModuleType) -> None:
    """As of `api.get("/", guard(raw))`: Lambda would import `raw`, which is not guarded."""
    with pytest.raises(DeclarationError, match=r"handlers_under_test\.raw is decorated, .* would run it undecorated"):
        path(guard(handlers.raw))


def test_a_name_in_the_declaration_alone_does_not_count(handlers: ModuleType) -> None:
    declaring = ModuleType("declaring_under_test")
    declaring.__file__ = "/project/backend.py"
    declaring.guarded = guard(handlers.raw)
    sys.modules[declaring.__name__] = declaring
    try:
        with pytest.raises(DeclarationError, match="would run it undecorated"):
            path(declaring.guarded)
    finally:
        del sys.modules[declaring.__name__]


def test_what_no_module_has_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"can't be imported by name"):
        path(lambda *_: None)
    with pytest.raises(DeclarationError, match="'handler' is not a handler"):
        path("handler")
