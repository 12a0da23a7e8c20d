"""The Lambda Runtime API, as one environment sees it: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.

Paths and states are the documented ones; the bodies of refusals are those of AWS's Runtime Interface Emulator.
"""

import asyncio
import math
import re
from typing import Protocol

import msgspec
from msgspec import Struct

from taxiway.local.callers import outsider
from taxiway.local.http1 import Admission, HttpServer, Request, Response

MAX_ANSWER = 6_291_556
"""Bytes: the 6 MB of https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, as Lambda measures it."""

_PREFIX = "/2018-06-01/runtime"
_ANSWER = re.compile(_PREFIX + "/invocation/([^/]+)/(response|error)")
_JSON = [("content-type", "application/json")]


class Invocation(Struct, frozen=True, kw_only=True):
    """One event on its way to a function."""

    request_id: str
    event: bytes
    arn: str
    trace_id: str
    deadline: int
    """Milliseconds since 1970."""


class FunctionError(Struct, frozen=True):
    """What a runtime reports instead of an answer."""

    type: str
    message: str
    stack: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`Type: message`, and the traceback beneath it."""
        trace = ["Traceback (most recent call last):\n", *self.stack] if self.stack else []
        return "\n".join([f"{self.type}: {self.message}", *"".join(trace).splitlines()])


TOO_LARGE = FunctionError(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes).",
)


class Listener(Protocol):
    """What is called when the runtime does something."""

    def on_next(self) -> None:
        """It waits for an event: `deliver` may be called."""
        ...

    def on_init_error(self, error: FunctionError) -> None: ...

    def on_answer(self, answer: bytes | FunctionError) -> None:
        """It answered the invocation that was delivered last."""
        ...


class RuntimeApi:
    """A port of its own for one environment: the port says which environment is speaking.

    Whoever asks for the next event would get it, with the client's credentials in it. So web pages are refused, and
    where `admission` is given, whom it refuses.
    """

    def __init__(self, listener: Listener, *, admission: Admission | None = None) -> None:
        self._listener = listener
        self._server = HttpServer(
            self._handle,
            max_body=MAX_ANSWER,
            cancel_on_disconnect=True,  # a runtime that drops its connection while it waits takes no event with it
            idle_timeout=math.inf,  # a handler may run for 15 minutes between two requests of its runtime
            admission=admission,
        )
        self._port = 0
        self._waiting: asyncio.Future[None] | None = None
        self._current: Invocation | None = None
        self._initialized = False

    async def start(self) -> str:
        """Listen on a free port of the loopback interface. Returns the value of AWS_LAMBDA_RUNTIME_API."""
        self._port = await self._server.start()
        return f"127.0.0.1:{self._port}"

    async def close(self) -> None:
        await self._server.close()

    def deliver(self, invocation: Invocation) -> None:
        """Hand an event to the runtime, after `on_next` and before anything else is delivered."""
        self._current = invocation
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _handle(self, request: Request) -> Response:
        reason = outsider(request, self._port)
        if reason is not None:
            return _refusal(403, "AccessDenied", reason)
        path = request.target
        if request.method == "GET" and path == f"{_PREFIX}/invocation/next":
            return await self._next()
        if request.method == "POST" and path == f"{_PREFIX}/init/error":
            return self._init_error(request)
        answer = _ANSWER.fullmatch(path)
        if request.method == "POST" and answer is not None:
            return self._answer(answer[1], request, is_error=answer[2] == "error")
        return _refusal(404, "NotFound", f"{request.method} {path} is not a resource of the Runtime API")

    async def _next(self) -> Response:
        if self._waiting is not None and not self._waiting.done():
            return _refusal(403, "InvalidStateTransition", "Another request waits for the next event already")
        self._initialized = True
        if self._current is None:  # else the runtime asks again for an event that it has not answered: it gets it again
            self._waiting = asyncio.get_running_loop().create_future()
            self._listener.on_next()
            await self._waiting
        invocation = self._current
        assert invocation is not None
        headers = [
            *_JSON,
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        ]
        return Response(status=200, headers=headers, body=invocation.event)

    def _init_error(self, request: Request) -> Response:
        if self._initialized:
            return _refusal(403, "InvalidStateTransition", "The runtime has been initialized already")
        self._listener.on_init_error(_read_error(request))
        return _ACCEPTED

    def _answer(self, request_id: str, request: Request, *, is_error: bool) -> Response:
        if self._current is None or self._current.request_id != request_id:
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        self._current = None
        if request.too_large:
            self._listener.on_answer(TOO_LARGE)
            return _refusal(
                413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
            )
        self._listener.on_answer(_read_error(request) if is_error else request.body)
        return _ACCEPTED


class _ErrorBody(Struct, rename="camel"):
    error_message: str = ""
    error_type: str = ""
    stack_trace: list[str] | None = None


def _read_error(request: Request) -> FunctionError:
    """The error that a runtime posted; whatever it posted, there is one."""
    try:
        body = msgspec.json.decode(request.body, type=_ErrorBody)
    except msgspec.MsgspecError:
        body = _ErrorBody(error_message=request.body.decode(errors="backslashreplace"))
    type_ = body.error_type or request.header("lambda-runtime-function-error-type") or "Runtime.Unknown"
    return FunctionError(type_, body.error_message, tuple(body.stack_trace or ()))


def _refusal(status: int, type_: str, message: str) -> Response:
    body = msgspec.json.encode({"errorMessage": message, "errorType": type_})
    return Response(status=status, headers=_JSON, body=body)


_ACCEPTED = Response(status=202, headers=_JSON, body=b'{"status":"OK"}')
