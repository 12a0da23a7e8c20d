"""The HTTP server keeps connections, bodies and answers in order, whatever a client sends."""

import asyncio
import json
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from taxiway.local.http1 import HttpServer, Request, Response

from .serving import PATIENCE, Serving, read_to_end


async def echo(request: Request) -> Response:
    """What arrived, as JSON."""
    await asyncio.sleep(0)
    seen = {
        "method": request.method,
        "target": request.target,
        "host": request.host,
        "headers": request.headers,
        "body": request.body.decode("latin-1"),
        "too_large": request.too_large,
        "client": request.client,
        "protocol": request.protocol,
    }
    return Response(status=200, headers=[("content-type", "application/json")], body=json.dumps(seen).encode())


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def server(loop: str) -> Iterator[Serving]:
    with Serving(echo, loop=loop) as serving:
        yield serving
        assert serving.problems == []


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def targets(received: bytes) -> list[str]:
    return [target.decode() for target in re.findall(rb'"target": "([^"]*)"', received)]


def read_answer(client: socket.socket) -> bytes:
    """One answer with a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    while len(body) < int(length[1]):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def test_a_request_arrives_whole(server: Serving) -> None:
    answer = server.request(
        "PUT", "/a%2Fb?x=1&y", body=b"hello", headers={"X-Name": "  Value ", "x-utf8": "caf\xc3\xa9"}
    )
    assert answer.status == 200
    assert answer.json["method"] == "PUT"
    assert answer.json["target"] == "/a%2Fb?x=1&y"
    assert answer.json["body"] == "hello"
    assert answer.json["client"] == "127.0.0.1"
    assert answer.json["protocol"] == "HTTP/1.1"
    assert ["x-name", "Value"] in answer.json["headers"]
    assert ["x-utf8", "café"] in answer.json["headers"]


def test_every_answer_has_a_length_and_a_date(server: Serving) -> None:
    answer = server.request("GET", "/")
    assert answer.header("content-length") == str(len(answer.body))
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.header("date") or "")


def test_a_repeated_header_stands_as_often_as_it_was_sent(server: Serving) -> None:
    received = server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\na: 2\r\n\r\n")
    assert b'["a", "1"], ["a", "2"]' in received


def test_a_header_that_is_not_utf8_does_no_harm(server: Serving) -> None:
    received = server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\r\n\r\n")
    assert statuses(received) == [200]
    assert b'["a", "\\ufffd"]' in received


def test_a_connection_serves_many_requests(server: Serving) -> None:
    with server.connect() as client:
        for n in range(20):
            client.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n)
            assert targets(read_answer(client)) == [f"/{n}"]


def test_pipelined_requests_are_answered_in_order(loop: str) -> None:
    async def later_ones_are_faster(request: Request) -> Response:
        await asyncio.sleep(0.02 / (1 + int(request.target[1:])))
        return await echo(request)

    with Serving(later_ones_are_faster, loop=loop) as server:
        received = server.exchange(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(200)))
    assert targets(received) == [f"/{n}" for n in range(200)]


def test_one_connection_never_has_two_requests_in_hand(loop: str) -> None:
    running = most = 0

    async def count(request: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return await echo(request)

    with Serving(count, loop=loop) as server:
        server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    assert most == 1


def test_a_client_that_sends_byte_by_byte_is_served(server: Serving) -> None:
    message = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    with server.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in message:
            client.sendall(bytes([byte]))
        received = read_to_end(client)
    assert targets(received) == ["/slow"]
    assert b'"body": "body"' in received


def test_a_chunked_body_is_put_together(server: Serving) -> None:
    received = server.exchange(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3;name=value\r\nabc\r\n",
        b"2\r\nde\r\n0\r\n\r\n",
    )
    assert b'"body": "abcde"' in received


def test_a_trailer_does_not_become_a_header(server: Serving) -> None:
    received = server.exchange(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\nabc\r\n0\r\nAuthorization: forged\r\n\r\n",
    )
    assert statuses(received) == [200]
    assert b"forged" not in received


def test_a_body_over_the_limit_is_dropped_and_said_so(server: Serving) -> None:
    assert server.request("POST", "/", body=b"x" * 1000).json["too_large"] is False
    answer = server.request("POST", "/", body=b"x" * 1001)
    assert answer.json["too_large"] is True
    assert answer.json["body"] == ""


def test_a_chunked_body_over_the_limit_is_dropped_too(server: Serving) -> None:
    chunk = b"190\r\n" + b"x" * 0x190 + b"\r\n"
    received = server.exchange(
        b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n",
        b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert targets(received) == ["/1", "/2"]
    assert re.findall(rb'"too_large": (\w+)', received) == [b"true", b"false"]


def test_expect_100_continue_is_answered_before_the_body_is_sent(server: Serving) -> None:
    with server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        assert b'"body": "ok"' in read_answer(client)


def test_a_pipelined_100_continue_waits_for_the_answer_before_it(loop: str) -> None:
    release = threading.Event()

    async def wait(request: Request) -> Response:
        while request.target == "/1" and not release.is_set():
            await asyncio.sleep(0.001)
        return await echo(request)

    with Serving(wait, loop=loop) as server, server.connect() as client:
        client.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
        client.sendall(b"POST /2 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        release.set()
        received = b""
        while not received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            received += client.recv(65536)
        assert statuses(received) == [200, 100]
        client.sendall(b"ok")
        assert b'"body": "ok"' in read_answer(client)


def test_http_1_0_gets_no_100_continue(server: Serving) -> None:
    received = server.exchange(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok")
    assert statuses(received) == [200]


def test_http_1_0_closes_unless_asked_to_stay(server: Serving) -> None:
    with server.connect() as client:
        client.sendall(b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        first = read_answer(client)
        client.sendall(b"GET /2 HTTP/1.0\r\n\r\n")
        second = read_to_end(client)
    assert b"\r\nconnection: keep-alive\r\n" in first
    assert b"\r\nconnection: close\r\n" in second
    assert b'"protocol": "HTTP/1.0"' in second


def test_connection_close_ends_the_connection_and_nothing_after_it_is_read(server: Serving) -> None:
    received = server.exchange(
        b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert targets(received) == ["/1"]
    assert statuses(received) == [200]


def test_a_half_closed_client_still_gets_its_answer(server: Serving) -> None:
    assert statuses(server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == [200]


def test_head_is_answered_with_the_length_and_without_the_body(server: Serving) -> None:
    received = server.exchange(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
    head, second = received.split(b"\r\n\r\n", 1)
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    assert int(length[1]) > 0
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_by_definition_has_none(loop: str, status: int) -> None:
    async def answer(_: Request) -> Response:
        return Response(status=status, body=b"not to be sent")

    with Serving(answer, loop=loop) as server:
        received = server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert b"content-length" not in received


@pytest.mark.parametrize(
    "message",
    [
        b"nonsense\r\n\r\n",
        b"GET /\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA B: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost: x\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        bytes(range(256)),
    ],
)
def test_what_is_no_http_is_a_400_and_the_end_of_the_connection(server: Serving, message: bytes) -> None:
    received = server.exchange(message)
    assert statuses(received) == [400]
    assert received.endswith(b'\r\n\r\n{"message":"Bad Request"}')


def test_requests_before_a_malformed_one_are_answered_first(server: Serving) -> None:
    received = server.exchange(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n")
    assert targets(received) == ["/1", "/2"]
    assert statuses(received) == [200, 200, 400]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc", 501),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_what_is_http_and_not_served_is_refused_by_its_status(server: Serving, message: bytes, status: int) -> None:
    assert statuses(server.exchange(message)) == [status]


@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"Host: x\r\nHost: x\r\n",
        b"Host: x\r\nHOST: y\r\n",
        b"Host:\r\n",
        b"Host: x y\r\n",
        b"Host: x, y\r\n",
        b"Host: user@x\r\n",
        b"Host: x/y\r\n",
        b"Host: x:port\r\n",
        b"Host: [::1\r\n",
        b"Host: caf\xc3\xa9\r\n",
    ],
)
def test_a_missing_a_double_and_an_invalid_host_is_a_400(server: Serving, hosts: bytes) -> None:
    received = server.exchange(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
    assert statuses(received) == [400]


@pytest.mark.parametrize("host", ["x", "x:8000", "x:", "127.0.0.1:8000", "[::1]:8000", "a-b.example", "my_box"])
def test_a_host_is_a_name_or_an_address_and_maybe_a_port(server: Serving, host: str) -> None:
    received = server.exchange(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert statuses(received) == [200]
    assert f'"host": "{host}"'.encode() in received


@pytest.mark.parametrize(
    ("target", "seen"),
    [("http://y:8000/a?b", "/a?b"), ("HTTP://y:8000", "/"), ("https://y:8000?b", "/?b")],
)
def test_the_host_of_a_whole_url_takes_the_place_of_the_header(server: Serving, target: str, seen: str) -> None:
    received = server.exchange(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert targets(received) == [seen]
    assert b'"host": "y:8000"' in received
    assert b'["host", "y:8000"]' in received


@pytest.mark.parametrize("target", ["http://", "http://u@y/", "ftp://y/", "y:80", "x", "*"])
def test_a_target_that_is_no_path_and_no_url_is_a_400(server: Serving, target: str) -> None:
    assert statuses(server.exchange(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())) == [400]


def test_options_may_ask_about_the_whole_server(server: Serving) -> None:
    assert targets(server.exchange(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")) == ["*"]


def test_empty_lines_before_a_request_are_skipped(server: Serving) -> None:
    assert targets(server.exchange(b"\r\n\r\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n")) == ["/1"]


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"Content-Length: 3\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
)
def test_an_upgrade_is_ignored_and_the_connection_goes_on(server: Serving, body: bytes) -> None:
    head = b"POST /1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    received = server.exchange(head + body, b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert targets(received) == ["/1", "/2"]
    assert (b'"body": "abc"' in received) == (len(body) > 2)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_is_served_when_it_offers_http2(server: Serving) -> None:
    command = ["curl", "-sS", "--http2", "-d", "abc", f"http://127.0.0.1:{server.port}/1"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE).stdout)
    assert (answer["body"], answer["protocol"]) == ("abc", "HTTP/1.1")
    assert ["upgrade", "h2c"] in answer["headers"]


def test_a_body_too_large_is_refused_before_it_is_sent_where_the_client_waits_to_be_asked(server: Serving) -> None:
    with server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99000000\r\n\r\n")
        received = read_to_end(client)
    assert statuses(received) == [200]  # the handler's answer, which the gateway makes a 413
    assert b'"too_large": true' in received
    assert b"connection: close" in received


def test_a_client_that_sends_a_refused_body_all_the_same_gets_its_answer(server: Serving) -> None:
    with server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n")
        client.sendall(b"x" * 9_000_000)
        assert statuses(read_to_end(client)) == [200]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"GET / HT", id="within the request line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", id="within the headers"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", id="within the body"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", id="within a chunk"),
    ],
)
def test_a_client_that_stops_within_a_request_gets_408(loop: str, message: bytes) -> None:
    with Serving(echo, loop=loop, head_timeout=0.1) as server, server.connect() as client:
        client.sendall(message)
        assert statuses(read_to_end(client)) == [408]


def test_a_head_that_trickles_in_gets_408(loop: str) -> None:
    with Serving(echo, loop=loop, head_timeout=0.3) as server, server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        client.settimeout(0.05)
        received = b""
        while not received:
            client.sendall(b"A: b\r\n")
            with suppress(TimeoutError):
                received = client.recv(65536)
    assert statuses(received) == [408]


def test_a_body_may_take_its_time_as_long_as_more_of_it_comes(loop: str) -> None:
    with Serving(echo, loop=loop, head_timeout=0.4) as server, server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.1)
            client.sendall(b"x")
        assert statuses(read_to_end(client)) == [200]


def test_idle_connections_are_closed_without_a_word(loop: str) -> None:
    with Serving(echo, loop=loop, idle_timeout=0.5) as server:
        clients = [server.connect() for _ in range(200)]
        clients[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(read_answer(clients[0])) == [200]
        for client in clients:
            with client:
                assert read_to_end(client) == b""


def test_a_handler_may_take_longer_than_a_connection_may_be_idle(loop: str) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.5)
        return Response(status=200)

    with Serving(slow, loop=loop, head_timeout=0.1, idle_timeout=0.1) as server:
        assert server.request("GET", "/").status == 200


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", id="target"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", id="many headers"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 1_000_000, id="an endless header"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"x" * 1_000_000,
            id="a trailer without end",
        ),
    ],
)
def test_a_head_without_end_is_a_431_and_no_handler_sees_it(loop: str, message: bytes) -> None:
    seen: list[str] = []

    async def note(request: Request) -> Response:
        seen.append(request.target)
        return Response(status=200)

    with Serving(note, loop=loop) as server, server.connect() as client:
        client.sendall(message)
        assert statuses(read_to_end(client)) == [431]
    assert seen == []


def test_a_large_body_is_no_large_head(loop: str) -> None:
    with Serving(echo, loop=loop, max_body=2_000_000) as server:
        answer = server.request("POST", "/", body=b"x" * 1_500_000)
    assert len(answer.json["body"]) == 1_500_000


def test_a_handler_that_raises_is_a_500_that_says_nothing(loop: str) -> None:
    async def fail(_: Request) -> Response:
        raise RuntimeError("secret")

    with Serving(fail, loop=loop) as server:
        received = server.exchange(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(received) == [500]
        assert b"secret" not in received
        assert server.request("GET", "/").status == 500
        assert "secret" in str(server.problems[0]["exception"])


def test_a_header_that_would_break_out_of_its_line_is_never_sent(loop: str) -> None:
    async def split(_: Request) -> Response:
        return Response(status=200, headers=[("x-name", "a\r\nset-cookie: forged=1")])

    with Serving(split, loop=loop) as server:
        received = server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(received) == [500]
    assert b"forged" not in received


def test_a_handler_runs_on_when_its_client_goes_away(loop: str) -> None:
    started, ended = threading.Event(), threading.Event()

    async def work(_: Request) -> Response:
        started.set()
        await asyncio.sleep(0.05)
        ended.set()
        return Response(status=200)

    with Serving(work, loop=loop) as server:
        with server.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert started.wait(PATIENCE)
        assert ended.wait(PATIENCE)
        assert server.request("GET", "/").status == 200
        assert server.problems == []


@pytest.mark.parametrize("reset", [True, False])
def test_a_handler_is_cancelled_with_its_client_where_that_is_asked_for(loop: str, reset: bool) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait_for_ever(_: Request) -> Response:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response(status=200)

    with Serving(wait_for_ever, loop=loop, cancel_on_disconnect=True) as server:
        with server.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert started.wait(PATIENCE)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert cancelled.wait(PATIENCE)
        assert server.problems == []


def test_a_client_that_does_not_read_holds_back_its_own_requests_only(loop: str) -> None:
    answered = 0

    async def large(_: Request) -> Response:
        nonlocal answered
        answered += 1
        return Response(status=200, body=b"x" * 1_000_000)

    with Serving(large, loop=loop) as server, server.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
        assert server.request("GET", "/other").status == 200
        assert answered < 60
        client.shutdown(socket.SHUT_WR)
        assert len(read_to_end(client)) > 60_000_000


def test_closing_the_server_drops_connections_and_cancels_handlers(loop: str) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait_for_ever(_: Request) -> Response:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return Response(status=200)

    with Serving(wait_for_ever, loop=loop) as server:
        client, idle = server.connect(), server.connect()
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert started.wait(PATIENCE)
    assert cancelled.is_set()
    for each in (client, idle):
        with each, suppress(ConnectionResetError):
            assert each.recv(1) == b""


def test_a_taken_port_is_an_oserror() -> None:
    async def start_twice() -> None:
        first, second = HttpServer(echo, max_body=1), HttpServer(echo, max_body=1)
        port = await first.start()
        try:
            with pytest.raises(OSError, match="address already in use"):
                await second.start(port=port)
            await second.close()
        finally:
            await first.close()

    asyncio.run(start_twice())
