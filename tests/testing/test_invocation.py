"""Events for one handler, and the responses that come of its results."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from taxiway.http import Body, Created, NotFound, Query, handler
from taxiway.http import Path as InPath
from taxiway.local.responses import MalformedResponse
from taxiway.testing import call, request
from taxiway.testing.served import Server

RECORDED = json.loads((Path(__file__).parents[1] / "http" / "aws_event.json").read_text())


class Note(Struct):
    text: str
    tags: list[str] = []


@handler
def create(body: Note) -> Created[Note]:
    return Created(body, location="/notes/1")


@handler
def find(id: InPath[str], limit: Query[int] = 1, since: Query[datetime | None] = None) -> dict[str, Any]:
    if id == "none":
        raise NotFound("There is no note.")
    return {"id": id, "limit": limit, "since": since}


def test_an_event_has_what_aws_sends() -> None:
    event = request("POST", "/notes", json={"text": "Hello"})

    assert event["version"] == RECORDED["version"]
    assert event.keys() - {"body"} <= RECORDED.keys() | {"pathParameters", "queryStringParameters", "cookies"}
    assert event["requestContext"].keys() <= RECORDED["requestContext"].keys()
    assert (event["body"], event["headers"]["content-type"]) == ('{"text":"Hello"}', "application/json")


def test_a_handler_answers_an_event() -> None:
    answer = call(create, request("POST", "/notes", json={"text": "Hello"}))

    assert (answer.status, answer.headers["location"]) == (201, "/notes/1")
    assert answer.json() == {"text": "Hello", "tags": []}


def test_parameters_arrive_as_a_client_sends_them() -> None:
    since = datetime(2026, 1, 31, 12, tzinfo=UTC)
    event = request("GET", "/notes/{id}", path={"id": "a/ü"}, query={"limit": 5, "since": since})

    assert event["rawQueryString"] == "limit=5&since=2026-01-31T12%3A00%3A00Z"
    assert call(find, event).json() == {"id": "a/ü", "limit": 5, "since": "2026-01-31T12:00:00Z"}


def test_an_error_is_the_problem_that_the_client_gets() -> None:
    missing = call(find, request("GET", "/notes/{id}", path={"id": "none"}))
    wrong = call(create, request("POST", "/notes", json={"text": 1}))

    assert (missing.status, missing.json()["detail"]) == (404, "There is no note.")
    assert (wrong.status, wrong.json()["errors"][0]["pointer"]) == (400, "/text")


def test_headers_and_a_body_of_bytes_go_as_they_are() -> None:
    @handler
    def length(body: Body[bytes]) -> int:
        return len(body)

    answer = call(length, request("PUT", "/files", body=b"\x00\xff", headers={"Content-Type": "image/png"}))
    assert (answer.status, answer.json()) == (200, 2)


@pytest.mark.parametrize(
    ("path", "said"), [({}, "id is missing"), ({"id": 1, "key": 2}, "the route has no key"), (None, "id is missing")]
)
def test_path_parameters_that_do_not_fit_the_route_are_named(path: dict[str, object] | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        request("GET", "/notes/{id}", path=path)


def test_a_plain_function_gets_what_lambda_gives_it() -> None:
    @dataclass
    class Seen:
        remaining: int = 0

    seen = Seen()

    def plain(event: dict[str, Any], context: Any) -> dict[str, Any]:
        seen.remaining = context.get_remaining_time_in_millis()
        return {"statusCode": 202, "headers": {"X-Path": event["rawPath"]}, "cookies": ["a=1", "b=2"]}

    answer = call(plain, request("GET", "/files/{path+}", path={"path": "a/b"}))
    assert (answer.status, answer.headers) == (202, {"x-path": "/files/a/b", "set-cookie": "a=1, b=2"})
    assert 0 < seen.remaining <= 30_000
    with pytest.raises(MalformedResponse):
        call(lambda _, __: {"statusCode": 99}, request("GET", "/"))


def test_the_answer_is_that_of_the_served_backend(api: Server) -> None:
    """The template's backend, whose handlers are on sys.path here."""
    from handlers.http.create_item import create_item
    from handlers.http.health import health

    served, called = api.get("/health"), call(health, request("GET", "/health"))
    assert (called.status, called.json() | {"timestamp": ""}) == (served.status, served.json() | {"timestamp": ""})
    assert called.headers.items() <= served.headers.items()
    wrong = {"name": "", "colour": "red"}
    served = api.request("POST", "/items", json=wrong)
    called = call(create_item, request("POST", "/items", json=wrong))
    assert (called.status, called.json()["errors"]) == (served.status, served.json()["errors"])
