"""What can go wrong with a call to AWS: nothing is configured, nothing answered, or the service refused.

Each call's error says how often it was tried and whether an attempt of it may have been carried out.
"""
# ruff: noqa: N818  they are named for what happened, as `except NoAnswer` reads

from typing import Any


class SdkError(Exception):
    """The base of everything that `taxiway.sdk` raises.

    The message says what is wrong, where, and after `Fix:` what to do. It holds no secret. `may_have_run` says whether
    the service may have carried out what was asked for all the same.
    """

    may_have_run: bool = False

    def __init__(self, problem: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(problem + (f"\n{where}" if where else "") + (f"\nFix: {fix}" if fix else ""))
        self.problem = problem
        self.where = where
        self.fix = fix


class NotConfigured(SdkError):
    """The environment lacks something that every call needs, or has a value that is not valid."""


class CredentialsUnavailable(SdkError):
    """There are no credentials, or the container's credentials endpoint did not give any."""


class CallError(SdkError):
    """A call that did not succeed.

    `attempts` is how often it was sent, or tried to be, and `may_have_run` is about all of them: a write that has True
    may be stored.
    """

    def __init__(self, problem: str, *, operation: str, attempts: int, may_have_run: bool, fix: str = "") -> None:
        super().__init__(problem, where=f"in {operation}, attempt {attempts}", fix=fix)
        self.operation = operation
        self.attempts = attempts
        self.may_have_run = may_have_run


class NoAnswer(CallError):
    """No whole, valid answer came: no connection, a time-out, a connection that was cut, or not HTTP."""


class DeadlineExceeded(NoAnswer):
    """The time that the caller gave ran out."""


class ServiceError(CallError):
    """The service answered with an error.

    `code` is AWS's name of it, such as `ResourceNotFoundException`; it is "" where the answer had none. `status` is the
    HTTP status, `request_id` what AWS's support asks for, and `body` the answer as it came.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        body: bytes,
        request_id: str,
        operation: str,
        attempts: int,
        may_have_run: bool,
    ) -> None:
        problem = f"{code or f'HTTP {status}'}: {message}" if message else code or f"HTTP {status}"
        super().__init__(problem, operation=operation, attempts=attempts, may_have_run=may_have_run)
        self.code = code
        self.message = message
        self.status = status
        self.body = body
        self.request_id = request_id


class InvalidValue(SdkError, ValueError):
    """A value that DynamoDB can't store; `where` is the path to it, such as `prices[2]`."""


class InvalidAnswer(SdkError):
    """An answer of status 200 that is not what the operation answers; what was asked for was carried out."""

    may_have_run = True


def text_of(value: Any, *, longest: int = 60) -> str:
    """A value for an error's message, cut to `longest` characters."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
