"""What the gateway asks of a function, and what comes back; how functions run is another module's matter."""

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

Failure: TypeAlias = Literal[
    "error",  # the handler raised, or answered with what is no JSON
    "init",  # the module could not be imported, or its import raised
    "exit",  # the process ended by itself
    "timeout",  # the function's own timeout, and the process was killed
    "memory",  # over the function's memory, and the process was killed
    "payload",  # the event or the answer is over 6 MB
    "throttled",  # every environment that the function may have is busy, and the wait was too long
]


class Outcome(Struct, kw_only=True):
    """How one invocation ended."""

    payload: bytes = b""
    """The JSON that the function answered with; empty where it failed."""
    failure: Failure | None = None
    detail: str = ""
    """For the terminal: what went wrong, in Lambda's words where it has some."""
    cold: bool = False
    """A new environment was started for it."""
    duration_ms: float = 0.0
    """From the event's delivery to the answer; a cold start is not in it."""


class Invoker(Protocol):
    """Something that can run a function of the plan by its name."""

    async def invoke(self, function: str, event: bytes, *, trace_id: str) -> Outcome: ...
