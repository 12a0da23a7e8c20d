"""AWS's own SDK reads what the table client writes, and the other way round."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

import boto3
import pytest
from tests.data.models import Item

from taxiway.data import TableClient

PRECISE = Decimal("12345678901234567890.123456789012345678")
WHEN = "2026-01-02T03:04:05.000006Z"


@pytest.fixture
def boto3_table(table: TableClient) -> Any:
    # It reads region, credentials and endpoint from the same environment.
    return boto3.resource("dynamodb").Table(table.name)


def test_boto3_reads_what_is_written(table: TableClient, boto3_table: Any) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=PRECISE))
    when = item.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert boto3_table.get_item(Key={"pk": "ITEM#1", "sk": "ITEM"})["Item"] == {
        "pk": "ITEM#1",
        "sk": "ITEM",
        "gsi1pk": "ITEM#CATEGORY#home",
        "gsi1sk": f"{when}#1",
        "entity": "Item",
        "id": "1",
        "name": "Lamp",
        "category": "home",
        "price": PRECISE,
        "createdAt": when,
        "updatedAt": when,
        "version": 1,
        "_w": ANY,
    }


def test_boto3_reads_what_is_updated(table: TableClient, boto3_table: Any) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=PRECISE))
    table.update(Item.by_id("1"), {"category": "garden", "price": -PRECISE})
    found = boto3_table.query(
        IndexName="gsi1",
        KeyConditionExpression="gsi1pk = :category",
        ExpressionAttributeValues={":category": "ITEM#CATEGORY#garden"},
    )["Items"]
    assert [(row["id"], row["price"], row["version"]) for row in found] == [(item.id, -PRECISE, 2)]


def test_what_boto3_writes_is_read(table: TableClient, boto3_table: Any) -> None:
    boto3_table.put_item(
        Item={
            "pk": "ITEM#1",
            "sk": "ITEM",
            "gsi1pk": "ITEM#CATEGORY#home",
            "gsi1sk": f"{WHEN}#1",
            "id": "1",
            "name": "Lamp",
            "category": "home",
            "price": PRECISE,
            "createdAt": WHEN,
            "updatedAt": WHEN,
            "version": 3,
        }
    )
    when = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    expected = Item(id="1", name="Lamp", category="home", price=PRECISE, created_at=when, updated_at=when, version=3)
    assert table.get(Item.by_id("1")) == expected
    assert table.query(Item.by_category("home").since(when)).items == [expected]
    assert table.update(Item.by_id("1"), {"name": "Chair"}, expect_version=3).price == PRECISE
