"""A token bucket: how many requests a route takes."""

from collections.abc import Callable
from time import monotonic


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` a second; a request takes one.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html. `clock` gives seconds.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = self._burst
        self._at = clock()

    def take(self) -> bool:
        """Take a token for one request; False where there is none left."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
