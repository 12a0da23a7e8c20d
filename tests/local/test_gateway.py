"""The gateway as a whole: its own answers, its limits, what it logs, and what a reload does."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_args

import pytest
from tests.counts import count

from taxiway.local.callers import OwnHosts
from taxiway.local.gateway import MAX_BODY, Entry, Gateway
from taxiway.local.http1 import Request, Response
from taxiway.local.invocation import Failure, Outcome
from taxiway.local.manifest import ServedCors, ServedThrottle

from .serving import PATIENCE, Answer, InProcess, ServedGateway, Serving, a_plan


def check_own_answer(answer: Answer, status: int, message: str) -> None:
    assert answer.status == status
    assert answer.json == {"message": message}
    assert answer.header("content-type") == "application/json"
    assert answer.header("apigw-requestid")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/items/"),
        ("DELETE", "/items"),
        ("HEAD", "/items"),
        ("OPTIONS", "/items"),
        ("PROPFIND", "/items"),
    ],
)
def test_what_no_route_matches_is_a_404_a_known_path_with_another_method_too(method: str, path: str) -> None:
    with ServedGateway("GET /items") as api:
        answer = api.request(method, path)
    if method == "HEAD":
        assert (answer.status, answer.body) == (404, b"")
    else:
        check_own_answer(answer, 404, "Not Found")
    entry = api.entries[0]
    assert (entry.status, entry.function, entry.cold, entry.failure) == (404, None, None, None)


def test_a_body_at_the_limit_goes_through_and_one_byte_more_is_a_413() -> None:
    with ServedGateway("POST /", function=lambda event: len(event["body"])) as api:
        headers = {"Content-Type": "text/plain"}
        assert api.request("POST", "/", body=b"x" * MAX_BODY, headers=headers).json == 10_485_760
        check_own_answer(api.request("POST", "/", body=b"x" * (MAX_BODY + 1)), 413, "Request Entity Too Large")
    assert api.entries[1].failure == "too large"


def test_a_route_behind_an_authorizer_is_refused_and_not_served_unguarded() -> None:
    with ServedGateway("GET /", authorizer="LambdaAuthorizer") as api:
        answer = api.request("GET", "/", headers={"Authorization": "Bearer token"})
    assert api.invoker.invoked == []
    assert answer.status == 501
    assert answer.json["message"].startswith(
        "The route has a LambdaAuthorizer, which does not run locally: taxiway dev --open"
    )
    assert api.entries[0].failure == "guard"
    assert "Fix: taxiway dev --open" in api.entries[0].detail


def test_it_is_served_to_everybody_where_the_gateway_is_open() -> None:
    with ServedGateway("GET /", authorizer="JwtAuthorizer", is_open=True) as api:
        assert api.request("GET", "/").status == 200
    assert api.entries[0].failure is None


def test_the_request_line_and_header_values_may_have_10240_bytes() -> None:
    with ServedGateway("GET /", function=lambda _: "ok") as api:
        taken = len("GET / HTTP/1.1") + len("identity") + len(f"127.0.0.1:{api.port}")
        assert api.request("GET", "/", headers={"x": "v" * (10_240 - taken)}).status == 200
        answer = api.request("GET", "/", headers={"x": "v" * (10_241 - taken)})
    check_own_answer(answer, 431, "Request Header Fields Too Large")


FAILURES: dict[str, tuple[int, str]] = {
    "error": (500, "Internal Server Error"),
    "init": (500, "Internal Server Error"),
    "exit": (500, "Internal Server Error"),
    "timeout": (500, "Internal Server Error"),
    "memory": (500, "Internal Server Error"),
    "payload": (500, "Internal Server Error"),
    "throttled": (503, "Service Unavailable"),
}


@pytest.mark.parametrize("failure", get_args(Failure))
def test_a_failed_function_is_aws_own_answer_and_the_entry_says_what_happened(failure: Failure) -> None:
    with ServedGateway("GET /", function=lambda _: Outcome(failure=failure, detail="why", cold=True)) as api:
        check_own_answer(api.request("GET", "/"), *FAILURES[failure])
    entry = api.entries[0]
    assert (entry.failure, entry.detail, entry.cold, entry.function) == (failure, "why", True, "GET /")


def test_an_event_that_lambda_would_not_take_is_a_413() -> None:
    with ServedGateway("POST /", function=lambda _: Outcome(failure="payload", detail="over 6 MB")) as api:
        answer = api.request("POST", "/", body=b"x" * 6_400_000, headers={"Content-Type": "text/plain"})
    check_own_answer(answer, 413, "Request Entity Too Large")


def test_after_the_integration_timeout_the_client_is_answered_and_the_function_goes_on() -> None:
    release, ended = threading.Event(), threading.Event()

    async def slow(_: Any) -> str:
        while not release.is_set():
            await asyncio.sleep(0.001)
        ended.set()
        return "too late"

    with ServedGateway("GET /", function=slow, timeout=0.05) as api:
        check_own_answer(api.request("GET", "/"), 503, "Service Unavailable")
        assert api.entries[0].failure == "integration timeout"
        assert "0.05 s" in api.entries[0].detail
        release.set()
        assert ended.wait(PATIENCE)
        assert api.problems == []


def test_the_integration_timeout_is_30_seconds_where_nothing_else_is_said() -> None:
    assert Gateway.__init__.__kwdefaults__["timeout"] == 30.0


def test_a_route_over_its_throttle_is_a_429_and_other_routes_are_not() -> None:
    rare = ServedThrottle(rate=0.001, burst=2)
    with ServedGateway(("GET /rare", rare), "GET /other", function=lambda _: "ok") as api:
        assert [api.request("GET", "/rare").status for _ in range(2)] == [200, 200]
        check_own_answer(api.request("GET", "/rare"), 429, "Too Many Requests")
        assert api.request("GET", "/other").status == 200
    assert api.entries[2].failure == "rate"
    assert len(api.invoker.invoked) == 3


def test_a_fault_of_the_machinery_is_a_500_without_a_traceback_and_an_entry_with_one() -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("the secret of the machinery")

    with ServedGateway("GET /", function=broken) as api:
        answer = api.request("GET", "/")
        check_own_answer(answer, 500, "Internal Server Error")
        assert api.request("GET", "/").status == 500
    assert b"secret" not in answer.body
    assert api.entries[0].failure == "gateway"
    assert "Traceback" in api.entries[0].detail
    assert "RuntimeError: the secret of the machinery" in api.entries[0].detail


def test_each_request_is_logged_once_with_what_the_terminal_shows() -> None:
    def function(_: Any) -> Outcome:
        return Outcome(payload=b'"ok"', cold=True, duration_ms=1.0)

    with ServedGateway("GET /items/{id}", function=function) as api:
        answer = api.request("GET", "/items/a%20b?secret=1")
    (entry,) = api.entries
    assert entry == Entry(
        method="GET",
        path="/items/a%20b",
        query="secret=1",
        request_id=answer.header("apigw-requestid") or "",
        status=200,
        duration_ms=entry.duration_ms,
        function="GET /items/{id}",
        cold=True,
    )
    assert entry.duration_ms > 0


def test_requests_are_served_at_the_same_time() -> None:
    running = 0

    async def function(_: Any) -> str:
        nonlocal running
        running += 1
        while running < 8:
            await asyncio.sleep(0.001)
        return "ok"

    with ServedGateway("GET /", function=function) as api, ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: api.request("GET", "/").status, range(8)))
    assert answers == [200] * 8


def test_a_replaced_plan_serves_the_next_request_and_the_one_in_hand_ends_as_it_began() -> None:
    started, release = threading.Event(), threading.Event()

    async def function(event: Any) -> str:
        if event["rawPath"] == "/old":
            started.set()
            while not release.is_set():
                await asyncio.sleep(0.001)
        return event["routeKey"]

    with ServedGateway("GET /old", function=function) as api, ThreadPoolExecutor(1) as clients:
        in_hand = clients.submit(api.request, "GET", "/old")
        assert started.wait(PATIENCE)
        api.gateway.replace(a_plan(["GET /new"]))
        assert api.request("GET", "/new").body == b"GET /new"
        assert api.request("GET", "/old").status == 404
        release.set()
        assert in_hand.result(PATIENCE).body == b"GET /old"


def test_closing_the_server_cancels_the_invocation_that_is_waited_for() -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def function(_: Any) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    with ServedGateway("GET /", function=function) as api:
        client = api.connect()
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert started.wait(PATIENCE)
    client.close()
    assert cancelled.wait(PATIENCE)
    assert api.problems == []


@count("requests", test=300, soak=30_000)
def test_many_clients_get_their_own_answers() -> None:
    async def function(event: Any) -> Any:
        await asyncio.sleep(0)
        return {"statusCode": 200, "body": event["pathParameters"]["id"]}

    with ServedGateway("GET /items/{id}", function=function) as api, ThreadPoolExecutor(16) as clients:
        bodies = list(clients.map(lambda n: api.request("GET", f"/items/{n}").body, range(300)))
    assert bodies == [str(n).encode() for n in range(300)]
    assert len(api.entries) == 300


def test_a_log_that_fails_loses_the_request_and_not_the_server() -> None:
    def log(_: Entry) -> None:
        raise RuntimeError("no space left")

    gateway = Gateway(a_plan(["GET /"]), InProcess(lambda _: "ok"), log, hosts=OwnHosts("127.0.0.1"))
    with Serving(gateway.handle) as server:
        assert [server.request("GET", "/").status for _ in range(2)] == [500, 500]


def test_a_gateway_needs_no_server() -> None:
    entries: list[Entry] = []
    gateway = Gateway(a_plan(["GET /"]), InProcess(lambda _: "ok"), entries.append, hosts=OwnHosts("127.0.0.1"))
    request = Request(method="GET", target="/", headers=[], body=b"", too_large=False, client="IP", protocol="HTTP/1.1")
    response = asyncio.run(gateway.handle(request))
    assert isinstance(response, Response)
    assert response.body == b"ok"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "example.com"])
def test_a_foreign_host_is_misdirected_and_no_function_hears_of_it(host: str) -> None:
    cors = ServedCors(("*",), ("*",), (), (), max_age=None, credentials=False)
    with ServedGateway("ANY /", cors=cors) as api:
        for method in ("GET", "POST", "OPTIONS"):
            answer = api.request(method, "/", headers={"Host": host, "Origin": f"http://{host}"})
            check_own_answer(answer, 421, f"{host.partition(':')[0]} is not a host name of this API")
            assert answer.header("access-control-allow-origin") is None
        whole = api.exchange(f"GET http://{host}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert whole.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
    assert api.invoker.invoked == []
    assert {entry.failure for entry in api.entries} == {"host"}
    assert "--allow-host" in api.entries[0].detail


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "localhost:8000", "LOCALHOST", "my.localhost", "[::1]:8000", "127.1.2.3"]
)
def test_the_names_of_loopback_are_the_apis_own_whatever_the_port(host: str) -> None:
    with ServedGateway("GET /", function=lambda _: "ok") as api:
        assert api.request("GET", "/", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    ("address", "allowed", "host", "included"),
    [
        ("192.0.2.7", [], "192.0.2.7:8000", True),
        ("192.0.2.7", [], "192.0.2.8", False),
        ("0.0.0.0", [], "192.0.2.8", True),  # noqa: S104  nothing is bound
        ("::", [], "[2001:db8::1]:8000", True),
        ("0.0.0.0", [], "my-box", False),  # noqa: S104  the same
        ("my-box", [], "My-Box:8000", True),
        ("127.0.0.1", ["my-box"], "my-box:8000", True),
        ("127.0.0.1", [".tunnel.example"], "a.tunnel.example", True),
        ("127.0.0.1", [".tunnel.example"], "tunnel.example", False),
        ("127.0.0.1", ["tunnel.example"], "a.tunnel.example", False),
        ("127.0.0.1", [], "", True),
    ],
)
def test_a_host_is_the_apis_own_by_its_address_or_where_it_is_allowed(
    address: str, allowed: list[str], host: str, included: bool
) -> None:
    assert OwnHosts(address, allowed).include(host) == included
