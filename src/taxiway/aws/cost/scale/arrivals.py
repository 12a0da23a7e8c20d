"""When requests arrive: independently of each other, or in bursts."""

from collections.abc import Iterator
from itertools import cycle
from random import Random
from typing import TypeAlias, assert_never

from msgspec import Struct


class Poisson(Struct, frozen=True, tag="poisson"):
    """Many independent clients: the time to the next request is exponential."""

    rate: float
    """Requests a second, on average."""


class Bursty(Struct, frozen=True, tag="bursty", kw_only=True):
    """A Poisson process whose rate rises at the end of each cycle."""

    rate: float
    """Requests a second, on average over a cycle."""
    factor: float = 5.0
    """The rate within a burst, by the average rate."""
    burst_s: float = 0.5
    """The length of a burst, in seconds."""
    cycle_s: float = 5.0
    """From one burst to the next, in seconds."""

    @property
    def quiet_rate(self) -> float:
        busy = self.burst_s / self.cycle_s
        return self.rate * (1 - self.factor * busy) / (1 - busy)


Arrivals: TypeAlias = Poisson | Bursty


def name_of(arrivals: Arrivals) -> str:
    match arrivals:
        case Poisson():
            return "poisson"
        case Bursty():
            return "bursty"
        case _:
            assert_never(arrivals)


def times(arrivals: Arrivals, random: Random) -> Iterator[float]:
    """The seconds at which requests arrive, in order and without end."""
    match arrivals:
        case Poisson():
            return _poisson(arrivals.rate, random)
        case Bursty():
            return _bursty(arrivals, random)
        case _:
            assert_never(arrivals)


def _poisson(rate: float, random: Random) -> Iterator[float]:
    now = 0.0
    while True:
        now += random.expovariate(rate)
        yield now


def _bursty(arrivals: Bursty, random: Random) -> Iterator[float]:
    phases = (
        (arrivals.quiet_rate, arrivals.cycle_s - arrivals.burst_s),
        (arrivals.rate * arrivals.factor, arrivals.burst_s),
    )
    end = 0.0
    for rate, length in cycle(phases):
        now, end = end, end + length
        while (now := now + random.expovariate(rate)) < end:
            yield now
