"""An item that has expired isn't there any more, although DynamoDB may not have deleted it yet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.data.models import Account, Session

from taxiway.data import (
    AlreadyExists,
    ConditionFailed,
    Entity,
    EntityError,
    InvalidItem,
    Missing,
    NotUnique,
    StoredItemInvalid,
    TableClient,
    add,
    key,
    ttl,
)

KEY = Session.by_id("1")
NOW = datetime.now(UTC)
PAST, FUTURE = NOW - timedelta(seconds=2), NOW + timedelta(hours=1)


def stored(table: TableClient, pk: str, sk: str) -> dict[str, Any]:
    row = table.core.get_item(table.name, {"pk": pk, "sk": sk}, consistent_read=True).item
    assert row is not None
    return row


def test_expiry_is_stored_in_whole_seconds_under_the_tables_attribute_and_never_too_early(table: TableClient) -> None:
    session = table.create(Session(id="1", owner="ann", valid_until=datetime(2100, 1, 1, 0, 0, 0, 1, tzinfo=UTC)))
    assert session.valid_until == datetime(2100, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert table.get(KEY) == session
    assert stored(table, "SESSION#1", "SESSION")["expiresAt"] == 4102444801


def test_an_item_that_never_expires_has_no_such_attribute(table: TableClient) -> None:
    assert table.create(Session(id="1", owner="ann")).valid_until is None
    assert "expiresAt" not in stored(table, "SESSION#1", "SESSION")


def test_what_has_expired_is_not_read(table: TableClient) -> None:
    table.put(Session(id="1", owner="ann", valid_until=PAST))
    other = table.put(Session(id="2", owner="ann", valid_until=FUTURE))
    assert table.get(KEY) is None
    assert table.get(KEY, consistent=True) is None
    query = Session.by_owner("ann")
    assert table.query(query, limit=1).items == [other]
    assert list(table.each(query)) == [other]
    assert table.count(query) == 1
    assert table.get_many([KEY, Session.by_id("2")]) == [None, other]
    assert table.get_all(KEY, Session.by_id("2")) == (None, other)


def test_what_has_expired_is_not_changed_or_deleted(table: TableClient) -> None:
    table.put(Session(id="1", owner="ann", valid_until=PAST))
    for changes in ({"uses": add(1)}, {"owner": "bob"}, {"valid_until": FUTURE}):
        with pytest.raises(Missing):
            table.update(KEY, changes)
        with pytest.raises(Missing), table.transaction():
            table.update(KEY, changes)
    with table.transaction():
        assert table.delete(KEY) is None
    assert table.delete(KEY) is None


def test_what_has_expired_stands_in_the_way_of_no_conditional_delete(table: TableClient) -> None:
    table.put(Session(id="1", owner="ann", valid_until=PAST))
    assert table.delete(KEY, condition=Session.owner == "bob") is None
    with table.transaction():
        assert table.delete(KEY, condition=Session.owner == "bob") is None


def test_a_create_takes_the_place_of_what_has_expired(table: TableClient) -> None:
    table.put(Session(id="1", owner="ann", valid_until=PAST))
    session = table.create(Session(id="1", owner="bob", valid_until=FUTURE))
    assert table.get(KEY) == session
    with pytest.raises(AlreadyExists):
        table.create(Session(id="1", owner="carl"))
    table.put(Session(id="1", owner="ann", valid_until=PAST))
    with table.transaction():
        table.create(Session(id="1", owner="carl"))
    found = table.get(KEY)
    assert found is not None
    assert found.owner == "carl"


def test_a_unique_value_is_free_again_when_its_holder_has_expired(table: TableClient) -> None:
    table.create(Account(id="1", email="a@b.c", expires_at=PAST))
    assert table.create(Account(id="2", email="A@b.c")).email == "A@b.c"


def test_what_has_expired_leaves_its_unique_value_to_who_took_it(table: TableClient) -> None:
    table.create(Account(id="1", email="a", expires_at=PAST))
    other = table.create(Account(id="2", email="a"))
    with pytest.raises(ConditionFailed) as failed:
        table.put(Account(id="1", email="b"), condition=Account.email == "x")
    assert failed.value.current is None
    table.put(Account(id="1", email="b"))
    assert table.get(Account.by_id("2")) == other
    with pytest.raises(NotUnique):
        table.create(Account(id="3", email="a"))


def test_a_later_expiry_holds_a_unique_value_longer(table: TableClient) -> None:
    table.create(Account(id="1", email="a@b.c", expires_at=FUTURE))
    later = FUTURE + timedelta(days=1)
    table.update(Account.by_id("1"), {"expires_at": later})
    assert stored(table, "UNIQUE#Account#email#a@b.c", "UNIQUE")["expiresAt"] == -(-later.timestamp() // 1)
    table.update(Account.by_id("1"), {"expires_at": None})
    assert "expiresAt" not in stored(table, "UNIQUE#Account#email#a@b.c", "UNIQUE")


def test_expiry_changes_with_the_item(table: TableClient) -> None:
    table.create(Session(id="1", owner="ann"))
    assert table.update(KEY, {"valid_until": FUTURE}).valid_until == FUTURE.replace(microsecond=0) + timedelta(
        seconds=1
    )
    assert table.update(KEY, {"valid_until": None}).valid_until is None
    with pytest.raises(InvalidItem, match="no time zone"):
        table.update(KEY, {"valid_until": datetime(2100, 1, 1)})  # noqa: DTZ001  the point
    with pytest.raises(InvalidItem, match="must be a datetime"):
        table.put(Session(id="1", owner="ann", valid_until="soon"))  # type: ignore[arg-type]  the point


def test_a_lifetime_may_be_declared(table: TableClient) -> None:
    class Draft(Entity):
        id: str
        expires_at: datetime = ttl(after=timedelta(days=1))

        @key(pk="DRAFT#{id}", sk="DRAFT")
        def by_id(self, id: str) -> None:
            """One draft."""

    left = table.create(Draft(id="1")).expires_at - datetime.now(UTC)
    assert timedelta(hours=23) < left < timedelta(hours=25)


def test_a_field_that_may_not_be_none_needs_a_lifetime() -> None:
    with pytest.raises(EntityError, match=r"expires_at = ttl\(\) may be None"):

        class Draft(Entity):  # pyright: ignore[reportUnusedClass]  making it is the test
            id: str
            expires_at: datetime = ttl()

            @key(pk="DRAFT#{id}", sk="DRAFT")
            def by_id(self, id: str) -> None:
                """One draft."""


def test_something_else_under_the_attribute_is_read_as_it_is(table: TableClient) -> None:
    for odd, error in (("soon", "Invalid RFC3339"), (10**30, "got `int`")):
        row = {"pk": "SESSION#1", "sk": "SESSION", "id": "1", "owner": "ann", "expiresAt": odd}
        table.core.put_item(table.name, row)
        with pytest.raises(StoredItemInvalid, match=error):
            table.get(KEY)


def test_when_an_item_expires_has_the_fields_own_name_in_json(table: TableClient) -> None:
    moment = datetime(2050, 1, 1, tzinfo=UTC)
    session = table.create(Session(id="1", owner="ann", valid_until=moment))
    assert msgspec.json.decode(msgspec.json.encode(session))["validUntil"] == "2050-01-01T00:00:00Z"
    assert msgspec.json.decode(msgspec.json.encode(session), type=Session) == session
    row = table.core.get_item(table.name, {"pk": "SESSION#1", "sk": "SESSION"}).item
    assert row is not None
    assert row["expiresAt"] == 2524608000
    assert "validUntil" not in row
    assert table.get(Session.by_id("1")) == session
    assert table.update(Session.by_id("1"), {"valid_until": None}).valid_until is None
    with pytest.raises(InvalidItem, match=r"validUntil: it has no time zone"):
        table.put(Session(id="2", owner="ann", valid_until=datetime(2050, 1, 1)))  # noqa: DTZ001  that is the point
