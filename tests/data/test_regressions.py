"""Where a declaration and a value meet badly: None beside another default, floats, folded keys, lost answers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest

from taxiway.data import (
    Entity,
    NotUnique,
    StoredItemInvalid,
    TableClient,
    TransactionInvalid,
    UnknownVersion,
    VersionMismatch,
    add,
    key,
    pattern,
    ttl,
    unique,
    updated,
    version,
)


class Session(Entity):
    """One that expires after an hour, unless it is told never to."""

    id: str
    tags: list[str] | None = []  # noqa: RUF012  an entity's mutable default is copied for each object
    expires_at: datetime | None = ttl(after=timedelta(hours=1))

    @key(pk="SESSION#{id}", sk="SESSION")
    def by_id(self, id: str) -> None:
        """One session."""


class Parcel(Entity):
    id: str
    depot: str | None = None
    label: str = unique()
    weight: float = 0.0
    stock: int = 0

    @key(pk="PARCEL#{id:lower}", sk="PARCEL")
    def by_id(self, id: str) -> None:
        """One parcel."""

    @pattern("gsi1", pk="DEPOT#{depot}", sk="{id}")
    def of_depot(self, depot: str) -> None:
        """Parcels of a depot."""


class Stock(Entity):
    id: str
    count: int = 0
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="STOCK#{id}", sk="STOCK")
    def by_id(self, id: str) -> None:
        """One stock."""


class Repeating:
    """The core, whose first write's answer is lost once: it does it again, as the real one would."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._repeats = True

    def __getattr__(self, name: str) -> Any:
        call: Callable[..., Any] = getattr(self._core, name)
        if name not in ("sync_put_item", "sync_update_item"):
            return call

        def twice(*args: Any, **kwargs: Any) -> Any:
            if self._repeats:
                self._repeats = False
                call(*args, **kwargs)
            return call(*args, **kwargs)

        return twice


def losing_an_answer(table: TableClient) -> TableClient:
    client = TableClient(table_name=table.name)
    client._core = Repeating(table.core)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  there is no other way in
    return client


def test_what_never_expires_never_does(table: TableClient) -> None:
    table.create(Session(id="1", expires_at=None))
    found = table.get(Session.by_id("1"))
    assert found is not None
    assert found.expires_at is None
    assert table.put(found).expires_at is None
    row, _ = table.core.sync_get_item(table.name, {"pk": "SESSION#1", "sk": "SESSION"})
    assert row is not None
    assert not table.rewrite(Session, row)
    assert "expiresAt" not in row
    other = table.create(Session(id="2"))
    assert other.expires_at is not None
    assert table.update(Session.by_id("2"), {"expires_at": None}).expires_at is None


def test_none_beside_another_default_comes_back_as_none(table: TableClient) -> None:
    table.create(Session(id="1", tags=None))
    table.create(Session(id="2"))
    assert [found and found.tags for found in table.get_many([Session.by_id("1"), Session.by_id("2")])] == [None, []]
    assert table.update(Session.by_id("2"), {"tags": None}).tags is None
    assert table.get(Session.by_id("2")) == table.get_all(Session.by_id("2"))[0]


def test_an_item_whose_float_was_added_to_can_be_changed_and_deleted(table: TableClient) -> None:
    table.create(Parcel(id="1", depot="a", label="x", weight=100.0))
    total = table.update(Parcel.by_id("1"), {"weight": add(1 / 3)}).weight
    assert total == 100.0 + 1 / 3
    assert table.update(Parcel.by_id("1"), {"label": "y"}, condition=Parcel.weight == total).label == "y"
    with table.transaction():
        table.update(Parcel.by_id("1"), {"depot": "b"})
    assert table.delete(Parcel.by_id("1")) is not None


def test_an_index_key_follows_the_item_and_not_how_it_was_asked_for(table: TableClient) -> None:
    table.create(Parcel(id="aBc", depot="a", label="x"))
    table.update(Parcel.by_id("ABC"), {"depot": "b"})
    assert [found.id for found in table.query(Parcel.of_depot("b").prefix("aBc")).items] == ["aBc"]


def test_one_key_spelt_twice_is_one(table: TableClient) -> None:
    with pytest.raises(TransactionInvalid, match="each once"):
        table.get_all(Parcel.by_id("a"), Parcel.by_id("A"))


def test_a_put_never_sets_the_version_back(table: TableClient) -> None:
    for expected in (1, 2, 3):
        assert table.put(Stock(id="1", count=expected)).version == expected
    with table.transaction():
        inside = table.put(Stock(id="1", count=9))
    assert inside.version == 4
    assert table.get(Stock.by_id("1")) == inside


def test_a_put_whose_answer_was_lost_is_known_for_ones_own(table: TableClient) -> None:
    first = losing_an_answer(table).put(Stock(id="1"))
    assert first.version == 1
    with pytest.raises(VersionMismatch):  # another may have put the same in the same microsecond
        losing_an_answer(table).put(msgspec.structs.replace(first, count=5), expect_version=1)
    assert table.get(Stock.by_id("1")) == msgspec.structs.replace(first, count=5, version=2, updated_at=ANY)


def test_an_update_whose_answer_was_lost_is_known_for_ones_own_by_all_that_it_wrote(table: TableClient) -> None:
    table.create(Stock(id="1", count=1))
    taken = losing_an_answer(table).update(Stock.by_id("1"), {"count": 7}, expect_version=1)
    assert (taken.count, taken.version) == (7, 2)
    with pytest.raises(VersionMismatch):  # rather than to take another's addition for one's own
        losing_an_answer(table).update(Stock.by_id("1"), {"count": add(1)}, expect_version=2)
    assert table.get(Stock.by_id("1")) == msgspec.structs.replace(taken, count=8, version=3, updated_at=ANY)


def test_what_became_unique_is_claimed_by_a_rewrite(table: TableClient) -> None:
    def stored(number: str, label: str) -> dict[str, Any]:
        row = {"pk": f"PARCEL#{number}", "sk": "PARCEL", "entity": "Parcel", "id": number, "label": label, "depot": "a"}
        row |= {"weight": 0.0, "stock": 0, "gsi1pk": "DEPOT#a", "gsi1sk": number}
        table.core.sync_put_item(table.name, row)
        return row

    one, two = stored("1", "x"), stored("2", "x")
    assert table.needs_rewrite(Parcel, one)
    assert table.rewrite(Parcel, one)
    assert not table.rewrite(Parcel, one)
    with pytest.raises(NotUnique):
        table.rewrite(Parcel, two)
    with pytest.raises(NotUnique):
        table.create(Parcel(id="3", depot="a", label="x"))


def test_what_is_not_ones_own_is_neither_changed_nor_deleted(table: TableClient) -> None:
    foreign = {"pk": "STOCK#1", "sk": "STOCK", "entity": "Other", "id": "1", "count": 3}
    newer = {"pk": "STOCK#2", "sk": "STOCK", "entity": "Stock", "id": "2", "_v": 2, "version": 1}
    for row, problem in ((foreign, StoredItemInvalid), (newer, UnknownVersion)):
        table.core.sync_put_item(table.name, row)
        where = Stock.by_id(str(row["id"]))
        with pytest.raises(problem):
            table.update(where, {"count": 4})
        with pytest.raises(problem):
            table.delete(where)
        with pytest.raises(problem), table.transaction():
            table.delete(where)
        kept, _ = table.core.sync_get_item(table.name, {"pk": row["pk"], "sk": row["sk"]})
        assert kept == row
