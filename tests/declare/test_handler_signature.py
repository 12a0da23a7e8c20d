"""A handler that Lambda could not call is refused at declaration; whatever Lambda can call passes."""

# ruff: noqa: ARG001  a Lambda handler takes both, whatever it uses

import functools
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from taxiway import DeclarationError, Function, StreamConsumer
from taxiway.declare.handler_signature import check_signature
from taxiway.http import handler


def plain(event: Any, context: Any) -> None: ...
def other_names(request: Any, _: Any, extra: int = 1, *, named: int = 2) -> None: ...
def any_arguments(*arguments: Any, **named: Any) -> None: ...
def one_and_more(event: Any, *rest: Any) -> None: ...
def five(prefix: str, event: Any, context: Any, *, table: str, suffix: str = "") -> None: ...


class App:
    def __call__(self, event: Any, context: Any) -> None: ...
    def serve(self, event: Any, context: Any) -> None: ...
    @staticmethod
    def plain(event: Any, context: Any) -> None: ...
    @classmethod
    def of_class(cls, event: Any, context: Any) -> None: ...


@handler
async def typed() -> None: ...


@functools.wraps(five)
def wrapper(event: Any, context: Any) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        *(plain, other_names, any_arguments, one_and_more, wrapper, typed),
        *(App(), App().serve, App.plain, App.of_class),
        functools.partial(five, "a", table="t"),
        functools.partial(functools.partial(five, table="t"), "a"),
        functools.partial(App().serve),
        print,  # written in C: what it takes can't be seen
    ],
    ids=lambda value: value if isinstance(value, str) else re.sub(r" at 0x\w+", "", str(value)),
)
def test_what_lambda_can_call_passes(function: Any) -> None:
    check_signature(function, "handlers.it", where="backend.py:1")


async def coroutine(event: Any, context: Any) -> None: ...
async def stream(event: Any, context: Any) -> AsyncIterator[int]:
    yield 1


def generator(event: Any, context: Any) -> Iterator[int]:
    yield 1


class AsyncApp:
    async def __call__(self, event: Any, context: Any) -> None: ...


def nothing() -> None: ...
def event_alone(event: Any) -> None: ...
def three(event: Any, context: Any, table: str) -> None: ...
def by_name(event: Any, context: Any, *, table: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (coroutine, "is async, but Lambda does not await a plain handler"),
        (AsyncApp(), "is async, but Lambda does not await"),
        (functools.partial(coroutine), "is async"),
        (stream, "is async"),
        (generator, "is a generator, but Lambda for Python does not read one"),
        (nothing, r"takes \(\), but Lambda calls it with \(event, context\)"),
        (event_alone, r"takes \(event\), but"),
        (three, r"takes \(event, context, table\), but"),
        (by_name, r"takes \(event, context, table\), but"),
        (functools.partial(five, "a"), r"takes \(event, context, table\), but"),
        (functools.partial(plain, 1), r"takes \(context\), but"),
        (App.serve, r"takes \(self, event, context\), but"),
    ],
    ids=lambda value: value if isinstance(value, str) else re.sub(r" at 0x\w+", "", str(value)),
)
def test_what_lambda_could_not_call_is_refused(function: Any, problem: str) -> None:
    with pytest.raises(DeclarationError, match=f"The handler handlers.it {problem}") as raised:
        check_signature(function, "handlers.it", where="backend.py:1")
    assert raised.value.where == "backend.py:1"
    assert "@handler" in raised.value.fix or "return the response" in raised.value.fix


def test_the_handler_of_a_consumer_is_checked_too() -> None:
    with pytest.raises(DeclarationError, match=r"test_handler_signature\.nothing takes \(\)"):
        StreamConsumer(nothing, Function(name="changes"))  # pyright: ignore[reportArgumentType]  the mistake is the test


def test_a_consumer_without_a_function_says_so() -> None:
    with pytest.raises(DeclarationError, match="A StreamConsumer has no function") as raised:
        StreamConsumer(plain)
    assert raised.value.where.startswith(__file__)
