"""A client of one service: where its calls go and what they are signed with, looked up at the first of them."""

import os
import time
from collections.abc import Callable

from msgspec import Struct

from taxiway.sdk import retries
from taxiway.sdk.attempts import Answer, Attempts, Line, succeeded
from taxiway.sdk.connections import Pool
from taxiway.sdk.credentials import EnvironmentCredentials, provider
from taxiway.sdk.endpoints import endpoint_for, parse_url, region_of_environment
from taxiway.sdk.errors import CallError
from taxiway.sdk.services import Service
from taxiway.sdk.signing import Credentials, PostSigner, Scope

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
"""Seconds."""


class Call(Struct):
    """What a hook learns of a call: the bytes of its request and answer, seconds, and the error where it failed."""

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
        self._line: Line | None = None

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
        skew = line.skew
        outcome = line.send(operation, body, deadline)
        if succeeded(outcome):
            line.bucket.give_back(1)
            return Answer(outcome.body, 1, may_have_run=False)
        answered = Attempts(line, operation, body, deadline, skew).run(outcome)
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

    def _open(self) -> Line:
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
        self._line = line = Line(service, pool, signer, credentials, attempts)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _close_before_snapshot(pool)
        return line


def _close_before_snapshot(pool: Pool) -> None:
    """Have no connection in SnapStart's snapshot: a copy would take it for one that is open.

    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    from snapshot_restore_py import register_before_snapshot  # pyright: ignore[reportMissingTypeStubs]  Lambda's own

    register_before_snapshot(pool.close)
