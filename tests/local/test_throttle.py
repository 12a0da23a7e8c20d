"""A token bucket lets a burst through at once and the rate after it."""

from taxiway.local.throttle import TokenBucket


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_through_at_once_and_no_more() -> None:
    bucket = TokenBucket(rate=1, burst=3, clock=Clock())
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]


def test_tokens_come_back_at_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=2, burst=2, clock=clock)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    clock.now += 0.4
    assert not bucket.take()
    clock.now += 0.1
    assert [bucket.take(), bucket.take()] == [True, False]


def test_a_rest_does_not_save_up_more_than_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=100, burst=2, clock=clock)
    clock.now += 3600
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_a_rate_under_one_a_second_works() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=0.1, burst=1, clock=clock)
    assert bucket.take()
    clock.now += 9.9
    assert not bucket.take()
    clock.now += 0.2
    assert bucket.take()


def test_over_an_hour_the_rate_is_kept() -> None:
    clock = Clock()
    bucket = TokenBucket(rate=5, burst=10, clock=clock)
    taken = 0
    for _ in range(3600 * 20):
        taken += bucket.take()
        clock.now += 0.05
    assert taken in range(5 * 3600, 5 * 3600 + 11)
