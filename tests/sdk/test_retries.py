"""Retry decisions are those of botocore's standard mode, but for the differences that are named here."""

from types import SimpleNamespace
from zlib import crc32

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.retries import quota, standard
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from tests.counts import count

from taxiway.sdk import retries
from taxiway.sdk.dynamodb.errors import contention
from taxiway.sdk.dynamodb.service import SERVICE

DIFFERENT = {"TransactionConflictException", "TransactionCanceledException"}
"""Tried again here, for the reasons that dynamodb.errors.contention tells, and not by botocore."""

MODEL = get_session().get_service_model("dynamodb")
OPERATIONS = sorted(MODEL.operation_names)
CODES = sorted(
    {
        *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # noqa: SLF001  the oracle's list
        *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,  # noqa: SLF001  the same
        *(shape.name for shape in MODEL.error_shapes),
        *("ValidationException", "AccessDeniedException", "UnrecognizedClientException", "InternalServerError", ""),
    }
)
STATUSES = st.sampled_from([400, 401, 403, 404, 409, 413, 429, 500, 501, 502, 503, 504, 505])


class Decider:
    """botocore's own parts, put together as it puts them together."""

    def __init__(self, attempts, service="dynamodb"):
        self.chance = 0.0
        adapter = standard.RetryEventAdapter()
        detector = standard.ThrottlingErrorDetector(adapter)
        self.quota = quota.RetryQuota()
        self.checker = standard.RetryQuotaChecker(self.quota, detector)
        self.conditions = standard.StandardRetryConditions(max_attempts=attempts)
        self.backoff = standard.ExponentialBackoff(
            service_name=service, throttling_detector=detector, random=lambda: self.chance
        )
        self.context = {}

    def decide(self, attempt, operation, status=None, code=None, retry_after=None, exception=None):
        """The pause before the next attempt, or None where there is none."""
        headers = {} if retry_after is None else {"x-amz-retry-after": retry_after}
        response = None if status is None else AWSResponse("https://h/", status, headers, SimpleNamespace())
        context = standard.RetryContext(
            attempt_number=attempt,
            operation_model=MODEL.operation_model(operation),
            parsed_response=None if status is None else {"Error": {"Code": code} if code else {}},
            http_response=response,
            caught_exception=exception,
            request_context=self.context,
        )
        if not self.conditions.is_retryable(context) or not self.checker.acquire_retry_quota(context):
            return None
        return self.backoff.delay_amount(context)


@count("cases", test=200, soak=20_000)
@given(
    operation=st.sampled_from(OPERATIONS),
    status=STATUSES,
    code=st.sampled_from(CODES),
    attempt=st.integers(1, 5),
    chance=st.floats(0, 0.999),
    retry_after=st.one_of(st.none(), st.sampled_from(["0", "50", "1500", "30000", "abc", "-1", "1.5", ""])),
)
def test_an_error_is_tried_again_when_and_as_late_as_botocore_would(
    operation, status, code, attempt, chance, retry_after
):
    shapes = {shape.name for shape in MODEL.operation_model(operation).error_shapes}
    if code in DIFFERENT or (status == 429 and code in shapes):  # DynamoDB has no error of its own with that status
        return
    if code == "ReplicatedWriteConflictException" and code not in shapes:  # the others can't get it
        return
    decider = Decider(SERVICE.attempts)
    decider.chance = chance
    theirs = decider.decide(attempt, operation, status, code, retry_after)

    kind = retries.kind_of(status, code)
    bucket = retries.Bucket()
    ours = None
    if kind is not None and attempt < SERVICE.attempts and bucket.take(retries.COST[kind]):
        ours = retries.pause(kind, attempt, scale=SERVICE.scale, chance=chance, retry_after=retry_after or "")

    assert ours == (None if theirs is None else pytest.approx(theirs))
    assert bucket.tokens == decider.quota.available_capacity


@pytest.mark.parametrize("exception", [ConnectTimeoutError(endpoint_url="u"), ReadTimeoutError(endpoint_url="u")])
@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_no_answer_is_tried_again_as_late_as_botocore_would(exception, attempt):
    decider = Decider(SERVICE.attempts)
    decider.chance = 0.5

    theirs = decider.decide(attempt, "PutItem", exception=exception)

    assert retries.pause("transient", attempt, scale=SERVICE.scale, chance=0.5) == pytest.approx(theirs)
    assert retries.CAPACITY - retries.COST["transient"] == decider.quota.available_capacity


def test_other_services_wait_as_botocore_has_them_wait():
    decider = Decider(3, "secrets-manager")
    decider.chance = 0.5
    assert retries.pause("transient", 2, scale=0.05, chance=0.5) == decider.decide(2, "GetItem", 500, "X")


@count("cases", test=200, soak=20_000)
@given(st.lists(st.sampled_from(["throttling", "transient", "success", "success after a retry"]), max_size=120))
def test_tokens_are_taken_and_given_back_as_botocore_does(events):
    decider, bucket = Decider(9), retries.Bucket()
    codes = {"throttling": (400, "ThrottlingException"), "transient": (500, "X")}
    last = None
    for event in events:
        if event in codes:
            decider.context = {}
            theirs = decider.decide(1, "PutItem", *codes[event])
            cost = retries.COST[event]
            assert bucket.take(cost) == (theirs is not None)
            last = cost if theirs is not None else last
        elif event == "success":
            decider.checker.release_retry_quota({}, SimpleNamespace(status_code=200))
            bucket.give_back(1)
        elif last is not None:
            decider.checker.release_retry_quota({"retry_quota_capacity": last}, SimpleNamespace(status_code=200))
            bucket.give_back(last)
        assert bucket.tokens == decider.quota.available_capacity


def test_attempts_are_botocores():
    assert standard._SERVICE_MAX_ATTEMPTS["dynamodb"] == SERVICE.attempts  # noqa: SLF001  the oracle's own number
    assert standard._SERVICE_MAX_ATTEMPTS["dynamodb-streams"] == SERVICE.attempts  # noqa: SLF001  the same


def test_a_wrong_checksum_is_tried_again_by_botocore_too():
    from botocore.retries.special import RetryDDBChecksumError

    response = AWSResponse("https://h/", 200, {"x-amz-crc32": str(crc32(b"{}") + 1)}, SimpleNamespace())
    response._content = b"{}"  # noqa: SLF001  as if it had been read
    context = standard.RetryContext(1, MODEL.operation_model("GetItem"), http_response=response)
    assert RetryDDBChecksumError().is_retryable(context)


def test_the_differences_are_what_meets_other_writers():
    assert contention("TransactionConflictException", b"") == "transient"
    assert contention("ConditionalCheckFailedException", b"") is None
    for code in DIFFERENT:
        assert Decider(4).decide(1, "TransactWriteItems", 400, code) is None


def test_chance_is_spread_over_all_pauses():
    drawn = [retries.chance() for _ in range(2000)]

    assert all(0 <= each < 1 for each in drawn)
    assert 900 < sum(1 for each in drawn if each < 0.5) < 1100


@pytest.mark.parametrize(
    "date",
    ["", "now", "Sat, 28 Nov 2026 09:41:06", "Sat, 28 Xxx 2026 09:41:06 GMT", "Sat, 99 Nov 2026 09:41:06 GMT", "a b c"],
)
def test_a_date_that_is_none_sets_no_clock(date):
    assert retries.clock_difference("RequestTimeTooSkewed", date, 0.0) is None


def test_the_clock_is_set_by_the_services_date():
    date = "Sat, 28 Nov 2026 09:41:06 GMT"

    assert retries.clock_difference("RequestTimeTooSkewed", date, 1_795_858_866 - 1000.0) == 1000.0
    assert retries.clock_difference("RequestTimeTooSkewed", date, 1_795_858_866 - 240.0) is None
    assert retries.clock_difference("ValidationException", date, 0.0) is None
