"""PynamoDB, a mapper of its own making, reads what the table client writes, and the other way round."""

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from pynamodb.attributes import ListAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from tests.data.models import Task, User

from taxiway.data import AlreadyExists, TableClient


@pytest.fixture
def model(table: TableClient) -> Any:
    """A task as PynamoDB declares it, on the same table."""

    class ByOwner(GlobalSecondaryIndex[Any]):
        class Meta:
            index_name = "gsi1"
            projection = AllProjection()

        gsi1pk = UnicodeAttribute(hash_key=True)
        gsi1sk = UnicodeAttribute(range_key=True)

    class Stored(Model):
        class Meta:
            table_name = table.name
            region = os.environ["AWS_REGION"]
            host = os.environ["AWS_ENDPOINT_URL"]

        pk = UnicodeAttribute(hash_key=True)
        sk = UnicodeAttribute(range_key=True)
        gsi1pk = UnicodeAttribute(null=True)
        gsi1sk = UnicodeAttribute(null=True)
        gsi2pk = UnicodeAttribute(null=True)
        gsi2sk = UnicodeAttribute(null=True)
        entity = UnicodeAttribute(null=True)
        list_id = UnicodeAttribute(attr_name="listId")
        id = UnicodeAttribute()
        owner = UnicodeAttribute(null=True)
        rank = NumberAttribute()
        labels = UnicodeSetAttribute(null=True)
        history = ListAttribute(null=True)
        written_by = UnicodeAttribute(attr_name="_w", null=True)
        by_owner = ByOwner()

    return Stored


def test_pynamodb_reads_what_is_written(table: TableClient, model: Any) -> None:
    table.create(Task(list_id="l", id="1", owner="ann", rank=7, labels={"new", "urgent"}))

    stored = model.get("LIST#l", "TASK#1", consistent_read=True)
    assert (stored.list_id, stored.id, stored.owner, stored.rank) == ("l", "1", "ann", 7)
    assert stored.labels == {"new", "urgent"}
    assert [each.id for each in model.by_owner.query("OWNER#ann")] == ["1"]


def test_what_pynamodb_writes_is_read(table: TableClient, model: Any) -> None:
    stored = model("LIST#l", "TASK#2", list_id="l", id="2", owner="bob", rank=9, labels={"old"})
    stored.gsi1pk, stored.gsi1sk = "OWNER#bob", "TASK#000009"
    stored.save()

    expected = Task(list_id="l", id="2", owner="bob", rank=9, labels={"old"})
    assert table.get(Task.by_id("l", "2")) == expected
    assert table.query(Task.by_owner("bob")).items == [expected]
    with pytest.raises(AlreadyExists):
        table.create(expected)


def test_what_pynamodb_updates_is_read(table: TableClient, model: Any) -> None:
    table.create(Task(list_id="l", id="3", rank=1, labels={"new"}))

    stored = model.get("LIST#l", "TASK#3")
    stored.update(actions=[model.rank.set(model.rank + 4), model.labels.add({"seen"})])
    assert table.get(Task.by_id("l", "3"), consistent=True) == Task(list_id="l", id="3", rank=5, labels={"new", "seen"})


def test_pynamodb_reads_what_is_updated(table: TableClient, model: Any) -> None:
    user = table.create(User(id="u", email="Ann@example.com", created_at=datetime(2026, 1, 2, tzinfo=UTC)))
    table.create(Task(list_id="l", id="4", owner="ann"))
    table.update(Task.by_id("l", "4"), {"owner": None, "rank": 3})

    stored = model.get("LIST#l", "TASK#4", consistent_read=True)
    assert (stored.owner, stored.rank) == (None, 3)
    assert list(model.by_owner.query("OWNER#ann")) == []
    assert table.query(User.by_email("ANN@EXAMPLE.COM")).items == [user]
