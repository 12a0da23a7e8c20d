"""The environments of each function on Lambda: which request finds an idle one, starts one, or is throttled."""

from collections import deque
from collections.abc import Sequence

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """What an account may run at once, and how long Lambda keeps an environment."""

    concurrency: int = 1000
    """Requests at once: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    requests_per_second: int = 10
    """For each unit of concurrency: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"""
    starts: int = 1000
    """Environments that a function may start in `starts_s`, refilled evenly."""
    starts_s: float = 10.0
    keep_warm_s: float = 600.0
    """After which an idle environment ends. AWS documents no number."""
    lifetime_s: float = 7200.0
    """After which an environment is replaced, in use or not. AWS documents no number."""


class Pooled(Struct, frozen=True, kw_only=True):
    """What the pool of one function depends on."""

    reserved: int | None = None
    """Its reserved concurrency; None where it shares the account's."""
    ready: int = 0
    """Environments of provisioned concurrency, which neither start cold nor end."""


class Environment(Struct, eq=False):
    """One that runs, or is idle since then."""

    ends: float
    idle_since: float = 0.0
    is_cold: bool = True
    """Whether the request that it runs started it."""


class _Bucket:
    """Tokens, refilled evenly up to one period's."""

    def __init__(self, capacity: float, per_second: float) -> None:
        self._capacity = capacity
        self._per_second = per_second
        self._tokens = capacity
        self._at = 0.0

    def take(self, now: float) -> bool:
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Pools:
    """The environments of all functions of an account, driven by `begin` and `end` in the order of time."""

    def __init__(self, functions: Sequence[Pooled], limits: Limits) -> None:
        self._limits = limits
        self._functions = functions
        self._shared = limits.concurrency - sum(each.reserved or 0 for each in functions)
        self._shared_running = 0
        self._running = [0] * len(functions)
        self._idle = [
            deque(Environment(ends=float("inf"), idle_since=float("inf"), is_cold=False) for _ in range(each.ready))
            for each in functions
        ]
        per_second = limits.concurrency * limits.requests_per_second
        self._requests = _Bucket(per_second, per_second)
        self._starts = [_Bucket(limits.starts, limits.starts / limits.starts_s) for _ in functions]
        self.running = 0
        self.environments = sum(each.ready for each in functions)
        """Those that exist now, running or idle."""

    def begin(self, function: int, now: float, *, lifetime_s: float) -> Environment | None:
        """The environment that a request runs in, or None where it is throttled. A new one has this lifetime."""
        if not self._has_room(function) or not self._requests.take(now):
            return None
        environment = self._take_idle(function, now)
        if environment is None:
            if not self._starts[function].take(now):
                return None
            environment = Environment(ends=now + lifetime_s)
            self.environments += 1
        self._count(function, 1)
        return environment

    def end(self, function: int, environment: Environment, now: float) -> None:
        """A request has been answered; its environment is idle, and the first to be used again."""
        self._count(function, -1)
        environment.is_cold = False
        if environment.ends != float("inf"):
            environment.idle_since = now
        self._idle[function].append(environment)

    def _has_room(self, function: int) -> bool:
        reserved = self._functions[function].reserved
        if reserved is not None:
            return self._running[function] < reserved
        return self._shared_running < self._shared

    def _take_idle(self, function: int, now: float) -> Environment | None:
        idle = self._idle[function]
        while idle and idle[0].idle_since + self._limits.keep_warm_s <= now:  # the longest idle is the first
            idle.popleft()
            self.environments -= 1
        while idle:
            environment = idle.pop()
            if environment.ends > now:
                return environment
            self.environments -= 1
        return None

    def _count(self, function: int, change: int) -> None:
        self.running += change
        self._running[function] += change
        if self._functions[function].reserved is None:
            self._shared_running += change
