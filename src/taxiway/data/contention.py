"""Contention: starting again because another writer came between, a bounded number of times, with random pauses."""

import time
from collections.abc import Iterator

CONFLICTS = 20
"""How often a write starts again because another writer came between: two to three seconds in all."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
"""Seconds: the first bound of the random pause before a write starts again, which doubles each time, and the last."""


def tries(attempts: int = CONFLICTS) -> Iterator[int]:
    """The numbers of the attempts, from 0, with a pause before each but the first."""
    for attempt in range(attempts):
        if attempt:
            pause(attempt - 1)
        yield attempt


def pause(attempt: int, longest: float | None = None) -> None:
    """Wait before the next try: a random time up to a bound that doubles, so that writers don't meet again.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    from random import uniform

    bound = min(LONGEST_PAUSE if longest is None else longest, FIRST_PAUSE * 2 ** min(attempt, 20))
    time.sleep(uniform(0, bound))  # noqa: S311  it spreads writers, and hides nothing
