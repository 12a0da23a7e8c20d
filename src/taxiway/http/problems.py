"""Errors as RFC 9457 problems: the exceptions that a handler raises, and the body that a client reads.

An exception of another room becomes a problem without importing this one when it has two attributes: `http_status`,
an int from 400 to 599, and `public_detail`, a str that the client may see. `retry_after`, in seconds, becomes the
header. Any other exception is a 500 that tells
the client nothing; the log has the details.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from taxiway import log
from taxiway.http.parameters import Source

PROBLEM_JSON = "application/problem+json"

# https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class FieldError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request.

    In the body, `pointer` says where, as a JSON pointer (RFC 6901) in its plain form: `/tags/0`, and an empty string
    for the body as a whole. Anywhere else `name` is the parameter's name in the request.
    """

    pointer: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    detail: str
    in_: Source = msgspec.field(name="in")


class ProblemDetails(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of every error: RFC 9457, and `error`, `timestamp` and `requestId` beside it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """The path of the request."""
    errors: Sequence[FieldError]
    error: str
    """The title again, for clients that read `error`."""
    timestamp: datetime
    request_id: str


class Problem(Exception):  # noqa: N818  the name in RFC 9457
    """An error that the client may see. Raise it, or a subclass below, anywhere in the code that a handler calls.

    `title` defaults to the phrase of the status, as RFC 9457 has it where `type` is `about:blank`.
    """

    status: int = 500

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        title: str | None = None,
        type: str = "about:blank",  # noqa: A002  the member's name in RFC 9457
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail)
        if status is not None:
            self.status = status
        self.title = title or _title(self.status)
        self.detail = detail
        self.type = type
        self.headers = dict(headers or {})
        self.errors = errors


class BadRequest(Problem):
    status = 400


class Unauthorized(Problem):
    """401, with the `WWW-Authenticate` header that RFC 9110 requires."""

    status = 401

    def __init__(self, detail: str = "", *, challenge: str = "Bearer") -> None:
        super().__init__(detail, headers={"www-authenticate": challenge})


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class Conflict(Problem):
    status = 409


class PreconditionFailed(Problem):
    status = 412


class ContentTooLarge(Problem):
    status = 413


class UnsupportedMediaType(Problem):
    status = 415


class UnprocessableContent(Problem):
    status = 422


class PreconditionRequired(Problem):
    status = 428


class TooManyRequests(Problem):
    """429; `retry_after` is in seconds."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(detail, headers=None if retry_after is None else {"retry-after": str(retry_after)})


def problem_of(error: Exception, route: str) -> Problem:
    """The problem that a client gets for an exception, which is logged if the client isn't told all of it.

    A status of 500 or more is logged at ERROR with its traceback, or at WARN where it may succeed when it is tried
    again; the message of another room's error, which says more than `public_detail`, at INFO.
    """
    status: Any = getattr(error, "http_status", None)
    detail: Any = getattr(error, "public_detail", None)
    retry_after: Any = getattr(error, "retry_after", None)
    if isinstance(error, Problem):
        problem = error
    elif isinstance(status, int) and 400 <= status <= 599 and isinstance(detail, str):
        headers = {"retry-after": str(retry_after)} if isinstance(retry_after, int) else None
        problem = Problem(detail, status=status, headers=headers)
    else:
        problem = Problem("The request failed. Quote its requestId when you report it.")
    if problem.status == 503 and isinstance(retry_after, int):
        log.warning("the request failed and may be sent again", **_described(error, problem, route))
    elif problem.status >= 500:
        log.exception("the request failed", error, status=problem.status, route=route)
    elif problem is not error:
        log.info("the request was refused", **_described(error, problem, route))
    return problem


def _described(error: Exception, problem: Problem, route: str) -> dict[str, Any]:
    return {"status": problem.status, "route": route, "error": type(error).__name__, "reason": str(error)}


def encode_problem(problem: Problem, *, instance: str, request_id: str) -> bytes:
    details = ProblemDetails(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=instance,
        errors=problem.errors,
        error=problem.title,
        timestamp=datetime.now(UTC),
        request_id=request_id,
    )
    try:
        return msgspec.json.encode(details)
    except UnicodeError:  # half a surrogate pair, which a path may hold: json escapes it
        import json

        return json.dumps(msgspec.to_builtins(details)).encode()


def _title(status: int) -> str:
    if status in _TITLES:
        return _TITLES[status]
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
