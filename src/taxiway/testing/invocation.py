"""Events for one handler, as API Gateway sends them, and the response that API Gateway makes of its result."""

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET

from taxiway.declare.stage import LOCAL_ACCOUNT
from taxiway.local.bootstrap import Context, encode
from taxiway.local.events import encode_event
from taxiway.local.http1 import Request
from taxiway.local.responses import function_response
from taxiway.testing.answer import Answer

Event: TypeAlias = dict[str, Any]
"""An event of payload format 2.0."""

TIMEOUT = 30_000
"""Milliseconds that the context says remain."""


def request(
    method: str,
    route: str,
    *,
    path: Mapping[str, object] | None = None,
    query: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    json: object = UNSET,
    body: bytes = b"",
) -> Event:
    """The event that a function gets for a request.

    `route` is the path as `backend.py` has it, `/items/{id}`; `path` gives its parameters, and `query` the query
    parameters, of which a list is sent once for each value. `json` is encoded as the body, with the content type of
    JSON. Raises ValueError where the route's parameters and `path` differ.
    """
    given = {name: str(value) for name, value in (path or {}).items()}
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if json is not UNSET:
        body = msgspec.json.encode(json)
        sent.setdefault("content-type", "application/json")
    target = _fill(route, given)
    encoded = urlencode({name: _query(value) for name, value in (query or {}).items()}, doseq=True)
    event = encode_event(
        Request(
            method=method,
            target=f"{target}?{encoded}" if encoded else target,
            headers=list({"host": "localhost", **sent}.items()),
            body=body,
            too_large=False,
            client="127.0.0.1",
            protocol="HTTP/1.1",
        ),
        path=target,
        query=encoded,
        route_key=f"{method} {route}",
        parameters=given,
        account=LOCAL_ACCOUNT,
        api="test",
        request_id=uuid.uuid4().hex[:16],
        trace_id=f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}",
        now=time.time(),
    )
    return msgspec.json.decode(event)


def call(handler: Callable[[Event, Any], Any], event: Event) -> Answer:
    """Run a handler in this process, and return the response that API Gateway makes of its result.

    Raises what the handler raises, and `taxiway.local.responses.MalformedResponse` where its result is not a response.
    """
    arn = f"arn:aws:lambda:us-east-1:{LOCAL_ACCOUNT}:function:test"
    context = Context(str(uuid.uuid4()), arn, int(time.time() * 1000) + TIMEOUT, os.environ)
    response = function_response(encode(handler(event, context)))
    return Answer.of(response.status, response.headers, response.body)


def _fill(route: str, values: Mapping[str, str]) -> str:
    """A route's path with its parameters filled in, percent-encoded; `{path+}` takes several segments."""
    filled: list[str] = []
    missing: list[str] = []
    left = dict(values)
    for segment in route.split("/"):
        name = segment[1:-1].removesuffix("+") if segment.startswith("{") and segment.endswith("}") else None
        if name is None:
            filled.append(segment)
        elif name in left:
            filled.append(quote(left.pop(name), safe="/" if segment.endswith("+}") else ""))
        else:
            missing.append(name)
    if missing or left:
        wrong = [*(f"{name} is missing" for name in missing), *(f"the route has no {name}" for name in left)]
        raise ValueError(f"The path parameters of {route} do not fit: {', '.join(wrong)}.")
    return "/".join(filled)


def _query(value: object) -> object:
    """A query parameter as a client writes it: true and false in lower case, times as in JSON."""
    if isinstance(value, list | tuple):
        return [_query(each) for each in cast("Sequence[object]", value)]
    text = str(msgspec.to_builtins(value))
    return text.lower() if isinstance(value, bool) else text
