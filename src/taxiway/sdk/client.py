"""Sends a service's calls: signs them, tries them again as AWS's standard mode does, and tells what became of them."""

import os
import time
from collections.abc import Callable
from zlib import crc32

import msgspec
from msgspec import Struct

from taxiway.sdk import retries
from taxiway.sdk.connections import Pool, TransportError
from taxiway.sdk.credentials import ContainerCredentials, EnvironmentCredentials, provider
from taxiway.sdk.endpoints import endpoint_for, parse_url, region_of_environment
from taxiway.sdk.errors import CallError, CredentialsUnavailable, DeadlineExceeded, NoAnswer, ServiceError
from taxiway.sdk.responses import Response
from taxiway.sdk.retries import Bucket, Kind
from taxiway.sdk.signing import Credentials, PostSigner, Scope

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
"""Seconds."""
_CLOCK_STEP = 0.005
"""Seconds by which a wait may end early."""


class Service(Struct, frozen=True):
    """What tells one of AWS's JSON services from another."""

    name: str
    """As signatures have it."""
    host_prefix: str
    variable: str
    """As AWS_ENDPOINT_URL_<SERVICE> ends."""
    target_prefix: str
    content_type: str
    attempts: int = 3
    scale: float = 0.05
    """Seconds: the bound of the first pause after a transient error."""
    error: Callable[..., ServiceError] = ServiceError
    """Makes the error of a call; it takes what ServiceError does."""
    also_retried: Callable[[str, bytes], Kind | None] = lambda _code, _body: None
    """Of an error's code and body: why it may be tried again, beside what the standard mode does."""


class Answer(Struct):
    """What a call that succeeded came back with.

    `body` is the answer's JSON. `may_have_run` says whether an attempt before the one that was answered may have been
    carried out as well.
    """

    body: bytes
    attempts: int
    may_have_run: bool


class Call(Struct):
    """What a hook is told of a call: the bytes of its request and answer, seconds, and the error where it failed."""

    operation: str
    request: bytes
    answer: bytes | None
    attempts: int
    may_have_run: bool
    duration: float
    error: Exception | None


Hook = Callable[[Call], None]


class Client:
    """The calls of one service. Threads may share it; connections, retry tokens and credentials are shared with it.

    Region, endpoint and credentials are the environment's where they are not given, and are looked up at the first
    call. `deadline`, a time of `time.monotonic()`, may be set for every call at once: what an invocation has left.
    `hook` is called after each call, in the thread that made it.
    """

    def __init__(
        self,
        service: Service,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        credentials: Credentials | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        max_attempts: int | None = None,
    ) -> None:
        self.deadline: float | None = None
        self.hook: Hook | None = None
        self._service = service
        self._region = region
        self._endpoint = endpoint
        self._credentials = credentials
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_attempts = max_attempts
        self._bucket = Bucket()
        self._line: _Line | None = None

    def call(self, operation: str, body: bytes, *, timeout: float | None = None) -> Answer:
        """Send one call and return its answer; a retry sends the same bytes.

        `timeout` is in seconds and holds for the whole call, with its retries. Raises ServiceError where the service
        refuses, NoAnswer where no answer comes, DeadlineExceeded where the time runs out, NotConfigured and
        CredentialsUnavailable.
        """
        if self.hook is not None:
            return self._observed(self.hook, operation, body, timeout)
        return self._call(operation, body, timeout)

    def close(self) -> None:
        """Close the connections that are idle. The client can still be used."""
        if self._line is not None:
            self._line.pool.close()

    def _call(self, operation: str, body: bytes, timeout: float | None) -> Answer:
        line = self._line or self._open()
        deadline = self.deadline if timeout is None else self._earlier(timeout)
        outcome = line.send(operation, body, deadline)
        if isinstance(outcome, Response) and 200 <= outcome.status < 300 and _is_intact(outcome):
            self._bucket.give_back(1)
            return Answer(outcome.body, 1, may_have_run=False)
        answered = _Retrying(line, self._service, self._bucket, operation, body, deadline).run(outcome)
        if isinstance(answered, Answer):
            return answered
        try:
            raise answered
        finally:
            del answered  # else it and its traceback would keep each other, and the client with its connections

    def _observed(self, hook: Hook, operation: str, body: bytes, timeout: float | None) -> Answer:
        start = time.perf_counter()
        try:
            answer = self._call(operation, body, timeout)
        except Exception as error:
            duration = time.perf_counter() - start
            attempts, ran = (error.attempts, error.may_have_run) if isinstance(error, CallError) else (0, False)
            hook(Call(operation, body, None, attempts, ran, duration, error))
            raise
        duration = time.perf_counter() - start
        hook(Call(operation, body, answer.body, answer.attempts, answer.may_have_run, duration, None))
        return answer

    def _earlier(self, timeout: float) -> float:
        limit = time.monotonic() + timeout
        return limit if self.deadline is None else min(limit, self.deadline)

    def _open(self) -> "_Line":
        """Look up where to and with what to send. Two threads may both do so; one of the two results is kept."""
        service = self._service
        region = self._region or region_of_environment()
        if self._endpoint is None:
            endpoint = endpoint_for(service.host_prefix, service.variable, region)
        else:
            endpoint, _ = parse_url(self._endpoint, "endpoint")
        pool = Pool(endpoint, connect_timeout=self._connect_timeout, read_timeout=self._read_timeout)
        signer = PostSigner(Scope(service.name, region), endpoint.host, service.content_type, service.target_prefix)
        credentials = provider() if self._credentials is None else EnvironmentCredentials(self._credentials)
        attempts = self._max_attempts or retries.attempts_of_environment(service.attempts)
        self._line = line = _Line(pool, signer, credentials, attempts)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _close_before_snapshot(pool)
        return line


class _Failure(Struct):
    """Why no answer came, and whether the request may have reached the service."""

    problem: str
    sent: bool


class _Line:
    """Where requests go and what they are signed with."""

    def __init__(
        self, pool: Pool, signer: PostSigner, credentials: EnvironmentCredentials | ContainerCredentials, attempts: int
    ) -> None:
        self.pool = pool
        self.attempts = attempts
        self.skew = 0.0
        """Seconds by which the service's clock is ahead of ours."""
        self._signer = signer
        self._credentials = credentials

    def send(self, operation: str, body: bytes, deadline: float | None) -> Response | _Failure:
        """Sign a request and exchange it."""
        now = time.time()
        credentials = self._credentials.get(now, deadline)
        try:
            return self.pool.exchange(self._signer.head(operation, body, credentials, now + self.skew) + body, deadline)
        except TransportError as error:
            return _Failure(str(error), error.sent)


class _Refusal(Struct):
    """What the body of an error says."""

    type: str = msgspec.field(name="__type", default="")
    code: str = ""
    message: str | None = None
    capital_message: str | None = msgspec.field(name="Message", default=None)


class _Retrying:
    """One call whose first attempt was not answered as it should be."""

    def __init__(
        self, line: _Line, service: Service, bucket: Bucket, operation: str, body: bytes, deadline: float | None
    ) -> None:
        self._line = line
        self._service = service
        self._bucket = bucket
        self._operation = operation
        self._body = body
        self._deadline = deadline
        self._attempts = 1
        self._may_have_run = False
        self._started = time.monotonic()

    def run(self, outcome: Response | _Failure) -> Answer | CallError:
        """Take the first attempt's outcome, and try again for as long as that makes sense."""
        while True:
            error, kind, retry_after = self._judge(outcome)
            if kind is None or self._attempts == self._line.attempts:
                return error
            cost = retries.COST[kind]
            wait = self._pause(kind, error, retry_after)
            if self._is_too_late(wait) or not self._bucket.take(cost):
                return error
            time.sleep(wait)
            try:
                outcome = self._line.send(self._operation, self._body, self._deadline)
            except CredentialsUnavailable as unavailable:
                error.add_note(str(unavailable))
                return error  # it knows whether an attempt may have been carried out
            self._attempts += 1
            if isinstance(outcome, Response) and 200 <= outcome.status < 300 and _is_intact(outcome):
                self._bucket.give_back(cost)
                return Answer(outcome.body, self._attempts, self._may_have_run)

    def _judge(self, outcome: Response | _Failure) -> tuple[CallError, Kind | None, str]:
        """The error that an attempt means, why it may be tried again, and the pause that the service asks for."""
        if isinstance(outcome, _Failure):
            return self._no_answer(outcome.problem, sent=outcome.sent), "transient", ""
        if not _is_intact(outcome):
            refused = 400 <= outcome.status < 500
            problem = "the answer's checksum is not that of its bytes"
            return self._no_answer(problem, sent=not refused), "transient", ""
        if outcome.status >= 500:
            self._may_have_run = True
        error = self._refused(outcome)
        kind = retries.kind_of(outcome.status, error.code) or self._service.also_retried(error.code, outcome.body)
        if kind is None and self._set_clock(error.code, outcome.headers.get("date", "")):
            kind = "transient"
        return error, kind, outcome.headers.get("x-amz-retry-after", "")

    def _no_answer(self, problem: str, *, sent: bool) -> NoAnswer:
        self._may_have_run = self._may_have_run or sent
        late = self._deadline is not None and time.monotonic() >= self._deadline - _CLOCK_STEP
        return (DeadlineExceeded if late else NoAnswer)(
            f"No answer from {self._service.host_prefix}: {problem}",
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
        return self._service.error(
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
        difference = retries.clock_difference(code, date, time.time() + self._line.skew)
        if difference is None:
            return False
        self._line.skew += difference
        return True

    def _pause(self, kind: Kind, error: CallError, retry_after: str) -> float:
        wait = retries.pause(
            kind, self._attempts, scale=self._service.scale, chance=retries.chance(), retry_after=retry_after
        )
        last = self._attempts == self._line.attempts - 1
        if last and isinstance(error, ServiceError) and error.code == "TransactionInProgressException":
            return max(wait, self._started + retries.IN_PROGRESS_PAUSE - time.monotonic())
        return wait

    def _is_too_late(self, wait: float) -> bool:
        return self._deadline is not None and time.monotonic() + wait >= self._deadline


def _close_before_snapshot(pool: Pool) -> None:
    """Have no connection in SnapStart's snapshot: a copy would take it for one that is open.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    from snapshot_restore_py import register_before_snapshot  # pyright: ignore[reportMissingTypeStubs]  Lambda's own

    register_before_snapshot(pool.close)


def _is_intact(response: Response) -> bool:
    """Whether the body has the checksum that DynamoDB sends with it."""
    checksum = response.headers.get("x-amz-crc32")
    return checksum is None or checksum == str(crc32(response.body))
