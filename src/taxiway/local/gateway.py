"""API Gateway, locally: an HTTP API that turns requests into invocations, and what comes of them into answers.

docs/reference/gateway.md says what is emulated, from which documentation, and what is not.
"""

import asyncio
import os
import traceback
from base64 import urlsafe_b64encode
from collections.abc import Callable
from time import perf_counter, time
from typing import Literal, TypeAlias

from msgspec import Struct

from taxiway.local.callers import OwnHosts, name_of
from taxiway.local.cors import CorsPolicy
from taxiway.local.events import encode_event
from taxiway.local.http1 import Request, Response
from taxiway.local.invocation import Failure, Invoker, Outcome
from taxiway.local.manifest import Manifest
from taxiway.local.responses import MalformedResponse, function_response, own_response
from taxiway.local.routing import Router
from taxiway.local.throttle import TokenBucket

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
MAX_BODY = 10 * 1024 * 1024  # bytes
INTEGRATION_TIMEOUT = 30.0  # seconds
_MAX_HEAD = 10_240  # bytes of the request line and the header values

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAX_EVENT = 6 * 1024 * 1024  # bytes

# What a failed invocation is to the client. 500 is documented for whatever goes wrong in the function
# (http-api-troubleshooting-lambda.html); the 503 for a throttled one is not documented (docs/reference/gateway.md).
_STATUS_OF: dict[Failure, int] = {
    "error": 500,
    "init": 500,
    "exit": 500,
    "timeout": 500,
    "memory": 500,
    "payload": 500,
    "throttled": 503,
}

_OPEN = "taxiway dev --open serves it to everybody, without its authorizer"

GatewayFailure: TypeAlias = Literal[
    "host",  # the request is addressed to a name that is not the API's
    "unreadable",  # the project can't be read
    "too large",  # the request is over a quota of the gateway or, as an event, of Lambda
    "rate",  # the route's throttle
    "guard",  # the route's authorizer, which does not run locally
    "malformed",  # the function's answer is no HTTP response
    "integration timeout",  # no answer within 30 seconds
    "gateway",  # a fault of the gateway itself
]


class Entry(Struct, kw_only=True):
    """What the terminal shows of one request."""

    method: str
    path: str
    """As the client sent it, without the query string."""
    query: str = ""
    """The query string, as the client sent it: it may hold secrets."""
    request_id: str
    status: int = 0
    duration_ms: float = 0.0
    """From the arrival of the whole request to the answer, a cold start included."""
    function: str | None = None
    """The function of the route; None where no route matched."""
    cold: bool | None = None
    """Whether a new environment was started; None where no function ran."""
    failure: Failure | GatewayFailure | None = None
    detail: str = ""
    """What went wrong, for a person."""


class _Api:
    """What the gateway knows of one plan."""

    def __init__(self, plan: Manifest) -> None:
        self.id = plan.backend
        self.account = plan.account
        self.router = Router(plan.routes)
        self.cors = plan.cors and CorsPolicy(plan.cors)
        self.buckets = {
            route.key: TokenBucket(route.throttle.rate, route.throttle.burst)
            for route in plan.routes
            if route.throttle is not None
        }


class Gateway:
    """Serves the routes of a plan through an invoker, and logs an entry for each request.

    It answers under the host names of `hosts` alone. `timeout` is the integration timeout, in seconds. A route with an
    authorizer is refused, unless the gateway `is_open`: then it is served to everybody.
    """

    def __init__(
        self,
        plan: Manifest,
        invoker: Invoker,
        log: Callable[[Entry], None],
        *,
        hosts: OwnHosts,
        timeout: float = INTEGRATION_TIMEOUT,
        is_open: bool = False,
    ) -> None:
        self.readable = True
        """Whether the project can be read; while it can't, every request is answered with 500."""
        self._hosts = hosts
        self._api = _Api(plan)
        self._invoker = invoker
        self._log = log
        self._timeout = timeout
        self._is_open = is_open
        self._abandoned: set[asyncio.Task[Outcome]] = set()

    def replace(self, plan: Manifest) -> None:
        """Serve another plan from the next request on; requests in hand end as they began."""
        self._api = _Api(plan)
        self.readable = True

    async def handle(self, request: Request) -> Response:
        """Answer one request; what HttpServer serves. It never raises: a fault here is a 500 and an entry."""
        started = perf_counter()
        api = self._api
        path, _, query = request.target.partition("?")
        entry = Entry(method=request.method, path=path, query=query, request_id=_request_id())
        try:
            response = self._refuse(request, entry) or await self._answer(api, request, path, query, entry)
        except Exception:
            entry.failure, entry.detail = "gateway", traceback.format_exc()
            response = own_response(500)
        if api.cors is not None and entry.failure != "host":
            response.headers = api.cors.apply(response.headers, request)
        response.headers.append(("apigw-requestid", entry.request_id))
        entry.status = response.status
        entry.duration_ms = (perf_counter() - started) * 1000
        self._log(entry)
        return response

    def _refuse(self, request: Request, entry: Entry) -> Response | None:
        """The answer to a request that is not for the API, or that comes while there is no API."""
        if not self._hosts.include(request.host):
            name = name_of(request.host)
            entry.failure = "host"
            entry.detail = f"{name} is not a host name of this API.\nFix: taxiway dev --allow-host {name}"
            return own_response(421, f"{name} is not a host name of this API")
        if not self.readable:
            entry.failure = "unreadable"
            return own_response(500)
        return None

    async def _answer(self, api: _Api, request: Request, path: str, query: str, entry: Entry) -> Response:
        if request.too_large:
            entry.failure, entry.detail = "too large", f"the body is over {MAX_BODY} bytes, the quota of an HTTP API"
            return own_response(413)
        if _head_size(request) > _MAX_HEAD:
            entry.failure = "too large"
            entry.detail = f"the request line and header values are over {_MAX_HEAD} bytes, the quota of an HTTP API"
            return own_response(431)
        found = api.router.match(request.method, path)
        if found is None:
            # A route that takes OPTIONS comes first, be it ANY or $default: http-api-cors.html, on the $default route.
            preflight = api.cors is not None and request.method == "OPTIONS"
            return Response(status=204) if preflight else own_response(404)
        route, parameters = found
        entry.function = route.function
        if route.authorizer is not None and not self._is_open:
            entry.failure = "guard"
            entry.detail = f"{route.key} has a {route.authorizer}, which does not run locally.\nFix: {_OPEN}"
            return own_response(501, f"The route has a {route.authorizer}, which does not run locally: {_OPEN}")
        bucket = api.buckets.get(route.key)
        if bucket is not None and not bucket.take():
            entry.failure, entry.detail = "rate", f"over the throttle of {route.key}"
            return own_response(429)
        trace_id = _trace_id(request.header("x-amzn-trace-id"))
        event = encode_event(
            request,
            path=path,
            query=query,
            route_key=route.key,
            parameters=parameters,
            account=api.account,
            api=api.id,
            request_id=entry.request_id,
            trace_id=trace_id,
            now=time(),
        )
        return await self._invoke(route.function, event, trace_id, entry)

    async def _invoke(self, function: str, event: bytes, trace_id: str, entry: Entry) -> Response:
        task = asyncio.get_running_loop().create_task(self._invoker.invoke(function, event, trace_id=trace_id))
        try:
            await asyncio.wait((task,), timeout=self._timeout)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done():
            self._abandon(task)
            entry.failure = "integration timeout"
            entry.detail = f"{function} had not answered after {self._timeout:g} s; it goes on, and nobody waits for it"
            return own_response(503)
        outcome = task.result()
        entry.cold = outcome.cold
        if outcome.failure is not None:
            entry.failure, entry.detail = outcome.failure, outcome.detail
            refused = outcome.failure == "payload" and len(event) > _MAX_EVENT
            return own_response(413 if refused else _STATUS_OF[outcome.failure])
        try:
            return function_response(outcome.payload)
        except MalformedResponse as error:
            entry.failure, entry.detail = "malformed", str(error)
            return own_response(500)

    def _abandon(self, task: asyncio.Task[Outcome]) -> None:
        """Let an invocation run to its end, as Lambda does; the loop itself keeps only weak references to tasks."""
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)


def _head_size(request: Request) -> int:
    line = len(request.method) + len(request.target) + len(request.protocol) + 2
    return line + sum(len(value) for _, value in request.headers)


def _request_id() -> str:
    """16 characters, as API Gateway's own."""
    return urlsafe_b64encode(os.urandom(11)).decode("ascii")


def _trace_id(sent: str | None) -> str:
    """The client's X-Ray trace, or a new one.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    if sent is not None and sent.startswith("Root=1-") and sent.isascii():
        return sent
    return f"Root=1-{int(time()):08x}-{os.urandom(12).hex()}"
