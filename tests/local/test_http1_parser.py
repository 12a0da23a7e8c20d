"""No request is accepted that h11 reads differently, and where a packet ends makes no difference."""

import json
import re
from collections.abc import Iterable
from random import Random
from typing import Any
from urllib.parse import urlsplit

import h11
from tests.counts import count

from taxiway.local.http1.parser import Refused, RequestParser

from .serving import Serving
from .test_http1 import echo

MUTATIONS = 1_500
MAX_BODY = 1_000_000

SEEDS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    b"PUT http://y/z HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /3",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nOrigin: http://y\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /%ff HTTP/1.1\r\nHost: x\r\nX-Name: caf\xc3\xa9\xff\r\nX-Empty:\r\n\r\n",
]
PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"\x0b",
        b"\x0c",
        b"\x7f",
        b"\x85",
        b"\xa0",
        b"\xff",
    ),
    *(b"0", b"5", b"-1", b"+5", b"0x5", b"5, 5", b"5_0", b"\xb2", b"ffffffffffffffff1", b"\r\n\r\n", b"0\r\n\r\n"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"content-length:\t5 \r\n", b"Content-Length : 5\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"transfer-encoding: Chunked \r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b" chunked\r\n", b"chunked, "),
    *(
        b"Host: y\r\n",
        b"HTTP/1.0",
        b"HTTP/1.1",
        b"HTTP/0.9",
        b"http/1.1",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
    ),
    *(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"POST", b"http://y"),
]


@count("requests", test=MUTATIONS, soak=25_000)
def test_no_request_is_accepted_that_h11_reads_differently() -> None:
    random = Random()
    accepted = 0
    with Serving(echo, loop="uvloop", max_body=MAX_BODY) as server:
        for message in mutations(random, MUTATIONS):
            received = server.exchange(message)
            ours = [
                json.loads(body) for body in re.findall(rb'\r\n\r\n(\{"method".*?"protocol": "HTTP/1.."\})', received)
            ]
            theirs = as_h11_reads(message)
            for i, request in enumerate(ours):
                assert i < len(theirs), f"accepted {request} of {message!r}, where h11 refuses"
                assert comparable(request) == theirs[i], message
            accepted += len(ours)
    assert accepted > MUTATIONS / 10


@count("requests", test=MUTATIONS, soak=25_000)
def test_where_a_packet_ends_makes_no_difference() -> None:
    random = Random()
    for message in mutations(random, MUTATIONS):
        cut = sorted(random.choices(range(len(message) + 1), k=random.randrange(4)))
        parts = [message[i:j] for i, j in zip([0, *cut], [*cut, len(message)], strict=True)]
        whole, in_parts = as_we_read([message]), as_we_read(parts)
        assert whole[0] == in_parts[0], parts
        assert whole[1] == in_parts[1] or 400 in (whole[1], in_parts[1]), parts


def mutations(random: Random, count: int) -> Iterable[bytes]:
    for _ in range(count):
        message = random.choice(SEEDS)
        for _ in range(random.randint(0, 3)):
            message = mutated(random, message)
        yield message


def mutated(random: Random, message: bytes) -> bytes:
    at = random.randrange(len(message) + 1)
    lines = message.splitlines(keepends=True)
    line = random.randrange(len(lines)) if lines else 0
    match random.randrange(7):
        case 0:
            return message[:at] + message[at + 1 :]
        case 1:
            return message[:at] + random.choice(PIECES) + message[at:]
        case 2:
            return message[:at] + random.choice(PIECES) + message[at + 1 :]
        case 3:
            return b"".join([*lines[:line], random.choice(PIECES), *lines[line:]])
        case 4:
            return b"".join([*lines[: line + 1], *lines[line:]])
        case 5:
            return b"".join([*lines[:line], *lines[line + 1 :]])
        case _:
            return message[:at] + random.choice(SEEDS)


def as_we_read(parts: list[bytes]) -> tuple[list[Any], int | None]:
    """The requests, and the status of the refusal at the end where there is one."""
    parser = RequestParser(client="", max_body=MAX_BODY)
    requests: list[Any] = []
    try:
        for part in parts:
            for request in parser.feed(part):
                requests.append(request)
                if not request.keep_alive:
                    return requests, None
    except Refused as refused:
        return requests, refused.status
    return requests, None


def as_h11_reads(message: bytes) -> list[dict[str, Any]]:
    """The requests that are complete and come before the first fault."""
    requests: list[dict[str, Any]] = []
    try:
        while message:
            while message.startswith(b"\r\n"):  # h11 refuses what RFC 9112, section 2.2, has a server ignore
                message = message[2:]
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
            connection.receive_data(message)
            request = connection.next_event()
            if not isinstance(request, h11.Request):
                break
            body = b""
            while isinstance(event := connection.next_event(), h11.Data):
                body += event.data
            if not isinstance(event, h11.EndOfMessage):
                break
            requests.append(as_dict(request, body))
            if connection.their_state is h11.MUST_CLOSE and not _stays(request):
                break
            message = connection.trailing_data[0]
    except h11.RemoteProtocolError:
        pass
    return requests


def _stays(request: h11.Request) -> bool:
    """Whether an HTTP/1.0 client asks for what h11 does not do: to keep the connection (RFC 9112, section 9.3)."""
    options = b",".join(value for name, value in request.headers if name == b"connection").lower().split(b",")
    return request.http_version == b"1.0" and b"keep-alive" in [option.strip() for option in options]


def as_dict(request: h11.Request, body: bytes) -> dict[str, Any]:
    target = request.target.decode()
    headers = [[name.decode(), value.decode("utf-8", "replace")] for name, value in request.headers]
    if not target.startswith("/") and target != "*":  # RFC 9112, section 3.2.2
        url = urlsplit(target)
        host, target = url.netloc, f"{url.path or '/'}?{url.query}" if "?" in target else url.path or "/"
        headers = [[name, host if name == "host" else value] for name, value in headers]
    return {
        "method": request.method.decode(),
        "target": target,
        "headers": headers,
        "body": body.decode("latin-1"),
        "protocol": f"HTTP/{request.http_version.decode()}",
    }


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """What both parsers say of a request. A coding's name has no case, and h11 gives it in lower case."""
    headers = [[name, value.lower() if name == "transfer-encoding" else value] for name, value in request["headers"]]
    return {name: request[name] for name in ("method", "target", "body", "protocol")} | {"headers": headers}
