"""When a call is tried again, and after how long: AWS's standard mode.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html, with the numbers that botocore has since
1.44. Each wait is a random part of a bound that doubles, so that clients don't meet again; each retry takes tokens from
a bucket, so that a service that is down is not asked four times as often.
"""

import os
import threading
from collections.abc import Mapping
from typing import Literal, TypeAlias

from taxiway.sdk.errors import NotConfigured, text_of
from taxiway.sdk.forks import tell_after_fork

Kind: TypeAlias = Literal["transient", "throttling"]
"""Why a call may be tried again."""

LONGEST_PAUSE = 20.0
THROTTLING_SCALE = 1.0
RETRY_AFTER_EXTRA = 5.0
"""Seconds that `x-amz-retry-after` may add to a pause."""
IN_PROGRESS_PAUSE = 5.1
"""Seconds after its first attempt at which a transaction that was still running is asked for once more.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""
CAPACITY = 500
COST: Mapping[Kind, int] = {"transient": 14, "throttling": 5}
LARGEST_SKEW = 240.0
"""Seconds by which the service's clock may differ before signatures are made by it; AWS refuses at 300."""

_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_REPLICATION = "ReplicatedWriteConflictException"
_TRANSIENT_CODES = frozenset({"RequestTimeout", "RequestTimeoutException", _REPLICATION})
_THROTTLING_CODES = frozenset(
    {
        *("BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled"),
        *("RequestThrottledException", "SlowDown", "Throttling", "ThrottledException", "ThrottlingException"),
        *("TooManyRequestsException", "TransactionInProgressException"),
    }
)
_CLOCK_CODES = frozenset(
    {
        *("AccessDeniedException", "AuthFailure", "InvalidSignatureException"),
        *("RequestTimeTooSkewed", "SignatureDoesNotMatch"),
    }
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def kind_of(status: int, code: str) -> Kind | None:
    """Why an error of the service may be tried again; None where it may not."""
    if code in _THROTTLING_CODES or (status == 429 and code != _REPLICATION):
        return "throttling"
    return "transient" if code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES else None


def pause(kind: Kind, attempt: int, *, scale: float, chance: float, retry_after: str = "") -> float:
    """Seconds to wait after attempt number `attempt`, which is 1 for the first.

    `scale` is the bound of the first pause after a transient error; `chance` is in [0, 1); `retry_after` is the
    header `x-amz-retry-after`, in milliseconds.
    """
    first = THROTTLING_SCALE if kind == "throttling" else scale
    waited = chance * min(first * 2 ** (attempt - 1), LONGEST_PAUSE)
    if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 12:
        return max(waited, min(int(retry_after) / 1000, waited + RETRY_AFTER_EXTRA))
    return waited


def chance() -> float:
    """A random number in [0, 1) from the system: copies of one snapshot must not all wait the same time."""
    return int.from_bytes(os.urandom(6)) / 2**48


def attempts_of_environment(default: int) -> int:
    """AWS_MAX_ATTEMPTS, or the default. Raises NotConfigured where it is not a whole number of at least 1."""
    text = os.environ.get("AWS_MAX_ATTEMPTS")
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1000:
        raise NotConfigured(f"Invalid AWS_MAX_ATTEMPTS {text_of(text)}", fix="export AWS_MAX_ATTEMPTS=4")
    return int(text)


def clock_difference(code: str, date: str, now: float) -> float | None:
    """Seconds to add to the clock, where an error came of it: the header `Date` is far from `now`, in epoch seconds."""
    if code not in _CLOCK_CODES:
        return None
    theirs = _epoch(date)
    return None if theirs is None or abs(theirs - now) <= LARGEST_SKEW else theirs - now


class Bucket:
    """The tokens that retries are paid with; threads share it."""

    def __init__(self) -> None:
        self.tokens = CAPACITY
        self._lock = threading.Lock()
        tell_after_fork(self)

    def take(self, cost: int) -> bool:
        """Pay for a retry; False where there are too few tokens."""
        with self._lock:
            if cost > self.tokens:
                return False
            self.tokens -= cost
            return True

    def give_back(self, tokens: int) -> None:
        """After a success: what its last retry cost, or 1 where there was none."""
        if self.tokens < CAPACITY:
            with self._lock:
                self.tokens = min(CAPACITY, self.tokens + tokens)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()


def _epoch(date: str) -> float | None:
    """The epoch seconds of a header such as `Sat, 28 Nov 2026 09:41:06 GMT`. RFC 9110 §5.6.7."""
    from datetime import UTC, datetime

    try:
        _, day, month, year, clock, zone = date.split()
        if zone != "GMT":
            return None
        hour, minute, second = clock.split(":")
        parts = (int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second), 59))
        return datetime(*parts, tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
