"""DynamoDB Streams: the changes of a table on the real engine, and pages on a server that has many."""

import json
import time
from decimal import Decimal

import pytest
from tests.sdk.server import Server, answer

from taxiway.sdk.dynamodb import DynamoDB, ResourceNotFound
from taxiway.sdk.dynamodb.streams import Streams
from taxiway.sdk.dynamodb.tables import (
    AttributeDefinition,
    CreateTable,
    KeySchemaElement,
    StreamSpecification,
    Tables,
)
from taxiway.sdk.signing import Credentials

CREDENTIALS = Credentials("AKID", "secret")
PATIENCE = 20.0  # seconds that a test waits for what must happen


@pytest.fixture
def streams(endpoint):
    client = Streams(region="eu-west-1", endpoint=endpoint, credentials=CREDENTIALS)
    yield client
    client.close()


@pytest.fixture
def db(endpoint):
    client = DynamoDB(region="eu-west-1", endpoint=endpoint, credentials=CREDENTIALS)
    yield client
    client.close()


def test_the_changes_of_a_table_are_read_in_their_order(db, streams, name):
    tables = Tables(db)
    tables.create(
        CreateTable(
            name,
            [KeySchemaElement("pk", "HASH")],
            [AttributeDefinition("pk", "S")],
            billing_mode="PAY_PER_REQUEST",
            stream_specification=StreamSpecification(stream_enabled=True, stream_view_type="NEW_AND_OLD_IMAGES"),
        )
    )
    table = tables.wait_until_active(name)
    db.put_item(name, {"pk": "a", "price": Decimal("1.5")})
    db.put_item(name, {"pk": "a", "price": 2})
    db.delete_item(name, {"pk": "a"})

    (stream,) = streams.list(name)
    assert stream.stream_arn == table.latest_stream_arn
    described = streams.describe(stream.stream_arn)
    assert described.stream_view_type == "NEW_AND_OLD_IMAGES"
    (shard,) = described.shards
    iterator = streams.iterator(stream.stream_arn, shard.shard_id, "TRIM_HORIZON")
    read, limit = [], time.monotonic() + PATIENCE
    while len(read) < 3 and iterator is not None and time.monotonic() < limit:
        page = streams.records(iterator, limit=2)
        read += page.records
        iterator = page.next_iterator

    old, new = {"pk": "a", "price": Decimal("1.5")}, {"pk": "a", "price": 2}
    assert [(each.event, each.old_image, each.new_image) for each in read] == [
        ("INSERT", None, old),
        ("MODIFY", old, new),
        ("REMOVE", new, None),
    ]
    assert all(each.keys == {"pk": "a"} and not each.expired for each in read)
    after = streams.iterator(
        stream.stream_arn, shard.shard_id, "AFTER_SEQUENCE_NUMBER", sequence_number=read[1].sequence_number
    )
    assert streams.records(after).records[0].event == "REMOVE"


def test_a_stream_that_is_not_there(streams):
    with pytest.raises(ResourceNotFound):
        streams.describe("arn:aws:dynamodb:eu-west-1:000000000000:table/none/stream/2026-01-01T00:00:00.000")


def test_a_list_of_many_comes_page_by_page_and_an_expiry_is_known():
    record = {
        "eventID": "e1",
        "eventName": "REMOVE",
        "dynamodb": {"SequenceNumber": "1", "Keys": {"pk": {"S": "a"}}, "ApproximateCreationDateTime": 1.5},
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
    }
    with Server(
        answer({"Streams": [{"StreamArn": "a", "TableName": "t"}], "LastEvaluatedStreamArn": "a"}),
        answer({"Streams": [{"StreamArn": "b", "TableName": "t"}]}),
        answer({"StreamDescription": {"StreamArn": "a", "StreamStatus": "ENABLED"}}),
        answer({"Records": [record]}),
    ) as server:
        streams = Streams(region="eu-west-1", endpoint=server.url, credentials=CREDENTIALS)
        assert [stream.stream_arn for stream in streams.list()] == ["a", "b"]
        assert streams.describe("a", start_shard_id="s").shards == []
        page = streams.records("iterator")

    assert page.next_iterator is None
    assert page.records[0].expired
    assert page.records[0].created_at == 1.5
    assert server.requests[0].headers["x-amz-target"] == "DynamoDBStreams_20120810.ListStreams"
    assert "/dynamodb/aws4_request" in server.requests[0].headers["authorization"]
    assert json.loads(server.requests[1].body) == {"ExclusiveStartStreamArn": "a"}
    assert json.loads(server.requests[2].body)["ExclusiveStartShardId"] == "s"
