"""Tables brought up to date from the plan, as boto3 sees them afterwards."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import boto3
import pytest

from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.local.tables import TableError, bring_up_to_date
from taxiway.sdk import Credentials

LOCAL = Credentials("local", "local")
GSI1 = ServedIndex("gsi1", "gsi1pk", "gsi1sk")
GSI2 = ServedIndex("gsi2", "gsi2pk", "gsi2sk")


@pytest.fixture
def name() -> str:
    return f"items-{uuid4().hex}"


@pytest.fixture
def api(endpoint: str) -> Generator[Any, None, None]:
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    yield client
    client.close()


def plan(name: str, *indexes: ServedIndex, ttl: str | None = None, keys: tuple[str, str] = ("pk", "sk")) -> ServedTable:
    return ServedTable(name, *keys, indexes, ttl)


def update(table: ServedTable, endpoint: str) -> list[str]:
    """Bring it up to date; returns what was said of it."""
    notes: list[str] = []
    bring_up_to_date(table, endpoint, region="us-east-1", credentials=LOCAL, note=notes.append)
    return notes


def index_keys(api: Any, name: str) -> dict[str, list[str]]:
    indexes = api.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])
    return {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in indexes}


def test_a_missing_table_is_made_as_the_plan_says(endpoint: str, api: Any, name: str) -> None:
    assert update(plan(name, GSI1, ttl="expiresAt"), endpoint)[0] == f"Creating the table {name}."
    table = api.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {(each["AttributeName"], each["AttributeType"]) for each in table["AttributeDefinitions"]} == {
        ("pk", "S"),
        ("sk", "S"),
        ("gsi1pk", "S"),
        ("gsi1sk", "S"),
    }
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "gsi1"
    assert index["IndexStatus"] == "ACTIVE"
    assert index["Projection"] == {"ProjectionType": "ALL"}
    ttl = api.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}


def test_a_table_that_is_right_is_left_alone(endpoint: str, name: str) -> None:
    table = plan(name, GSI1, GSI2, ttl="expiresAt")
    update(table, endpoint)
    assert update(table, endpoint) == []


def test_an_added_index_finds_the_items_that_were_there_before(endpoint: str, api: Any, name: str) -> None:
    update(plan(name), endpoint)
    item = {key: {"S": key} for key in ("pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk")}
    api.put_item(TableName=name, Item=item)
    notes = update(plan(name, GSI1, GSI2), endpoint)
    assert [("gsi1" in note, "gsi2" in note) for note in notes] == [(True, False), (False, True)]
    for index in ("gsi1", "gsi2"):
        found = api.query(
            TableName=name,
            IndexName=index,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": f"{index}pk"},
            ExpressionAttributeValues={":pk": {"S": f"{index}pk"}},
        )
        assert found["Items"] == [item]


def test_a_removed_index_is_announced_and_the_items_stay(endpoint: str, api: Any, name: str) -> None:
    update(plan(name, GSI1, GSI2), endpoint)
    api.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    (note,) = update(plan(name, GSI2), endpoint)
    assert note.startswith("Removing the index gsi1")
    assert list(index_keys(api, name)) == ["gsi2"]
    assert api.scan(TableName=name)["Count"] == 1


def test_an_index_with_other_keys_is_made_anew(endpoint: str, api: Any, name: str) -> None:
    update(plan(name, GSI1), endpoint)
    notes = update(plan(name, ServedIndex("gsi1", "owner", "gsi1sk")), endpoint)
    assert [note.split()[0] for note in notes] == ["Removing", "Adding"]
    assert index_keys(api, name) == {"gsi1": ["owner", "gsi1sk"]}


def test_an_index_that_projects_less_than_all_is_made_anew(endpoint: str, api: Any, name: str) -> None:
    strings = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "gsi1pk", "gsi1sk")]
    api.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=strings,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "gsi1",
                "KeySchema": [
                    {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                    {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    assert len(update(plan(name, GSI1), endpoint)) == 2
    assert update(plan(name, GSI1), endpoint) == []


def test_the_ttl_follows_the_plan(endpoint: str, api: Any, name: str) -> None:
    def ttl() -> str | None:
        return api.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("AttributeName")

    for attribute in (None, "expiresAt", "deleteAfter", None):
        update(plan(name, ttl=attribute), endpoint)
        assert ttl() == attribute


def test_other_keys_are_an_error_and_the_data_stays(endpoint: str, api: Any, name: str) -> None:
    update(plan(name), endpoint)
    api.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    with pytest.raises(TableError, match=r"pk \(S\), sk \(S\)(.|\n)*id, range(.|\n)*taxiway reset"):
        update(plan(name, keys=("id", "range")), endpoint)
    assert api.scan(TableName=name)["Count"] == 1


def test_keys_that_are_no_strings_are_an_error(endpoint: str, api: Any, name: str) -> None:
    api.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(TableError, match=r"sk \(N\)"):
        update(plan(name), endpoint)


def test_what_the_endpoint_refuses_is_shown_in_its_own_words(endpoint: str) -> None:
    with pytest.raises(TableError, match=r"DescribeTable of the table x at http.*ValidationException.*3 characters"):
        update(plan("x"), endpoint)


@contextmanager
def server(*answers: tuple[int, bytes]) -> Generator[tuple[str, list[str]], None, None]:
    """An endpoint that gives these answers in turn, the last one again and again, and the operations it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["x-amz-target"].rpartition(".")[2])
            status, body = answers[min(len(asked), len(answers)) - 1]
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the standard library
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", asked
        finally:
            http.shutdown()
            thread.join()


RIGHT = (
    b'{"Table":{"TableName":"items","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"sk","KeyType":"RANGE"},{"AttributeName":"pk","KeyType":"HASH"}],'
    b'"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}}'
)
NO_TTL = b'{"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}'


def test_a_failing_or_throttling_endpoint_is_asked_again() -> None:
    throttled = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}'
    with server((500, b""), (400, throttled), (200, RIGHT), (200, RIGHT), (200, NO_TTL)) as (url, asked):
        assert update(plan("items"), url) == []
    assert asked == ["DescribeTable"] * 4 + ["DescribeTimeToLive"]


def test_a_table_that_another_process_made_meanwhile_is_taken_as_it_is() -> None:
    missing = b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}'
    in_use = b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceInUseException","message":"exists"}'
    with server((400, missing), (400, in_use), (200, RIGHT), (200, NO_TTL)) as (url, asked):
        update(plan("items"), url)
    assert asked == ["DescribeTable", "CreateTable", "DescribeTable", "DescribeTimeToLive"]


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"[]"), (404, b"<html>not here</html>")])
def test_an_endpoint_that_is_no_dynamodb_is_named(answer: tuple[int, bytes]) -> None:
    with server(answer) as (url, _), pytest.raises(TableError, match=url):
        update(plan("items"), url)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8001", "ftp://localhost", "http://"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(TableError, match="Invalid endpoint"):
        update(plan("items"), endpoint)


def test_an_endpoint_elsewhere_needs_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(TableError, match="AWS_ACCESS_KEY_ID"):
        bring_up_to_date(plan("items"), "https://dynamodb.eu-west-1.amazonaws.com", region="eu-west-1", note=print)
