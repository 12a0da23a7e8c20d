"""Tells a hook of each call to DynamoDB: table, index, attempts, capacity and duration."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from taxiway.sdk.client import Call
from taxiway.sdk.dynamodb.answers import ConsumedCapacity
from taxiway.sdk.dynamodb.client import DynamoDB

T = TypeVar("T")


class TableCall(Struct):
    """A call as a hook learns of it.

    `tables` are those that its request names, each once. `capacity` is what the answer tells, so nothing where
    `return_consumed_capacity` was not asked for. `duration` is in seconds, with every attempt and pause.
    """

    operation: str
    tables: list[str]
    index: str | None
    attempts: int
    may_have_run: bool
    capacity: list[ConsumedCapacity]
    duration: float
    error: Exception | None


class _Action(Struct, rename="pascal"):
    table_name: str = ""


class _Asked(Struct, rename="pascal"):
    table_name: str | None = None
    index_name: str | None = None
    request_items: dict[str, Any] = {}
    transact_items: list[dict[str, _Action]] = []


class _Billed(Struct, rename="pascal"):
    consumed_capacity: ConsumedCapacity | list[ConsumedCapacity] | None = None


def observe(dynamodb: DynamoDB, hook: Callable[[TableCall], None] | None) -> None:
    """Have `hook` called after each call of the client, in the thread that made it; None ends it.

    What the hook raises reaches the caller.
    """

    dynamodb.client.hook = None if hook is None else lambda call: hook(_table_call(call))


def _table_call(call: Call) -> TableCall:
    asked = _decoded(call.request, _Asked())
    names = [asked.table_name] if asked.table_name else [*asked.request_items]
    names += [action.table_name for item in asked.transact_items for action in item.values()]
    billed = _decoded(call.answer or b"", _Billed()).consumed_capacity
    return TableCall(
        operation=call.operation,
        tables=list(dict.fromkeys(names)),
        index=asked.index_name,
        attempts=call.attempts,
        may_have_run=call.may_have_run,
        capacity=billed if isinstance(billed, list) else [billed] if billed else [],
        duration=call.duration,
        error=call.error,
    )


def _decoded(body: bytes, default: T) -> T:
    try:
        return msgspec.json.decode(body, type=type(default))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return default
