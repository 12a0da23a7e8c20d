"""A simulation is reproducible, and agrees with what queueing theory says where that says something."""

from itertools import islice
from math import factorial
from random import Random

import pytest

from taxiway.aws.cost.scale.arrivals import Arrivals, Bursty, Poisson, times
from taxiway.aws.cost.scale.pools import Limits
from taxiway.aws.cost.scale.simulation import Served, Simulated, Window, quantile, simulate


def served(**options: float | int | None) -> Served:
    settings = {"share": 1.0, "compute_ms": 2.0, "wait_ms": 5.0, "init_ms": 100.0, **options}
    return Served(name="get-item", **settings)


def run(*functions: Served, arrivals: Arrivals, seconds: float = 100, seed: int = 1, **limits: float) -> Simulated:
    window = Window(seconds / 4, seconds)
    return simulate(functions, arrivals, limits=Limits(**limits), window=window, platform_ms=100, seed=seed)


def test_the_same_seed_gives_the_same_result_and_another_seed_another() -> None:
    first, again, other = (run(served(), arrivals=Poisson(rate=50), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("erlangs", "limit"), [(2.0, 3), (8.0, 10)])
def test_the_share_that_is_throttled_is_erlangs(erlangs: float, limit: int) -> None:
    """Independent requests at a fixed number of environments that start at once: Erlang's loss formula (1917)."""
    function = served(reserved=limit, compute_ms=0.0, wait_ms=20.0, init_ms=-100.0)  # with the platform's 100 ms: none
    result = run(function, arrivals=Poisson(rate=erlangs * 50), seconds=400)
    terms = [erlangs**n / factorial(n) for n in range(limit + 1)]
    assert result.throttled_share == pytest.approx(terms[-1] / sum(terms), abs=0.01)
    assert result.running == limit


@pytest.mark.parametrize("arrivals", [Poisson(rate=200), Bursty(rate=200)])
def test_requests_arrive_at_the_average_rate_in_order(arrivals: Arrivals) -> None:
    found = list(islice(times(arrivals, Random(1)), 40_000))
    assert found == sorted(found)
    assert 40_000 / found[-1] == pytest.approx(200, rel=0.03)


def test_half_of_the_requests_of_a_bursty_process_arrive_in_a_tenth_of_the_time() -> None:
    arrivals = Bursty(rate=200)
    found = list(islice(times(arrivals, Random(1)), 40_000))
    in_bursts = sum(at % arrivals.cycle_s >= arrivals.cycle_s - arrivals.burst_s for at in found)
    assert in_bursts / len(found) == pytest.approx(0.5, abs=0.02)


def test_bursts_need_more_environments_and_throttle_more() -> None:
    steady, bursty = (run(served(), arrivals=kind(rate=1000), concurrency=20) for kind in (Poisson, Bursty))
    assert bursty.running >= steady.running
    assert bursty.throttled_share > steady.throttled_share


def test_a_longer_cold_start_is_seen_in_the_slowest_requests_alone() -> None:
    """Each environment lives for a second, so that a few percent of the requests start cold."""
    fast, slow = (
        run(served(init_ms=init), arrivals=Poisson(rate=100), lifetime_s=1, keep_warm_s=1) for init in (50.0, 500.0)
    )
    assert fast.cold_share > 0.01
    assert slow.p99_ms > fast.p99_ms + 300
    assert slow.p50_ms < fast.p50_ms + 5


def test_functions_share_the_requests_by_their_shares() -> None:
    result = run(served(share=0.9, wait_ms=1.0), served(share=0.1, wait_ms=1000.0), arrivals=Poisson(rate=100))
    assert result.p50_ms < 20
    assert result.p99_ms > 500


def test_no_traffic_has_no_quantiles() -> None:
    assert quantile([], 0.5) == 0.0
    assert [quantile([1, 2, 3, 4], share) for share in (0.0, 0.5, 0.75, 0.99, 1.0)] == [1, 2, 3, 4, 4]
