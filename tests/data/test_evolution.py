"""Evolution: items of an older form are read, changed and rewritten as if they had always been of the present one."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from tests.data.models import Item, Shelf

from taxiway.data import (
    Entity,
    EntityError,
    Shards,
    StoredItemInvalid,
    TableClient,
    UnknownVersion,
    created,
    key,
    pattern,
    unique,
    upcaster,
    version,
)

PRECISE = Decimal("12345678901234567890.123456789012345678")


class Person(Entity):
    """Version 1 had one `fullName` and a `cost`; version 2 no `cost` but a `price`; version 3 has two names."""

    id: str
    first: str
    last: str
    price: Decimal = Decimal(0)
    tags: set[str] | None = None
    visits: int = 0
    version: int = version()
    created_at: datetime = created()

    @upcaster(from_version=2)
    @staticmethod
    def two_names(stored: dict[str, Any]) -> dict[str, Any]:
        first, _, last = stored.pop("fullName").partition(" ")
        return stored | {"first": first, "last": last}

    @upcaster(from_version=1)
    @staticmethod
    def price_for_cost(stored: dict[str, Any]) -> dict[str, Any]:
        stored["price"] = stored.pop("cost")
        return stored

    @key(pk="PERSON#{id}", sk="PERSON")
    def by_id(self, id: str) -> None:
        """One person."""

    @pattern("gsi1", pk="PEOPLE", sk="{last}#{id}")
    def by_name(self) -> None:
        """People by their last name."""


def old(table: TableClient, id: str = "1", **others: Any) -> dict[str, Any]:
    """Store a person as version 1 did: by one name, and in no index by the last one."""
    row = {
        "pk": f"PERSON#{id}",
        "sk": "PERSON",
        "entity": "Person",
        "id": id,
        "fullName": "Ada Lovelace",
        "cost": PRECISE,
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "version": 7,
        "gsi1pk": "PEOPLE",
        "gsi1sk": f"Ada Lovelace#{id}",
        "other": [1, "kept"],
        **others,
    }
    row = {name: value for name, value in row.items() if value is not None}
    table.core.put_item(table.name, row)
    return row


def stored(table: TableClient, id: str = "1") -> dict[str, Any]:
    return table.core.get_item(table.name, {"pk": f"PERSON#{id}", "sk": "PERSON"}).item or {}


def test_an_entity_without_upcasters_is_stored_as_ever(table: TableClient) -> None:
    table.put(Item(id="1", name="x", category="c"))
    row = table.core.get_item(table.name, {"pk": "ITEM#1", "sk": "ITEM"}).item
    assert row is not None
    assert "_v" not in row


def test_an_older_item_is_upcast_before_it_is_validated_and_by_every_verb(table: TableClient) -> None:
    class Name(Struct):
        first: str
        price: Decimal

    old(table)
    ada = table.get(Person.by_id("1"))
    assert ada is not None
    assert (ada.first, ada.last, ada.price, ada.version) == ("Ada", "Lovelace", PRECISE, 7)
    assert table.query(Person.by_name()).items == [ada]
    assert list(table.each(Person.by_name())) == [ada]
    assert table.query(Person.by_name().only(Name)).items == [Name("Ada", PRECISE)]
    assert table.get_many([Person.by_id("1")]) == [ada]
    assert table.get_all(Person.by_id("1")) == (ada,)
    assert table.count(Person.by_name()) == 1
    assert stored(table)["fullName"] == "Ada Lovelace"
    assert table.delete(Person.by_id("1"), expect_version=7) == ada
    assert table.get(Person.by_id("1")) is None


def test_versions_mix_in_a_partition(table: TableClient) -> None:
    old(table, "1")
    old(table, "2", cost=None, price=Decimal(2), _v=2)
    table.put(Person(id="3", first="Ada", last="Lovelace"))
    assert {each.first for each in table.query(Person.by_name()).items} == {"Ada"}
    assert [stored(table, id).get("_v") for id in "123"] == [None, 2, 3]


@pytest.mark.parametrize("inside", [False, True])
def test_an_update_of_an_older_item_makes_it_of_the_present_form(table: TableClient, inside: bool) -> None:
    old(table)
    if inside:
        with table.transaction():
            ada = table.update(Person.by_id("1"), {"last": "King", "visits": 3}, expect_version=7)
    else:
        ada = table.update(Person.by_id("1"), {"last": "King", "visits": 3}, expect_version=7)
    assert (ada.first, ada.last, ada.price, ada.visits, ada.version) == ("Ada", "King", PRECISE, 3, 8)
    row = stored(table)
    assert row["_v"] == 3
    assert row["gsi1sk"] == "King#1"
    assert row["price"] == PRECISE
    assert row["other"] == [1, "kept"]
    assert not {"fullName", "cost"} & row.keys()


def test_what_newer_code_wrote_is_neither_read_nor_changed(table: TableClient) -> None:
    row = old(table, _v=4)
    for call in (
        lambda: table.get(Person.by_id("1")),
        lambda: table.query(Person.by_name()),
        lambda: table.update(Person.by_id("1"), {"last": "King"}),
    ):
        with pytest.raises(UnknownVersion, match="version 4 of Person, and this code knows up to 3") as caught:
            call()
        assert caught.value.found == 4
        assert caught.value.http_status == 500
    assert stored(table) == row
    table.core.put_item(table.name, {"pk": "SHELF#1", "sk": "SHELF", "id": "1", "entity": "Shelf", "_v": 2})
    with pytest.raises(UnknownVersion):
        table.update(Shelf.by_id("1"), {"weight": 2.0})
    for nonsense in (0, "2", -1):
        old(table, _v=nonsense)
        with pytest.raises(StoredItemInvalid, match="no version"):
            table.get(Person.by_id("1"))


def test_an_upcaster_that_fails_is_named(table: TableClient) -> None:
    old(table, cost=None)
    with pytest.raises(StoredItemInvalid, match=r"Person at .* version 2 by Person.price_for_cost: KeyError: 'cost'"):
        table.get(Person.by_id("1"))


def test_an_upcaster_can_be_called_by_itself() -> None:
    assert Person.two_names({"fullName": "Grace Hopper"}) == {"first": "Grace", "last": "Hopper"}


def test_upcasters_are_one_from_each_version() -> None:
    with pytest.raises(EntityError, match="its upcasters are from the versions 2"):

        class Gap(Entity):  # pyright: ignore[reportUnusedClass]  making it is the test
            id: str

            @upcaster(from_version=2)
            @staticmethod
            def later(stored: dict[str, Any]) -> dict[str, Any]:
                return stored

            @key(pk="GAP#{id}", sk="GAP")
            def by_id(self, id: str) -> None:
                """One."""


def test_a_rewrite_changes_what_is_stored_and_nothing_else(table: TableClient) -> None:
    before = old(table, tags=["a", "b", "c"])
    read = table.get(Person.by_id("1"))
    assert table.rewrite(Person, stored(table))
    after = stored(table)
    assert after == {name: value for name, value in before.items() if name not in ("fullName", "cost")} | {
        "_v": 3,
        "first": "Ada",
        "last": "Lovelace",
        "price": PRECISE,
        "visits": 0,
        "gsi1sk": "Lovelace#1",
        "tags": after["tags"],
    }
    assert table.get(Person.by_id("1")) == read
    assert not table.rewrite(Person, after)


def test_a_rewrite_of_what_was_read_too_early_takes_what_is_there_now(table: TableClient) -> None:
    for bump in (8, 7):  # a writer that counts versions, and one that doesn't but overwrites what is being changed
        old(table)
        row = stored(table)
        old(table, fullName="Grace Hopper", version=bump)
        assert table.rewrite(Person, row)
        grace = table.get(Person.by_id("1"))
        assert grace is not None
        assert (grace.first, grace.version) == ("Grace", bump)
    table.delete(Person.by_id("1"))
    assert not table.rewrite(Person, row)
    assert stored(table) == {}


def test_without_a_version_a_rewrite_holds_only_while_nothing_has_changed(table: TableClient) -> None:
    def plain(shards: int | Shards) -> Any:
        class Plain(Entity):
            id: str
            weight: float = 0.5
            note: str | None = None

            @key(pk="PLAIN#{id}", sk="PLAIN")
            def by_id(self, id: str) -> None:
                """One."""

            @pattern("gsi1", pk="PLAINS", sk="{id}", shards=shards)
            def all(self) -> None:
                """All."""

        return Plain

    one, three = plain(1), plain(Shards(3, was=1))
    table.put(one(id="1", weight=0.1))
    place = {"pk": "PLAIN#1", "sk": "PLAIN"}
    row = table.core.get_item(table.name, place).item
    assert row is not None
    table.update(one.by_id("1"), {"note": "meanwhile"})
    assert table.rewrite(three, row)
    assert table.get(three.by_id("1")) == three(id="1", weight=0.1, note="meanwhile")
    row = table.core.get_item(table.name, place).item
    assert row is not None
    assert row["gsi1pk"].startswith("PLAINS#")
    assert not table.rewrite(three, row)


def test_a_rewrite_takes_the_unique_values_that_are_newly_so(table: TableClient) -> None:
    class Member(Entity):
        id: str
        email: str = unique("{email:fold}")

        @upcaster(from_version=1)
        @staticmethod
        def email_for_mail(stored: dict[str, Any]) -> dict[str, Any]:
            stored["email"] = stored.pop("mail")
            return stored

        @key(pk="MEMBER#{id}", sk="MEMBER")
        def by_id(self, id: str) -> None:
            """One."""

    row = {"pk": "MEMBER#1", "sk": "MEMBER", "entity": "Member", "id": "1", "mail": "A@x"}
    table.core.put_item(table.name, row)
    assert table.rewrite(Member, row)
    sentinel = table.core.get_item(table.name, {"pk": "UNIQUE#Member#email#a@x", "sk": "UNIQUE"}).item
    assert sentinel is not None
    assert sentinel["holderPk"] == "MEMBER#1"
    table.update(Member.by_id("1"), {"email": "b@x"})
    assert table.get(Member.by_id("1")) == Member(id="1", email="b@x")


def test_an_upcaster_can_not_move_an_item(table: TableClient) -> None:
    old(table)
    row = stored(table) | {"id": "2"}
    with pytest.raises(StoredItemInvalid, match="would be at 'PERSON#2'"):
        table.rewrite(Person, row)
