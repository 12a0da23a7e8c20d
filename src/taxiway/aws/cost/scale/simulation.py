"""A discrete-event simulation of requests to functions on Lambda. The same seed gives the same result."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate
from math import ceil, exp
from random import Random

from msgspec import Struct

from taxiway.aws.cost.scale.arrivals import Arrivals, times
from taxiway.aws.cost.scale.pools import Environment, Limits, Pooled, Pools

SPREAD = 0.5
"""The sigma of the table's answers, which are log-normal: p99 is 2.8 times the mean."""


class Served(Pooled, frozen=True, kw_only=True):
    """A function, and how long its requests take: milliseconds, on the CPU that its memory gives it."""

    name: str
    share: float
    """Of all requests, 0 to 1."""
    compute_ms: float
    """Warm."""
    wait_ms: float
    """For the table, on average."""
    init_ms: float
    """What a cold request computes before it does what a warm one does. Lambda bills it."""


class Window(Struct, frozen=True):
    """How long is simulated: `warm_up_s` first, from no environment at all, and then `measured_s` that count."""

    warm_up_s: float
    measured_s: float


class Simulated(Struct, frozen=True, kw_only=True):
    """What was counted in the measured part of a window; milliseconds are from invocation to answer."""

    requests: int
    throttled: int
    cold: int
    p50_ms: float
    p99_ms: float
    running: int
    """The most requests that ran at once."""
    environments: int
    """The most that existed at once: a start from zero has as many cold starts."""

    @property
    def served(self) -> int:
        return self.requests - self.throttled

    @property
    def cold_share(self) -> float:
        """Of the requests that were served."""
        return self.cold / self.served if self.served else 0.0

    @property
    def throttled_share(self) -> float:
        return self.throttled / self.requests if self.requests else 0.0


class _Invocation(Struct, frozen=True):
    """A request when it arrives: what it will take, and the environment that serves it; None where it is throttled."""

    at: float
    ms: float
    environment: Environment | None


def simulate(
    functions: Sequence[Served], arrivals: Arrivals, *, limits: Limits, window: Window, platform_ms: float, seed: int
) -> Simulated:
    """Serve what arrives in a window. `platform_ms` is what Lambda takes to start an environment, before Python runs.

    The same seed gives the same arrivals, whatever the functions take. Environments that start in the warm-up have a
    random part of their lifetime left, as at any moment of a long run.
    """
    pools = Pools(functions, limits)
    requests = cold = running = environments = 0
    latencies: list[float] = []
    for invocation in _invocations(pools, functions, arrivals, limits, window, platform_ms, seed):
        if invocation.at < window.warm_up_s:
            continue
        if invocation.at >= window.warm_up_s + window.measured_s:
            break
        requests += 1
        if invocation.environment is not None:
            latencies.append(invocation.ms)
            cold += invocation.environment.is_cold
            running = max(running, pools.running)
            environments = max(environments, pools.environments)
    latencies.sort()
    return Simulated(
        requests=requests,
        throttled=requests - len(latencies),
        cold=cold,
        p50_ms=quantile(latencies, 0.50),
        p99_ms=quantile(latencies, 0.99),
        running=running,
        environments=environments,
    )


def _invocations(
    pools: Pools,
    functions: Sequence[Served],
    arrivals: Arrivals,
    limits: Limits,
    window: Window,
    platform_ms: float,
    seed: int,
) -> Iterator[_Invocation]:
    """Each request in the order of time, without end; those that have been answered by then have left their pools."""
    of_arrivals, of_service = Random(f"{seed} arrivals"), Random(f"{seed} service")  # noqa: S311 - a model of traffic
    chosen, shares = range(len(functions)), list(accumulate(function.share for function in functions))
    ends: list[tuple[float, int, int, Environment]] = []
    for number, now in enumerate(times(arrivals, of_arrivals)):
        while ends and ends[0][0] <= now:
            ended, _, function, environment = heappop(ends)
            pools.end(function, environment, ended)
        (at,) = of_arrivals.choices(chosen, cum_weights=shares)
        lifetime_s = limits.lifetime_s * (of_service.random() if now < window.warm_up_s else 1)
        environment = pools.begin(at, now, lifetime_s=lifetime_s)
        if environment is None:
            yield _Invocation(now, 0.0, None)
            continue
        served = functions[at]
        wait_ms = served.wait_ms * exp(of_service.gauss(-SPREAD * SPREAD / 2, SPREAD))
        ms = served.compute_ms + wait_ms + (platform_ms + served.init_ms if environment.is_cold else 0.0)
        heappush(ends, (now + ms / 1000, number, at, environment))
        yield _Invocation(now, ms, environment)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed; 0.0 without values."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0
