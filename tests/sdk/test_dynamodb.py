"""DynamoDB's data plane on the real engine, beside boto3, and on a server that answers what the engine does not."""

import json
import uuid
from decimal import Decimal

import boto3
import pytest
from hypothesis import given
from tests.counts import count
from tests.sdk.server import Server, answer, cut, failure
from tests.sdk.test_values import FOR_BOTO3, VALUES, plain, same

from taxiway.sdk import InvalidAnswer, InvalidValue
from taxiway.sdk.dynamodb import (
    ConditionalCheckFailed,
    DynamoDB,
    DynamoDBError,
    IdempotentParameterMismatch,
    Invalid,
    ResourceInUse,
    ResourceNotFound,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    actions,
    requests,
)
from taxiway.sdk.dynamodb.hooks import observe
from taxiway.sdk.dynamodb.tables import (
    AttributeDefinition,
    CreateTable,
    Index,
    KeySchemaElement,
    Projection,
    TableNotReady,
    Tables,
)
from taxiway.sdk.dynamodb.values import NESTING, to_wire
from taxiway.sdk.signing import Credentials

CREDENTIALS = Credentials("AKID", "secret")


def definition(name, **more):
    return CreateTable(
        name,
        [KeySchemaElement("pk", "HASH"), KeySchemaElement("sk", "RANGE")],
        [AttributeDefinition("pk", "S"), AttributeDefinition("sk", "S")],
        billing_mode="PAY_PER_REQUEST",
        **more,
    )


@pytest.fixture(scope="module")
def db(endpoint):
    client = DynamoDB(region="eu-west-1", endpoint=endpoint, credentials=CREDENTIALS)
    yield client
    client.close()


@pytest.fixture(scope="module")
def table(db):
    """A table that the tests of this module share; each has a partition of its own."""
    name = f"t-{uuid.uuid4().hex}"
    tables = Tables(db)
    tables.create(definition(name))
    tables.wait_until_active(name)
    return name


@pytest.fixture
def key():
    return {"pk": uuid.uuid4().hex, "sk": "a"}


@pytest.fixture(scope="module")
def boto(endpoint, table):
    """boto3's view of the same table."""
    session = boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="eu-west-1")
    return session.resource("dynamodb", endpoint_url=endpoint).Table(table)


def of(server):
    return DynamoDB(region="eu-west-1", endpoint=server.url, credentials=CREDENTIALS)


# ---- items


def test_an_item_is_put_read_changed_and_deleted(db, table, key):
    item = {**key, "price": Decimal("1.25"), "tags": {"a", "b"}, "nested": [{"n": 10**37}], "raw": b"\x00\xff"}
    assert db.put_item(table, item).item is None
    assert db.get_item(table, key, consistent_read=True).item == item

    updated = db.update_item(
        table,
        key,
        update_expression="SET #n = :n ADD stock :one",
        expression_attribute_names={"#n": "name"},
        expression_attribute_values={":n": "Pen", ":one": 1},
        return_values="UPDATED_NEW",
    )
    assert updated.item == {"name": "Pen", "stock": 1}

    assert db.delete_item(table, key, return_values="ALL_OLD").item == {**item, "name": "Pen", "stock": 1}
    assert db.get_item(table, key).item is None


def test_a_projection_reads_a_part(db, table, key):
    db.put_item(table, {**key, "a": 1, "size": 2})

    read = db.get_item(
        table, key, projection_expression="#s", expression_attribute_names={"#s": "size"}, consistent_read=True
    )

    assert read.item == {"size": 2}


def test_capacity_is_told_on_request(db, table, key):
    assert db.put_item(table, {**key, "a": 1}).capacity is None
    told = db.put_item(table, {**key, "a": 1}, return_consumed_capacity="TOTAL").capacity
    assert (told.table_name, told.capacity_units) == (table, 1.0)
    page = db.query(table, "pk = :p", expression_attribute_values={":p": key["pk"]}, return_consumed_capacity="INDEXES")
    assert page.capacity.capacity_units == 0.5
    assert page.capacity.table.capacity_units == 0.5


@count("cases", test=60, soak=6_000)
@given(VALUES)
def test_what_is_stored_comes_back_exactly(db, table, key, value):
    db.put_item(table, {**key, "v": value})

    assert same(value, db.get_item(table, key, consistent_read=True).item["v"])


@count("cases", test=60, soak=6_000)
@given(FOR_BOTO3)
def test_boto3_reads_what_was_written_and_the_reverse(db, table, boto, key, value):
    db.put_item(table, {**key, "v": value})
    theirs = boto.get_item(Key=key, ConsistentRead=True)["Item"]
    assert plain(theirs["v"]) == plain(value)

    boto.put_item(Item={**theirs, "sk": "b"})
    ours = db.get_item(table, {**key, "sk": "b"}, consistent_read=True).item
    assert same(value, ours["v"])


@pytest.mark.parametrize("value", [0.1, 1e22, 1.0, -2.5e-10, 123456789.123])
def test_a_float_comes_back_exact(db, table, key, value):
    db.put_item(table, {**key, "v": value})
    read = db.get_item(table, key).item["v"]

    assert type(read) in (int, Decimal)
    assert read == Decimal(repr(value))


def nested(levels):
    value = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def test_what_is_nested_as_deep_as_may_be_is_stored(db, table, key):
    db.put_item(table, {**key, "v": nested(NESTING - 1)})
    assert db.get_item(table, key).item["v"] == nested(NESTING - 1)

    deeper = {"pk": {"S": key["pk"]}, "sk": {"S": "b"}, "v": {"L": [to_wire(nested(NESTING - 1))]}}
    with pytest.raises(Invalid, match=r"Nesting Levels"):
        db.send(requests.PutItem(table, deeper))


def test_a_lone_surrogate_is_told_with_its_path(db, table, key):
    with pytest.raises(InvalidValue, match=r"lone surrogate(?s:.*)at Item\.v\.L\[1\]\.S$"):
        db.put_item(table, {**key, "v": ["fine", "\ud800"]})
    with pytest.raises(InvalidValue, match="lone surrogate"):
        db.put_item(table, {**key, "\udfff": 1})


# ---- conditions and refusals


def test_a_condition_that_failed_gives_the_item(db, table, key):
    db.put_item(table, {**key, "version": 3})
    for call in (
        lambda **more: db.put_item(table, key, **more),
        lambda **more: db.delete_item(table, key, **more),
        lambda **more: db.update_item(table, key, update_expression="SET a = :v", **more),
    ):
        with pytest.raises(ConditionalCheckFailed) as raised:
            call(
                condition_expression="version = :v",
                expression_attribute_values={":v": 2},
                return_values_on_condition_check_failure="ALL_OLD",
            )
        assert raised.value.item == {**key, "version": 3}
        assert raised.value.code == "ConditionalCheckFailedException"
        assert raised.value.status == 400
        assert not raised.value.may_have_run


def test_a_condition_that_failed_gives_nothing_where_nothing_was_asked_for(db, table, key):
    with pytest.raises(ConditionalCheckFailed) as raised:
        db.put_item(table, key, condition_expression="attribute_exists(pk)")

    assert raised.value.item is None


def test_what_is_not_valid_is_told(db, table, key):
    with pytest.raises(Invalid, match="ValidationException"):
        db.update_item(table, key, update_expression="SET")


def test_a_table_that_is_not_there(db, key):
    with pytest.raises(ResourceNotFound):
        db.get_item("nothing", key)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", Throttled),
        ("ProvisionedThroughputExceededException", Throttled),
        ("TransactionConflictException", TransactionConflict),
        ("IdempotentParameterMismatchException", IdempotentParameterMismatch),
        ("SerializationException", Invalid),
        ("ItemCollectionSizeLimitExceededException", DynamoDBError),
    ],
)
def test_each_code_has_its_exception(code, error, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Server(failure(code, "told")) as server, pytest.raises(DynamoDBError, match=f"{code}: told") as raised:
        of(server).put_item("t", {"pk": "a"})

    assert type(raised.value) is error
    assert raised.value.reasons == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'"a"', b'{"Item": 5}', b'{"Item": {"a": {"X": 1}}}', b'{"Item": {"a": []}}', b"\xff", b"[" * 9999],
)
def test_an_answer_that_is_none_is_a_typed_error(body):
    with Server(answer(body)) as server, pytest.raises(InvalidAnswer):
        of(server).get_item("t", {"pk": "a"})


# ---- pages


def test_pages_of_a_query_follow_each_other(db, table, key):
    for number in range(5):
        db.put_item(table, {"pk": key["pk"], "sk": f"{number}"})
    read, start = [], None
    while True:
        page = db.query(
            table,
            "pk = :p AND sk >= :s",
            expression_attribute_values={":p": key["pk"], ":s": "1"},
            scan_index_forward=False,
            limit=2,
            exclusive_start_key=start,
        )
        read += [item["sk"] for item in page.items]
        start = page.last_key
        if start is None:
            break
        assert page.count == page.scanned_count == 2

    assert read == ["4", "3", "2", "1"]


def test_a_query_counts_and_filters(db, table, key):
    for number in range(3):
        db.put_item(table, {"pk": key["pk"], "sk": f"{number}", "n": number})
    page = db.query(
        table,
        "pk = :p",
        filter_expression="n > :n",
        expression_attribute_values={":p": key["pk"], ":n": 0},
        select="COUNT",
    )

    assert (page.items, page.count, page.scanned_count) == ([], 2, 3)


def test_a_scan_in_segments_reads_everything_once(db, table, key):
    for number in range(4):
        db.put_item(table, {"pk": f"{key['pk']}-{number}", "sk": "a", "mine": key["pk"]})
    read = []
    for segment in range(2):
        start = None
        while True:
            page = db.scan(
                table,
                filter_expression="mine = :m",
                expression_attribute_values={":m": key["pk"]},
                segment=segment,
                total_segments=2,
                exclusive_start_key=start,
            )
            read += [item["pk"] for item in page.items]
            start = page.last_key
            if start is None:
                break

    assert sorted(read) == [f"{key['pk']}-{number}" for number in range(4)]


# ---- batches


def test_a_batch_writes_and_reads(db, table, key):
    keys = [{"pk": key["pk"], "sk": f"{number}"} for number in range(3)]
    db.put_item(table, {**key, "old": True})
    wrote = db.batch_write_item(
        {table: [*(actions.put_request({**each, "n": 1}) for each in keys), actions.delete_request(key)]},
        return_consumed_capacity="TOTAL",
    )
    assert wrote.unprocessed == {}
    assert wrote.capacity[0].capacity_units == 4.0

    read = db.batch_get_item({table: [*keys, key]}, consistent_read=True)
    assert sorted(item["sk"] for item in read.items[table]) == ["0", "1", "2"]
    assert read.unprocessed == {}


def test_what_a_batch_left_can_be_asked_for_again():
    left = {"t": {"Keys": [{"pk": {"S": "b"}}], "ConsistentRead": True}}
    writes = {
        "t": [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "c"}}}}],
    }
    with Server(
        answer({"Responses": {"t": [{"pk": {"S": "a"}}]}, "UnprocessedKeys": left}),
        answer({"Responses": {"t": [{"pk": {"S": "b"}}]}, "UnprocessedKeys": {}}),
        answer({"UnprocessedItems": writes}),
        answer({"UnprocessedItems": {}}),
    ) as server:
        client = of(server)
        read = client.batch_get_item({"t": [{"pk": "a"}, {"pk": "b"}]})
        assert read.items == {"t": [{"pk": "a"}]}
        assert client.batch_get_item(read.unprocessed).items == {"t": [{"pk": "b"}]}
        wrote = client.batch_write_item({"t": [actions.put_request({"pk": "a"})]})
        client.batch_write_item(wrote.unprocessed)

    assert json.loads(server.requests[1].body)["RequestItems"] == {"t": {"Keys": [{"pk": {"S": "b"}}]}}
    assert json.loads(server.requests[3].body)["RequestItems"] == writes


# ---- transactions


def test_a_transaction_writes_all(db, table, key):
    other, third = ({**key, "sk": sort} for sort in ("b", "c"))
    db.put_item(table, {**other, "n": 1})
    db.put_item(table, third)
    db.transact_write_items(
        [
            actions.put(table, {**key, "v": 1}, condition_expression="attribute_not_exists(pk)"),
            actions.update(table, other, "SET n = n + :one", expression_attribute_values={":one": 1}),
            actions.delete(table, third),
            actions.check(table, {**key, "sk": "none"}, "attribute_not_exists(pk)"),
        ]
    )

    read = db.transact_get_items([actions.get(table, each) for each in (key, other, third)])
    assert read.items == [{**key, "v": 1}, {**other, "n": 2}, None]


def test_a_transaction_that_was_cancelled_says_why_and_gives_the_items(db, table, key):
    db.put_item(table, {**key, "v": 1})
    with pytest.raises(TransactionCanceled) as raised:
        db.transact_write_items(
            [
                actions.put(table, {**key, "sk": "b"}),
                actions.put(
                    table,
                    key,
                    condition_expression="attribute_not_exists(pk)",
                    return_values_on_condition_check_failure="ALL_OLD",
                ),
            ]
        )

    first, second = raised.value.reasons
    assert (first.code, first.item) == ("None", None)
    assert (second.code, second.item) == ("ConditionalCheckFailed", {**key, "v": 1})
    assert db.get_item(table, {**key, "sk": "b"}).item is None


def test_a_transaction_with_one_token_is_carried_out_once(db, table, key):
    add = actions.update(table, key, "ADD n :one", expression_attribute_values={":one": 1})
    for _ in range(3):
        db.transact_write_items([add], client_request_token="one-token" + key["pk"][:20])
    assert db.get_item(table, key, consistent_read=True).item["n"] == 1

    with pytest.raises(IdempotentParameterMismatch):
        db.transact_write_items(
            [add, actions.delete(table, {**key, "sk": "b"})], client_request_token="one-token" + key["pk"][:20]
        )


def test_retries_of_a_transaction_share_its_token_and_calls_do_not():
    with Server(cut, answer({}), answer({})) as server:
        client = of(server)
        for _ in range(2):
            client.transact_write_items([actions.put("t", {"pk": "a"})])

    tokens = [json.loads(request.body)["ClientRequestToken"] for request in server.requests]
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(1 <= len(token) <= 36 for token in tokens)
    assert server.requests[0].body == server.requests[1].body


# ---- the wire form


def test_a_request_of_the_wire_form_gives_the_answers_bytes(db, table, key):
    db.send(requests.PutItem(table, {"pk": {"S": key["pk"]}, "sk": {"S": "a"}, "n": {"N": "1.50"}}))
    answered = db.send(requests.GetItem(table, {"pk": {"S": key["pk"]}, "sk": {"S": "a"}}))

    assert json.loads(answered.body)["Item"]["n"] == {"N": "1.5"}
    assert (answered.attempts, answered.may_have_run) == (1, False)


def test_what_is_not_given_is_not_sent():
    with Server() as server:
        of(server).put_item("t", {"pk": "a"})
        of(server).query("t", "pk = :p", expression_attribute_values={":p": "a"})

    put, query = (json.loads(request.body) for request in server.requests)
    assert put == {"TableName": "t", "Item": {"pk": {"S": "a"}}}
    assert query == {
        "TableName": "t",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    }


# ---- hooks


def test_a_hook_is_told_of_tables_indexes_attempts_and_capacity(db, table, key):
    calls = []
    observe(db, calls.append)
    try:
        db.put_item(table, key, return_consumed_capacity="TOTAL")
        db.batch_get_item({table: [key]})
        db.transact_write_items(
            [actions.delete(table, key), actions.check(table, {**key, "sk": "x"}, "attribute_not_exists(pk)")],
            return_consumed_capacity="TOTAL",
        )
        with pytest.raises(DynamoDBError):
            db.query(table, "gsi = :v", index_name="gsi", expression_attribute_values={":v": 1})
    finally:
        observe(db, None)
    db.get_item(table, key)

    put, batch, transaction, query = calls
    assert (put.operation, put.tables, put.index, put.attempts, put.error) == ("PutItem", [table], None, 1, None)
    assert put.capacity[0].capacity_units == 1.0
    assert put.duration > 0
    assert (batch.operation, batch.tables, batch.capacity) == ("BatchGetItem", [table], [])
    assert (transaction.tables, transaction.capacity[0].table_name) == ([table], table)
    assert (query.index, query.capacity) == ("gsi", [])
    assert isinstance(query.error, DynamoDBError)


# ---- tables


def test_a_table_is_created_changed_and_deleted(db, name):
    tables = Tables(db)
    tables.create(definition(name))
    with pytest.raises(ResourceInUse):
        tables.create(definition(name))
    assert tables.wait_until_active(name).key_schema[0].attribute_name == "pk"
    assert name in tables.names()

    index = Index("gsi1", [KeySchemaElement("g", "HASH")], Projection("ALL"))
    tables.create_index(name, index, [AttributeDefinition("g", "S")])
    assert [each.index_name for each in tables.wait_until_active(name).global_secondary_indexes] == ["gsi1"]
    db.put_item(name, {"pk": "a", "sk": "b", "g": "c"})
    page = db.query(name, "g = :g", index_name="gsi1", expression_attribute_values={":g": "c"})
    assert page.items == [{"pk": "a", "sk": "b", "g": "c"}]
    tables.delete_index(name, "gsi1")
    assert not tables.wait_until_active(name).global_secondary_indexes

    assert tables.time_to_live(name).attribute_name is None
    tables.set_time_to_live(name, "expiresAt")
    assert tables.time_to_live(name).attribute_name == "expiresAt"

    tables.delete(name)
    tables.wait_until_gone(name)
    with pytest.raises(ResourceNotFound):
        tables.describe(name)


def test_a_table_that_is_never_ready_is_not_waited_for_for_ever():
    described = {"TableName": "t", "TableStatus": "CREATING", "KeySchema": [], "AttributeDefinitions": []}
    with Server() as server:
        server.default = answer({"Table": described})
        with pytest.raises(TableNotReady, match="it is CREATING"):
            Tables(of(server)).wait_until_active("t", timeout=0.1)
        with pytest.raises(TableNotReady):
            Tables(of(server)).wait_until_gone("t", timeout=0.1)


def test_the_names_of_many_tables_come_page_by_page():
    with Server(answer({"TableNames": ["a"], "LastEvaluatedTableName": "a"}), answer({"TableNames": ["b"]})) as server:
        assert list(Tables(of(server)).names()) == ["a", "b"]

    assert json.loads(server.requests[1].body) == {"ExclusiveStartTableName": "a"}
