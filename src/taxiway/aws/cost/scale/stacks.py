"""Measured figures of Taxiway and its peers: what one request takes of a CPU, cold and warm."""

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

_FILE = Path(__file__).with_name("stacks.json")


class Stack(Struct, frozen=True, forbid_unknown_fields=True):
    """What POST /items takes on one stack: milliseconds of a whole CPU."""

    name: str
    cold_ms: float
    """The first request of a process, with the start of the interpreter and all imports."""
    warm_ms: float
    zip_mb: float

    @property
    def init_ms(self) -> float:
        """What a cold request takes on top of a warm one."""
        return self.cold_ms - self.warm_ms


class Measurement(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures that were measured together, so that they can be compared."""

    as_of: str
    how: str
    source: str
    stacks: tuple[Stack, ...]


@cache
def measurements() -> tuple[Measurement, ...]:
    return msgspec.json.decode(_FILE.read_bytes(), type=tuple[Measurement, ...])


def taxiway() -> Stack:
    return next(stack for each in measurements() for stack in each.stacks if stack.name == "Taxiway")


def every() -> tuple[Stack, ...]:
    """Taxiway, and then its peers."""
    return tuple(stack for each in measurements() for stack in each.stacks)
