"""What DynamoDB answers becomes one of a few errors, each with the status that it means."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.data.models import Claim, Item

from taxiway.data import (
    AccessDenied,
    AlreadyExists,
    DataError,
    InvalidCursor,
    ItemTooLarge,
    Refused,
    TableClient,
    Throttled,
    Unavailable,
)
from taxiway.data.cursors import Cursors


class Answering(ThreadingHTTPServer):
    """An endpoint of DynamoDB that gives one answer to everything."""

    daemon_threads = True
    answer: tuple[int, bytes]

    def fail(self, status: int, kind: str, message: str = "internal detail", **more: object) -> None:
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message, **more}
        self.answer = status, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    server = Answering(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "error", "meaning"),
    [
        (400, "ThrottlingException", Throttled, 503),
        (400, "ProvisionedThroughputExceededException", Throttled, 503),
        (400, "RequestLimitExceeded", Throttled, 503),
        (500, "InternalServerError", Unavailable, 503),
        (503, "ServiceUnavailable", Unavailable, 503),
        (400, "ValidationException", Refused, 500),
        (400, "AccessDeniedException", AccessDenied, 500),
        (400, "ExpiredTokenException", AccessDenied, 500),
    ],
)
def test_an_answer_of_dynamodb_has_its_meaning(
    endpoint: Answering, status: int, kind: str, error: type[DataError], meaning: int
) -> None:
    endpoint.fail(status, kind)
    with pytest.raises(error) as caught:
        TableClient(table_name="t").get(Claim.by_name("x"))
    assert caught.value.http_status == meaning
    assert "internal detail" not in caught.value.public_detail


def test_an_item_that_grows_too_large_is_the_callers_doing(endpoint: Answering) -> None:
    endpoint.fail(400, "ValidationException", "Item size to update has exceeded the maximum allowed size")
    with pytest.raises(ItemTooLarge) as caught:
        TableClient(table_name="t").put(Claim(name="x"))
    assert caught.value.http_status == 413


def test_a_position_outside_the_query_is_the_cursors_fault(endpoint: Answering) -> None:
    endpoint.fail(400, "ValidationException", "The provided starting key is outside query boundaries")
    query = Item.by_category("c")
    cursor = Cursors().issue("Item.by_category True ITEM#CATEGORY#c ", ("ITEM#1", "ITEM", "x"))
    with pytest.raises(InvalidCursor, match="does not fit the query") as caught:
        TableClient(table_name="t").query(query, cursor=cursor)
    assert caught.value.public_detail == "The cursor does not fit the query."
    with pytest.raises(Refused):
        TableClient(table_name="t").query(query)


def stored(attributes: dict[str, object]) -> dict[str, object]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attributes.items()}


def test_an_item_that_equals_ones_own_is_another_s(endpoint: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not ours for what is in it: two may create the same in the same microsecond."""
    item = Item(id="1", name="Lamp", category="home")
    monkeypatch.setattr("taxiway.data.stamps.now", lambda: item.created_at)
    when = item.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    equal = {
        "pk": "ITEM#1",
        "sk": "ITEM",
        "gsi1pk": "ITEM#CATEGORY#home",
        "gsi1sk": f"{when}#1",
        "entity": "Item",
        "id": "1",
        "name": "Lamp",
        "category": "home",
        "createdAt": when,
        "updatedAt": when,
        "version": 1,
    }
    for other in (equal, {**equal, "_w": "another's"}, {**equal, "version": 2}):
        endpoint.fail(400, "ConditionalCheckFailedException", Item=stored(other))
        with pytest.raises(AlreadyExists):
            TableClient(table_name="t").create(item)


def test_every_error_is_a_data_error_with_a_status_and_a_public_detail() -> None:
    def below(error: type[DataError]) -> Iterator[type[DataError]]:
        yield error
        for child in error.__subclasses__():
            yield from below(child)

    for error in below(DataError):
        assert 400 <= error.http_status < 600
        assert error.public_detail.endswith(".")
