"""Which request finds an idle environment, starts one, or is throttled: as Lambda documents it, and as locally."""

import asyncio
from heapq import merge
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from tests.local.test_functions import Busy
from tests.local.workers import Running, eventually, function, on_uvloop, running

from taxiway.aws.cost.scale.arrivals import Poisson, times
from taxiway.aws.cost.scale.pools import Environment, Limits, Pooled, Pools

LIMIT = 3
REQUESTS = 40
HOURS = 1e9


def pools(*functions: Pooled, **limits: float) -> Pools:
    return Pools(functions or [Pooled()], Limits(**limits))


def test_an_idle_environment_is_used_again_the_last_one_first() -> None:
    made = pools()
    first, second = made.begin(0, 0, lifetime_s=HOURS), made.begin(0, 0, lifetime_s=HOURS)
    assert first is not None
    assert second is not None
    assert first.is_cold
    made.end(0, first, 1)
    made.end(0, second, 2)
    assert made.begin(0, 3, lifetime_s=HOURS) is second
    assert not second.is_cold
    assert made.environments == 2


def test_an_environment_ends_when_it_was_idle_for_long_or_is_old() -> None:
    made = pools(keep_warm_s=600)
    idle = made.begin(0, 0, lifetime_s=HOURS)
    assert idle is not None
    made.end(0, idle, 1)
    assert made.begin(0, 600.9, lifetime_s=5) is idle
    made.end(0, idle, 601)
    other = made.begin(0, 1201, lifetime_s=5)
    assert other is not None
    assert other.is_cold
    made.end(0, other, 1202)
    after = made.begin(0, 1207, lifetime_s=5)
    assert after is not None
    assert after.is_cold
    assert made.environments == 1


def test_the_account_limits_what_runs_at_once_and_a_reservation_is_apart() -> None:
    made = pools(Pooled(), Pooled(reserved=1), Pooled(), concurrency=3)
    assert made.begin(0, 0, lifetime_s=HOURS)
    assert made.begin(2, 0, lifetime_s=HOURS)
    assert made.begin(0, 0, lifetime_s=HOURS) is None
    reserved = made.begin(1, 0, lifetime_s=HOURS)
    assert reserved
    assert made.begin(1, 0, lifetime_s=HOURS) is None
    made.end(1, reserved, 1)
    assert made.begin(1, 1, lifetime_s=HOURS) is reserved


def test_the_account_takes_ten_requests_a_second_for_each_unit_of_concurrency() -> None:
    made = pools(concurrency=2)
    served = 0
    for _ in range(30):
        environment = made.begin(0, 0, lifetime_s=HOURS)
        if environment is not None:
            made.end(0, environment, 0)
            served += 1
    assert served == 20
    assert made.begin(0, 0.06, lifetime_s=HOURS)


def test_a_function_starts_a_thousand_environments_in_ten_seconds() -> None:
    made = pools(concurrency=5000)
    started = [made.begin(0, 0, lifetime_s=HOURS) for _ in range(1500)]
    assert sum(environment is not None for environment in started) == 1000
    later = [made.begin(0, 1, lifetime_s=HOURS) for _ in range(500)]
    assert sum(environment is not None for environment in later) == 100


def test_provisioned_environments_do_not_start_cold_and_do_not_end() -> None:
    made = pools(Pooled(ready=1))
    for now in (0, 10_000, 20_000):
        ready = made.begin(0, now, lifetime_s=HOURS)
        assert ready is not None
        assert not ready.is_cold
        second = made.begin(0, now, lifetime_s=5)
        assert second is not None
        assert second.is_cold
        made.end(0, second, now + 1)
        made.end(0, ready, now + 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_local_development_starts_reuses_and_throttles_the_same_requests(seed: int, tmp_path: Path) -> None:
    """A Poisson process at which three environments are often all busy, in the order of time: nothing is timed."""
    random = Random(seed)
    begins = list(islice(times(Poisson(rate=2.0), random), REQUESTS))
    ends = [begin + random.expovariate(1.0) for begin in begins]

    expected = simulated(begins, ends)
    assert {"cold", "warm", "throttled"} == set(expected)  # the trace has all three
    assert on_uvloop(served)(begins, ends, expected, tmp_path) is None


def in_order(begins: list[float], ends: list[float]) -> list[tuple[float, str, int]]:
    return list(
        merge(
            [(at, "begin", number) for number, at in enumerate(begins)],
            sorted((at, "end", number) for number, at in enumerate(ends)),
        )
    )


def simulated(begins: list[float], ends: list[float]) -> list[str]:
    """Whether each request is "cold", "warm" or "throttled" by the model."""
    made = pools(Pooled(reserved=LIMIT))
    taken: dict[int, Environment] = {}
    found: list[str] = []
    for at, what, number in in_order(begins, ends):
        if what == "end":
            if number in taken:
                made.end(0, taken.pop(number), at)
            continue
        environment = made.begin(0, at, lifetime_s=HOURS)
        found.append("throttled" if environment is None else "cold" if environment.is_cold else "warm")
        if environment is not None:
            taken[number] = environment
    return found


async def served(begins: list[float], ends: list[float], expected: list[str], notes: Path) -> None:
    """The same requests in real environments: each answers when the trace says that it ends."""
    found: dict[int, str] = {}
    async with running(function("handlers.waits", concurrency=LIMIT)) as started:
        busy: dict[int, Busy] = {}
        for _, what, number in in_order(begins, ends):
            if what == "begin":
                request = Busy(started, notes)
                if expected[number] == "throttled":
                    found[number] = (await asyncio.wait_for(request.task, 20)).failure or "served"
                else:
                    busy[number] = await request.begun()
            elif number in busy:
                outcome = await busy.pop(number).end()
                found[number] = "cold" if outcome.cold else "warm"
                await eventually(lambda: idle(started) == len(started.environments) - len(busy))
        assert len(started.environments) == expected.count("cold")
    assert [found[number] for number in range(len(expected))] == expected


def idle(started: Running) -> int:
    return sum(environment.idle_since is not None for environment in started.environments)
