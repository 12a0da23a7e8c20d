"""Any number of items at once: in order, each once, and again where DynamoDB leaves some for later."""

from decimal import Decimal
from typing import Any

import pytest
from tests.data.models import Item, Order, Task
from tests.data.stub import Answer, failure, serving

from taxiway.data import TableClient, Throttled, Unavailable

PRECISE = Decimal("12345678901234567890.123456789012345678")


def test_any_number_is_written_read_and_deleted(table: TableClient) -> None:
    told: list[tuple[int, int]] = []
    made = table.put_many(
        (Order(account="1", id=f"{n:03}") for n in range(230)), progress=lambda done, total: told.append((done, total))
    )
    assert told == [(min(n * 25, 230), 230) for n in range(1, 11)]
    keys = [Order.by_id("1", f"{n:03}") for n in range(230)]
    told.clear()
    found = table.get_many(reversed(keys), consistent=True, progress=lambda done, total: told.append((done, total)))
    assert found == made[::-1]
    assert told == [(100, 230), (200, 230), (230, 230)]
    table.delete_many([*keys[5:], keys[7], Order.by_id("1", "none")])
    assert table.get_many(keys) == made[:5] + [None] * 225


def test_keys_of_several_entities_come_in_order_with_every_digit(table: TableClient) -> None:
    item = table.put(Item(id="1", name="Lamp", category="home", price=PRECISE))
    task = table.put(Task(list_id="l", id="1"))
    keys = [Task.by_id("l", "1"), Item.by_id("1"), Item.by_id("2"), Task.by_id("l", "1")]
    assert table.get_many(keys) == [task, item, None, task]
    assert table.get_many([]) == []


def test_of_two_under_one_key_the_last_is_stored(table: TableClient) -> None:
    stored = table.put_many(
        [Order(account="1", id="1", total=1), Order(account="1", id="2"), Order(account="1", id="1", total=2)]
    )
    assert [(order.id, order.total) for order in stored] == [("1", 2), ("2", 0)]
    assert table.query(Order.of_account("1")).items == stored


def test_what_is_put_is_stamped_and_indexed(table: TableClient) -> None:
    stored = table.put_many([Item(id="1", name="Lamp", category="home", version=4)])
    assert stored[0].version == 5
    assert table.query(Item.by_category("home")).items == stored
    assert table.put_many([]) == []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("TABLE_NAME", "stub")
    monkeypatch.setattr("taxiway.data.batches.LONGEST_PAUSE", 0.0)


@pytest.mark.usefixtures("quick")
def test_what_is_left_unprocessed_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, Any] = {}

    def answering(operation: str, body: dict[str, Any]) -> Answer:
        """Takes the half of what it is given."""
        if operation == "BatchWriteItem":
            requests = body["RequestItems"]["stub"]
            half = (len(requests) + 1) // 2
            written.update(
                {each["PutRequest"]["Item"]["sk"]["S"]: each["PutRequest"]["Item"] for each in requests[:half]}
            )
            return 200, {"UnprocessedItems": {"stub": requests[half:]} if requests[half:] else {}}
        keys = body["RequestItems"]["stub"]["Keys"]
        half = (len(keys) + 1) // 2
        found = [written[each["sk"]["S"]] for each in keys[:half]]
        return 200, {
            "Responses": {"stub": found},
            "UnprocessedKeys": {"stub": {"Keys": keys[half:]}} if keys[half:] else {},
        }

    with serving(answering) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        table = TableClient()
        made = table.put_many([Order(account="1", id=str(n)) for n in range(7)])
        assert len(written) == 7
        assert table.get_many([Order.by_id("1", str(n)) for n in range(7)]) == made


@pytest.mark.usefixtures("quick")
def test_a_portion_that_stays_unprocessed_is_not_sent_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str, body: dict[str, Any]) -> Answer:
        return 200, {"UnprocessedItems": body["RequestItems"]}

    monkeypatch.setattr("taxiway.data.batches.PATIENCE", 0.0)
    with serving(nothing) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        with pytest.raises(Throttled, match="unprocessed for 0 s"):
            TableClient().put_many([Order(account="1", id="1")])


@pytest.mark.usefixtures("quick")
def test_a_portion_that_fails_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with serving(lambda _, __: failure("InternalServerError", "something else", 500)) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        with pytest.raises(Unavailable, match="something else"):
            TableClient().put_many([Order(account="1", id="1")])
        assert len(stub.calls) == 1
