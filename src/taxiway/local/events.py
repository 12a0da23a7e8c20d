"""The event that a function gets for a request: payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from base64 import b64encode
from time import gmtime
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from taxiway.local.http1 import Request

STAGE = "$default"

# AWS says "text" and "binary" and no more; these are the types that HTTP APIs were seen to take for text. JSON of any
# other name (application/problem+json), forms, and a body with no content type at all arrive as base64.
_TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})

# They concern the connection to the gateway, not the request.
_NOT_FORWARDED = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class _Http(Struct, rename="camel"):
    method: str
    path: str
    protocol: str
    source_ip: str
    user_agent: str


class _Context(Struct, rename="camel"):
    account_id: str
    api_id: str
    domain_name: str
    domain_prefix: str
    http: _Http
    request_id: str
    route_key: str
    stage: str
    time: str
    time_epoch: int


class _Event(Struct, rename="camel", omit_defaults=True):
    version: str
    route_key: str
    raw_path: str
    raw_query_string: str
    headers: dict[str, str]
    request_context: _Context
    is_base64_encoded: bool
    cookies: list[str] | None = None
    query_string_parameters: dict[str, str] | None = None
    path_parameters: dict[str, str] | None = None
    body: str | None = None


_encode = msgspec.json.Encoder().encode


def encode_event(
    request: Request,
    *,
    path: str,
    query: str,
    route_key: str,
    parameters: dict[str, str],
    account: str,
    api: str,
    request_id: str,
    trace_id: str,
    now: float,
) -> bytes:
    """The event as JSON. `path` and `query` are the request's, percent-encoded; `now` is in seconds since 1970."""
    headers, cookies = _split_headers(request)
    host = headers.get("host", "localhost")
    domain, port = _split_host(host)
    body, is_base64 = _text(request.body, headers.get("content-type", "")) if request.body else (None, False)
    headers["content-length"] = str(len(request.body))
    headers["host"] = host
    headers["x-amzn-trace-id"] = trace_id
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.client}" if forwarded else request.client
    headers["x-forwarded-port"] = port
    headers["x-forwarded-proto"] = "http"
    decoded_path = unquote(path)
    return _encode(
        _Event(
            version="2.0",
            route_key=route_key,
            raw_path=decoded_path,
            raw_query_string=query,
            cookies=cookies or None,
            headers=headers,
            query_string_parameters=_query_parameters(query) if query else None,
            path_parameters=parameters or None,
            request_context=_Context(
                account_id=account,
                api_id=api,
                domain_name=domain,
                domain_prefix=domain.partition(".")[0],
                http=_Http(
                    method=request.method,
                    path=decoded_path,
                    protocol=request.protocol,
                    source_ip=request.client,
                    user_agent=headers.get("user-agent", ""),
                ),
                request_id=request_id,
                route_key=route_key,
                stage=STAGE,
                time=_clf_time(int(now)),
                time_epoch=int(now * 1000),
            ),
            body=body,
            is_base64_encoded=is_base64,
        )
    )


def _split_headers(request: Request) -> tuple[dict[str, str], list[str]]:
    """The headers, a repeated one joined with commas; and the cookies, which are not headers in payload 2.0."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        if name == "cookie":
            cookies += [pair for part in value.split(";") if (pair := part.strip())]
        elif name in headers:
            headers[name] = f"{headers[name]},{value}"
        elif name not in _NOT_FORWARDED:
            headers[name] = value
    return headers, cookies


def _split_host(host: str) -> tuple[str, str]:
    """`127.0.0.1:8000` is the domain 127.0.0.1 and the port 8000."""
    domain, colon, port = host.rpartition(":")
    return (domain, port) if colon and port.isdigit() else (host, "80")


def _query_parameters(query: str) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters or None


def _text(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as the event has it, and whether that is base64. What claims to be text and is not UTF-8 is binary."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _TEXT_TYPES or media_type.startswith("text/"):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode("ascii"), True


_clock = (0, "")


def _clf_time(now: int) -> str:
    """`12/Mar/2020:19:03:58 +0000`, made once a second; strftime would follow the machine's language."""
    global _clock
    if _clock[0] != now:
        t = gmtime(now)
        day = f"{t.tm_mday:02}/{_MONTHS[t.tm_mon - 1]}/{t.tm_year}"
        _clock = (now, f"{day}:{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000")
    return _clock[1]
