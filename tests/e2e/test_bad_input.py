"""What a client may send by mistake or on purpose: each is answered for what it is, and the backend goes on."""

import http.client
import re
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from taxiway.testing import Answer, Server

JSON = {"content-type": "application/json"}
ITEM = {"name": "Pen", "category": "stationery"}


@pytest.fixture(autouse=True)
def goes_on(api: Server) -> Any:
    """Whatever a test sends, the next request is answered."""
    yield
    assert api.get("/health").status == 200


def post(api: Server, body: bytes, **headers: str) -> Answer:
    return api.request("POST", "/items", body=body, headers=headers or JSON)


def assert_problem(answer: Answer, status: int) -> dict[str, Any]:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer.body
    problem = answer.json()
    assert problem["status"] == status
    assert problem["requestId"] == answer.headers["apigw-requestid"]
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"name":"Pen",}',
        b'{"name":"\xff","category":"x"}',
        b"\xfe\xff\x00{",
        b"null",
        b"[]",
        b'{"name":"Pen","category":"x","price":NaN}',
        b'{"name":"Pen","category":"x","price":-Infinity}',
        b'{"name":"Pen","category":"x","price":"NaN"}',
        b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"name":"Pen","category":"x","price":' + b"9" * 5000 + b"}",
        b'{"name":"Pen","category":"x","price":1e999999999}',
        b'{"name":"Pen","category":"x","price":1.' + b"3" * 38 + b"}",
        b'{"name":1,"category":"x"}',
        b'{"name":null,"category":"x"}',
        b'{"category":"x"}',
        b'{"name":"Pen","category":"x","colour":"red"}',
        b'{"name":"","category":"x"}',
        b'{"name":"Pen","category":""}',
        b'{"name":"' + b"x" * 201 + b'","category":"x"}',
    ],
)
def test_a_body_that_is_no_item_is_a_400(api: Server, body: bytes) -> None:
    assert_problem(post(api, body), 400)


def test_38_digits_are_kept_and_a_39th_is_refused(api: Server) -> None:
    digits = "12345678901234567890123456789012345678"
    kept = post(api, f'{{"name":"Pen","category":"x","price":{digits}}}'.encode())
    assert kept.status == 201
    assert f'"price":{digits}'.encode() in api.get(kept.headers["location"]).body
    assert_problem(post(api, f'{{"name":"Pen","category":"x","price":{digits}9}}'.encode()), 400)


def test_every_wrong_field_is_named_with_its_pointer(api: Server) -> None:
    problem = assert_problem(post(api, b'{"name":"","category":7,"price":"cheap","colour":"red"}'), 400)
    assert {error["pointer"] for error in problem["errors"]} == {"/name", "/category", "/price", "/colour"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_wrong_content_type_is_a_415(api: Server, content_type: str) -> None:
    assert_problem(post(api, b'{"name":"Pen","category":"x"}', **{"content-type": content_type}), 415)


@pytest.mark.parametrize("id", ["#", "ITEM#1", "a/b", "%00", "\x7f", "..", "☃", "a b", "'; DROP TABLE"])
def test_an_id_is_never_taken_for_another_key(api: Server, id: str) -> None:
    assert_problem(api.get(f"/items/{quote(id, safe='')}"), 404)


def test_an_id_as_long_as_no_key_may_be_is_refused(api: Server) -> None:
    assert_problem(api.get("/items/" + "x" * 3000), 400)


@pytest.mark.parametrize("category", ["a#b", "#", "a%23b", "\x01", "  ", "é" * 40])
def test_a_category_with_any_character_finds_its_own_items_alone(api: Server, category: str) -> None:
    made = api.request("POST", "/items", json={**ITEM, "category": category})
    assert made.status == 201
    assert api.get(f"/items?category={quote(category, safe='')}").json()["items"] == [made.json()]


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "ten", "1.5", "", "9" * 400])
def test_a_limit_out_of_range_is_a_400_that_names_it(api: Server, limit: str) -> None:
    problem = assert_problem(api.get(f"/items?category=x&limit={limit}"), 400)
    assert [(error["in"], error["name"]) for error in problem["errors"]] == [("query", "limit")]


def test_parameters_and_body_are_reported_together(api: Server) -> None:
    problem = assert_problem(api.get("/items?limit=0&since=yesterday"), 400)
    assert {error["name"] for error in problem["errors"]} == {"category", "limit", "since"}


def test_a_cursor_that_was_not_given_out_here_is_refused(api: Server) -> None:
    for _ in range(2):
        api.request("POST", "/items", json={**ITEM, "category": "cursors"})
    cursor = api.get("/items?category=cursors&limit=1").json()["cursor"]
    flipped = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for forged in (flipped, cursor[:-4], cursor * 2, "x", "%00", "é"):
        assert_problem(api.get(f"/items?category=cursors&limit=1&cursor={quote(forged)}"), 400)
    assert_problem(api.get(f"/items?category=other&limit=1&cursor={cursor}"), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/items"), ("HEAD", "/health"), ("GET", "/items/"), ("GET", "//items")],
)
def test_an_unknown_route_or_method_is_api_gateways_404(api: Server, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert answer.status == 404
    assert answer.body == (b"" if method == "HEAD" else b'{"message":"Not Found"}')


def test_a_body_over_10_mb_is_api_gateways_413(api: Server) -> None:
    answer = post(api, b" " * (11 * 1024 * 1024))
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_what_is_no_http_is_refused(api: Server) -> None:
    address = urlsplit(api.url)
    for rubbish in (b"\x16\x03\x01\x02\x00\x01\x00", b"HELO\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n"):
        with socket.create_connection((address.hostname, address.port), timeout=20) as client:
            client.sendall(rubbish)
            assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_goes_away_takes_nothing_with_it(api: Server) -> None:
    connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=20)
    connection.request("POST", "/items", b'{"name":"Pen","category":"gone"}', JSON)
    connection.close()


def test_no_request_can_steer_the_terminal(api: Server) -> None:
    api.get("/\x1b]0;owned\x07".replace("\x1b", "%1b").replace("\x07", "%07"))
    assert not any(re.search(r"[\x00-\x08\x0b-\x1f]", line) for line in api.output)


def test_a_request_under_a_foreign_host_name_is_misdirected(api: Server) -> None:
    answer = api.get("/health", headers={"Host": "evil.example", "Origin": "http://evil.example"})
    assert (answer.status, answer.json()) == (421, {"message": "evil.example is not a host name of this API"})
    assert "access-control-allow-origin" not in answer.headers


def test_a_body_that_is_too_large_is_413_before_it_is_sent(api: Server) -> None:
    url = urlsplit(api.url)
    with socket.create_connection((url.hostname, url.port), timeout=60) as client:
        head = f"POST /items HTTP/1.1\r\nHost: {url.netloc}\r\nExpect: 100-continue\r\nContent-Length: 99000000\r\n\r\n"
        client.sendall(head.encode())
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 413 ")
