"""The attempts of one call: each is signed and exchanged, judged, and followed by another where that makes sense."""

import time
from typing import TypeGuard
from zlib import crc32

import msgspec
from msgspec import Struct

from taxiway.sdk import retries
from taxiway.sdk.connections import Pool, TransportError
from taxiway.sdk.credentials import ContainerCredentials, EnvironmentCredentials
from taxiway.sdk.errors import CallError, DeadlineExceeded, NoAnswer, SdkError, ServiceError
from taxiway.sdk.responses import Response
from taxiway.sdk.retries import Bucket, Kind
from taxiway.sdk.services import Service
from taxiway.sdk.signing import PostSigner

_CLOCK_STEP = 0.005
"""Seconds by which a wait may end early."""


class Answer(Struct):
    """What a call that succeeded came back with.

    `body` is the answer's JSON. `may_have_run` says whether an attempt before the one that was answered may have been
    carried out as well.
    """

    body: bytes
    attempts: int
    may_have_run: bool


class Failure(Struct):
    """Why no answer came, and whether the request may have reached the service."""

    problem: str
    sent: bool


class Line:
    """Where a service's requests go, what they are signed with, and what their retries are paid with."""

    def __init__(
        self,
        service: Service,
        pool: Pool,
        signer: PostSigner,
        credentials: EnvironmentCredentials | ContainerCredentials,
        attempts: int,
    ) -> None:
        self.service = service
        self.pool = pool
        self.attempts = attempts
        self.bucket = Bucket()
        self.skew = 0.0
        """Seconds by which the service's clock is ahead of ours."""
        self._signer = signer
        self._credentials = credentials

    def send(self, operation: str, body: bytes, deadline: float | None) -> Response | Failure:
        """Sign a request and exchange it."""
        now = time.time()
        credentials = self._credentials.get(now, deadline)
        try:
            return self.pool.exchange(self._signer.head(operation, body, credentials, now + self.skew) + body, deadline)
        except TransportError as error:
            return Failure(str(error), error.sent)


class _Refusal(Struct):
    """What the body of an error says."""

    type: str = msgspec.field(name="__type", default="")
    code: str = ""
    message: str | None = None
    capital_message: str | None = msgspec.field(name="Message", default=None)


class Attempts:
    """One call whose first attempt was not answered as it should be."""

    def __init__(self, line: Line, operation: str, body: bytes, deadline: float | None, skew: float) -> None:
        self._line = line
        self._operation = operation
        self._body = body
        self._deadline = deadline
        self._skew = skew
        """What the last attempt was signed with, in seconds."""
        self._attempts = 1
        self._may_have_run = False
        self._started = time.monotonic()

    def run(self, outcome: Response | Failure) -> Answer | CallError:
        """Take the first attempt's outcome, and try again for as long as that makes sense."""
        while True:
            error, kind, retry_after = self._judge(outcome)
            if kind is None or self._attempts == self._line.attempts:
                return error
            cost = retries.COST[kind]
            wait = self._pause(kind, error, retry_after)
            if self._is_too_late(wait) or not self._line.bucket.take(cost):
                return error
            time.sleep(wait)
            self._skew = self._line.skew
            try:
                outcome = self._line.send(self._operation, self._body, self._deadline)
            except SdkError as unavailable:  # new credentials can't be had, or what the environment says has changed
                error.add_note(str(unavailable))
                return error  # it knows whether an attempt may have been carried out
            self._attempts += 1
            if succeeded(outcome):
                self._line.bucket.give_back(cost)
                return Answer(outcome.body, self._attempts, self._may_have_run)

    def _judge(self, outcome: Response | Failure) -> tuple[CallError, Kind | None, str]:
        """The error that an attempt means, why it may be tried again, and the pause that the service asks for."""
        if isinstance(outcome, Failure):
            return self._no_answer(outcome.problem, sent=outcome.sent), "transient", ""
        if not _is_intact(outcome):
            refused = 400 <= outcome.status < 500
            problem = "the answer's checksum is not that of its bytes"
            return self._no_answer(problem, sent=not refused), "transient", ""
        if outcome.status >= 500:
            self._may_have_run = True
        error = self._refused(outcome)
        kind = retries.kind_of(outcome.status, error.code) or self._line.service.also_retried(error.code, outcome.body)
        if kind is None and self._set_clock(error.code, outcome.headers.get("date", "")):
            kind = "transient"
        return error, kind, outcome.headers.get("x-amz-retry-after", "")

    def _no_answer(self, problem: str, *, sent: bool) -> NoAnswer:
        self._may_have_run = self._may_have_run or sent
        late = self._deadline is not None and time.monotonic() >= self._deadline - _CLOCK_STEP
        return (DeadlineExceeded if late else NoAnswer)(
            f"No answer from {self._line.service.host_prefix}: {problem}",
            operation=self._operation,
            attempts=self._attempts,
            may_have_run=self._may_have_run,
        )

    def _refused(self, response: Response) -> ServiceError:
        try:
            told = msgspec.json.decode(response.body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = _Refusal()
        code = told.type or told.code or response.headers.get("x-amzn-errortype", "")
        return self._line.service.error(
            code.partition(":")[0].rpartition("#")[2],
            told.message or told.capital_message or "",
            status=response.status,
            body=response.body,
            request_id=response.headers.get("x-amzn-requestid", ""),
            operation=self._operation,
            attempts=self._attempts,
            may_have_run=self._may_have_run,
        )

    def _set_clock(self, code: str, date: str) -> bool:
        now = time.time()
        difference = retries.clock_difference(code, date, now + self._skew)
        if difference is None:
            return False
        self._line.skew = self._skew + difference  # another thread may have set the same meanwhile
        return True

    def _pause(self, kind: Kind, error: CallError, retry_after: str) -> float:
        wait = retries.pause(
            kind, self._attempts, scale=self._line.service.scale, chance=retries.chance(), retry_after=retry_after
        )
        last = self._attempts == self._line.attempts - 1
        if last and isinstance(error, ServiceError) and error.code == "TransactionInProgressException":
            return max(wait, self._started + retries.IN_PROGRESS_PAUSE - time.monotonic())
        return wait

    def _is_too_late(self, wait: float) -> bool:
        return self._deadline is not None and time.monotonic() + wait >= self._deadline


def succeeded(outcome: Response | Failure) -> TypeGuard[Response]:
    """Whether an attempt was answered as it should be."""
    return isinstance(outcome, Response) and 200 <= outcome.status < 300 and _is_intact(outcome)


def _is_intact(response: Response) -> bool:
    """Whether the body has the checksum that DynamoDB sends with it."""
    checksum = response.headers.get("x-amz-crc32")
    return checksum is None or checksum == str(crc32(response.body))
