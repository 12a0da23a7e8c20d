"""Decides which stack of a stage a function is in: the main stack, or a nested one."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import assert_never

from taxiway.declare.api import JwtAuthorizer, Route
from taxiway.declare.backend import Backend
from taxiway.declare.errors import refuse
from taxiway.declare.function import Function
from taxiway.declare.stream import StreamConsumer
from taxiway.declare.triggers import Trigger

STACK_LIMIT = 500
"""Resources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

# The most that a stack holds of one function, of one consumer, and of what every stage has however large it is (the
# nested stacks, the network, the domain and the CDN among it); a test compares them with real templates. Raising one of
# them moves functions of those who have large backends.
_PER_FUNCTION = 16
_PER_CONSUMER = 18
_THE_REST = 76

_NESTED_STACKS = 16
"""As many as the functions of a stack full of routes need, so that the number never has to change."""
_LARGEST_GROUP = 30


def group(backend: Backend, function: Function) -> int | None:
    """The nested stack that a function is in; None is the main stack, which is filled first.

    Consumers are always in the main stack: one that moved would be created again, and receive its whole stream again.
    For the others, the stack follows from their names alone, and a new function moves at most two: docs/decisions/0013.
    Raises DeclarationError if there are more routes than a stack can hold.
    """
    held = _THE_REST + sum(_of_declared(backend).values())
    if held > STACK_LIMIT:
        listed = ", ".join(f"{count} of {what}" for what, count in _of_declared(backend).items() if count)
        refuse(
            f"The backend needs {held} resources in one stack ({listed}, {_THE_REST} others); a CloudFormation stack "
            f"can hold {STACK_LIMIT}.",
            fix="let one route serve several paths (/files/{path+}), or make it two backends",
            where=backend.source,
        )
    movable = frozenset(function.name for function in backend.functions) - _fixed(backend)
    return _groups(movable, (STACK_LIMIT - held) // _PER_FUNCTION).get(function.name)


def _of_declared(backend: Backend) -> dict[str, int]:
    """The number of resources in the main stack, for each kind whose number depends on the declaration.

    They are the same for every stage: a resource that a stage omits keeps its place.
    """
    return {
        "routes": sum(2 if route.cache else 1 for route in backend.routes),
        "authorizers": _of_authorizers(backend),
        "secrets": _of_secrets(backend),
        "the table": _of_table(backend),
        "consumers": len(_fixed(backend)) * _PER_CONSUMER,
        "readers of alarms": len(backend.operations.emails),
    }


def _of_authorizers(backend: Backend) -> int:
    """A Lambda authorizer has a permission too."""
    return sum(
        1 if isinstance(authorizer, JwtAuthorizer) else 2
        for authorizer in (backend.api.authorizers if backend.api else ())
    )


def _of_secrets(backend: Backend) -> int:
    """Those that the stack creates; a rotated one has a schedule, and a permission for its function."""
    return sum(3 if secret.rotation else 1 for secret in backend.secrets if secret.generate)


def _of_table(backend: Backend) -> int:
    """The table and the auto-scaling of its capacity and its indexes'."""
    table = backend.table
    return 1 + 4 * (1 + len(table.indexes)) if table and table.capacity else 1


def _fixed(backend: Backend) -> frozenset[str]:
    """The functions that never move to another stack: they would be created again, and something would be lost."""
    return frozenset(trigger.function.name for trigger in backend.triggers if not _loses_nothing(trigger))


def _loses_nothing(trigger: Trigger) -> bool:
    match trigger:
        case Route():
            return True
        case StreamConsumer():
            return False  # one that is made anew gets all that its stream has once more
        case _:
            assert_never(trigger)


@cache
def _groups(functions: frozenset[str], room: int) -> Mapping[str, int | None]:
    """Where functions are: each, in an order that is drawn by its name, in the first stack of its own list with room.

    All have the stage's own stack first, which takes `room`, and then the nested ones in an order drawn by the name.
    """
    left: dict[int | None, int] = {None: room} | dict.fromkeys(range(1, _NESTED_STACKS + 1), _LARGEST_GROUP)
    found: dict[str, int | None] = {}
    for name in sorted(functions, key=_drawn):
        nested = sorted(range(1, _NESTED_STACKS + 1), key=lambda number: _drawn(f"{number} {name}"))
        found[name] = next(number for number in (None, *nested) if left[number])
        left[found[name]] -= 1
    return found


def _drawn(text: str) -> bytes:
    return sha256(text.encode()).digest()
