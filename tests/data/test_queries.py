"""Queries: prefixes, filters, some fields only, everything, a count, and partitions of the table itself."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from tests.data.models import Account, AccountWithOrders, Item, Order, Shelf, Task, User

from taxiway.data import (
    CollectionTooLarge,
    Entity,
    EntityError,
    InvalidCursor,
    InvalidKey,
    InvalidLimit,
    StoredItemInvalid,
    TableClient,
    attr,
    collection,
    key,
    pattern,
)

PRECISE = Decimal("12345678901234567890.123456789012345678")


class Card(Struct):
    id: str
    name: str
    price: Decimal | None
    created_at: datetime


def items(table: TableClient, count: int) -> list[Item]:
    return [table.put(Item(id=f"{n:03}", name=f"n{n % 5}", category="c", price=Decimal(n))) for n in range(count)]


def test_a_prefix_finds_what_begins_so(table: TableClient) -> None:
    start = datetime(2026, 10, 30, tzinfo=UTC)
    for n in range(40):
        table.put(Item(id=str(n), name="x", category="c", created_at=start + timedelta(days=n)))
    november = table.query(Item.by_category("c").prefix("2026-11"), limit=100).items
    assert [item.created_at.month for item in november] == [11] * 30
    assert len(table.query(Item.by_category("c").prefix(""), limit=100).items) == 40
    assert table.query(Item.by_category("c").prefix("2027")).items == []


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_prefix_finds_nothing_else_whatever_the_characters(table: TableClient, newest_first: bool) -> None:
    ids = ["a", "a!", "a#", "a%", "a&", "aa", "ab", "a\U0010fffe", "a\ud7ff", "b", "A", "é", "éa", "ê"]
    for each in ids:
        table.put(Order(account="1", id=each))
    for prefix in ("a", "a#", "é", "a\ud7ff", "a\U0010fffe", "b", "z"):
        query = Order.of_account("1").prefix(prefix)
        found = table.query(query.newest_first() if newest_first else query).items
        assert sorted(order.id for order in found) == sorted(each for each in ids if each.startswith(prefix))


def test_no_key_holds_the_last_code_point_which_ends_ranges() -> None:
    with pytest.raises(InvalidKey, match=r"it must not hold U\+10FFFF") as caught:
        Order.by_id("1", "a\U0010ffff")
    assert caught.value.http_status == 400


def test_a_refinement_narrows_what_is_there(table: TableClient) -> None:
    for n in range(10):
        table.put(Task(list_id="l", id=str(n), rank=n))
    every = Task.by_rank("l")
    for query, ranks in (
        (every.since(2).since(4).before(8).before(6), [4, 5]),
        (every.since(4).since(2).before(6).before(8), [4, 5]),
        (every.prefix("000003").since(1), [3]),
        (every.since(1).prefix("000003"), [3]),
        (every.prefix("000003").since(4), []),
        (every.before(3).after(5), []),
    ):
        assert [task.rank for task in table.query(query).items] == ranks


class Day(Entity):
    id: str
    day: str

    @key(pk="DAY#{id}", sk="DAY")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="DAYS", sk="{day}", sorted_by=str)
    def all(self) -> None: ...


def test_what_a_range_leaves_out_leaves_no_page_short(table: TableClient) -> None:
    table.put_many([Day(id=str(n), day="b") for n in range(30)])
    first = table.put(Day(id="first", day="a"))
    page = table.query(Day.all().before("b").newest_first(), limit=20)
    assert (page.items, page.cursor) == ([first], None)
    assert table.query(Day.all().before("b"), limit=1).cursor is None


def test_other_entities_of_a_partition_leave_no_page_short(table: TableClient) -> None:
    for n in range(60):
        place = {"pk": f"X#{n}", "sk": "X", "entity": "Other", "gsi1pk": "DAYS", "gsi1sk": f"a{n:03}"}
        table.core.put_item(table.name, place)
    made = [table.put(Day(id=str(n), day=f"b{n}")) for n in range(3)]
    assert table.query(Day.all(), limit=2).items == made[:2]
    assert list(table.each(Day.all(), page=2)) == made


def test_some_fields_of_an_item_that_is_older_than_one_of_them(table: TableClient) -> None:
    class Labelled(Entity):
        id: str
        labels: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object
        notes: dict[str, str] = {}  # noqa: RUF012  likewise

        @key(pk="LABELLED#{id}", sk="LABELLED")
        def by_id(self, id: str) -> None: ...

        @pattern("gsi1", pk="LABELLED", sk="{id}")
        def all(self) -> None: ...

    class Card(Struct):
        labels: list[str]
        notes: dict[str, str]

    place = {"pk": "LABELLED#1", "sk": "LABELLED", "entity": "Labelled", "gsi1pk": "LABELLED", "gsi1sk": "1"}
    table.core.put_item(table.name, {**place, "id": "1"})
    assert table.query(Labelled.all().only(Card)).items == [Card([], {})]


def test_a_prefix_needs_a_text_and_a_range() -> None:
    with pytest.raises(InvalidKey, match="a prefix is a str"):
        Item.by_category("c").prefix(5)  # type: ignore[arg-type]  the point
    with pytest.raises(EntityError, match="no range"):
        User.by_email("a").prefix("a")


def test_a_filter_fills_the_page_by_several_calls(table: TableClient) -> None:
    made = items(table, 60)
    query = Item.by_category("c").where(Item.name == "n4")
    assert table.query(query, limit=10).items == [item for item in made if item.name == "n4"][:10]
    seen, cursor, pages = list[Item](), None, 0
    while pages == 0 or cursor:
        page = table.query(query.where(attr(Item.price) > 10), limit=3, cursor=cursor)
        seen += page.items
        cursor, pages = page.cursor, pages + 1
    assert seen == [item for item in made if item.name == "n4" and item.price and item.price > 10]


def test_a_filter_that_finds_little_ends_after_some_calls_with_a_cursor(
    table: TableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = items(table, 30)
    monkeypatch.setattr("taxiway.data.reads.CALLS", 2)
    query = Item.by_category("c").where(Item.name == "none")
    first = table.query(query, limit=2)
    assert first.items == []
    assert first.cursor is not None
    again = table.query(Item.by_category("c"), cursor=first.cursor, limit=30)
    assert 0 < len(again.items) < len(made)


def test_only_some_fields_are_read_as_a_struct(table: TableClient) -> None:
    table.put(Item(id="1", name="Lamp", category="c", price=PRECISE))
    table.put(Item(id="2", name="Chair", category="c"))
    cards = table.query(Item.by_category("c").only(Card)).items
    assert [(card.id, card.name, card.price) for card in cards] == [("1", "Lamp", PRECISE), ("2", "Chair", None)]
    assert {type(card) for card in cards} == {Card}
    first = table.query(Item.by_category("c").only(Card), limit=1)
    assert [card.id for card in table.query(Item.by_category("c").only(Card), cursor=first.cursor).items] == ["2"]


def test_what_an_item_has_no_attribute_for_is_what_the_entity_makes_of_it(table: TableClient) -> None:
    class Some(Struct):
        tags: set[str]
        stock: int
        groups: set[str] | None

    table.core.put_item(
        table.name,
        {"pk": "SHELF#1", "sk": "SHELF", "gsi1pk": "SHELVES", "gsi1sk": "000#1", "id": "1", "entity": "Shelf"},
    )
    assert table.query(Shelf.by_rank().only(Some)).items == [Some(tags=set(), stock=10, groups=None)]


class Reading(Entity):
    """Sorted by numbers of every kind, which go below zero."""

    id: str
    place: str = "p"
    level: int = 0
    exact: Decimal = Decimal(0)
    rough: float = 0.0
    good: bool = True

    @key(pk="READING#{id}", sk="READING")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="PLACE#{place}", sk="{level:+04}#{exact}", sorted_by=int)
    def by_level(self, place: str) -> None: ...

    @pattern("gsi1", pk="PLACE#{place}", sk="{level:+04}#{exact}", sorted_by=Decimal)
    def at_level(self, place: str, level: int) -> None: ...

    @pattern("gsi2", pk="GOOD#{good}", sk="{rough}", sorted_by=float)
    def of_quality(self, good: bool) -> None: ...


def test_numbers_below_zero_and_fractions_sort_in_an_index_and_move_in_it(table: TableClient) -> None:
    for id, level, exact, rough in (("a", -2, "-1.5", 1e-9), ("b", -10, "3", -4.0), ("c", 7, "0.25", 2.5)):
        table.create(Reading(id=id, level=level, exact=Decimal(exact), rough=rough))
    assert [each.id for each in table.query(Reading.by_level("p")).items] == ["b", "a", "c"]
    assert [each.id for each in table.query(Reading.by_level("p").since(-2)).items] == ["a", "c"]
    assert [each.id for each in table.query(Reading.by_level("p").before(-2)).items] == ["b"]
    assert [each.id for each in table.query(Reading.at_level("p", 7).until(Decimal("0.25"))).items] == ["c"]
    assert table.query(Reading.at_level("p", 7).after(Decimal("0.25"))).items == []
    assert [each.id for each in table.query(Reading.of_quality(True).after(-4.0)).items] == ["a", "c"]
    table.update(Reading.by_id("c"), {"level": -100})
    assert [each.id for each in table.query(Reading.by_level("p")).items] == ["c", "b", "a"]
    table.update(Reading.by_id("a"), {"exact": Reading.exact - 1, "good": False, "rough": -0.5})
    assert [each.id for each in table.query(Reading.at_level("p", -2).until(Decimal("-2.5"))).items] == ["a"]
    assert [each.rough for each in table.query(Reading.of_quality(False)).items] == [-0.5]


def test_a_struct_that_does_not_fit_is_named(table: TableClient) -> None:
    class Wrong(Struct):
        name: int

    class Unknown(Struct):
        colour: str

    class Named(Struct):
        name: str
        price: Decimal

    class Timed(Struct):
        created_at: str
        price: float | None
        version: float

    with pytest.raises(EntityError, match=r"name can't be read from Item.name: there it is a str, and not a int"):
        Item.by_category("c").only(Wrong)
    with pytest.raises(EntityError, match=r"price can't be read from Item.price: there it may be None"):
        Item.by_category("c").only(Named)
    table.put(Item(id="1", name="Lamp", category="c", price=Decimal("1.5")))
    (read,) = table.query(Item.by_category("c").only(Timed)).items
    assert (read.price, read.version, read.created_at[-1]) == (1.5, 1.0, "Z")
    row = table.core.get_item(table.name, {"pk": "ITEM#1", "sk": "ITEM"}).item or {}
    table.core.put_item(table.name, row | {"price": "much"})
    with pytest.raises(StoredItemInvalid, match=r"'ITEM#1', 'ITEM' does not fit Timed"):
        table.query(Item.by_category("c").only(Timed))
    with pytest.raises(EntityError, match="'colour' is not a field of Item"):
        Item.by_category("c").only(Unknown)


def test_each_goes_through_everything(table: TableClient) -> None:
    made = items(table, 25)
    assert list(table.each(Item.by_category("c"), page=10)) == made
    assert list(table.each(Item.by_category("c").newest_first().where(Item.name == "n1"))) == made[21::-5]
    assert next(table.each(Item.by_category("c"))) == made[0]
    with pytest.raises(InvalidLimit):
        next(table.each(Item.by_category("c"), page=0))


def test_count_counts_what_is_found(table: TableClient) -> None:
    made = items(table, 12)
    table.core.put_item(
        table.name, {"pk": "x", "sk": "x", "gsi1pk": "ITEM#CATEGORY#c", "gsi1sk": "0", "entity": "Other"}
    )
    assert table.count(Item.by_category("c")) == 12
    assert table.count(Item.by_category("c").since(made[4].created_at)) == 8
    assert table.count(Item.by_category("c").where(Item.name == "n0")) == 3
    assert table.count(Item.by_category("nothing")) == 0


def test_a_cursor_is_good_for_its_caller_only(table: TableClient) -> None:
    items(table, 3)
    query = Item.by_category("c")
    cursor = table.query(query, limit=1, caller="ann").cursor
    assert len(table.query(query, cursor=cursor, caller="ann").items) == 2
    for other in ("bob", None, ""):
        with pytest.raises(InvalidCursor, match="another query"):
            table.query(query, cursor=cursor, caller=other)


def test_a_partition_of_the_table_itself_is_read_consistently(table: TableClient) -> None:
    made = [table.put(Order(account="1", id=str(n))) for n in range(5)]
    table.put(Account(id="1", email="a"))
    query = Order.of_account("1")
    assert table.query(query, consistent=True).items == made
    first = table.query(query.newest_first(), limit=2)
    assert first.items == made[:2:-1]
    assert table.query(query.newest_first(), limit=9, cursor=first.cursor).items == made[2::-1]
    assert [order.id for order in table.query(query.since("3")).items] == ["3", "4"]
    assert table.count(query, consistent=True) == len(list(table.each(query, consistent=True))) == 5
    with pytest.raises(EntityError, match="gsi1 is an index"):
        table.query(Item.by_category("c"), consistent=True)


def test_a_pattern_of_the_table_has_the_keys_templates() -> None:
    with pytest.raises(EntityError, match="its templates are not those of the key"):

        class Other(Entity):  # pyright: ignore[reportUnusedClass]  making it is the test
            account: str
            id: str

            @key(pk="ACCOUNT#{account}", sk="OTHER#{id}")
            def by_id(self, account: str, id: str) -> None:
                """One."""

            @pattern(pk="ACCOUNT#{account}", sk="ORDER#{id}")
            def of_account(self, account: str) -> None:
                """Several."""


def test_a_pattern_of_the_table_is_no_index_that_writes_keep(table: TableClient) -> None:
    assert Order.__patterns__ == (Order.of_account,)
    assert Order.of_account.index is None
    table.put(Order(account="1", id="1"))
    table.update(Order.by_id("1", "1"), {"paid": True})
    row = table.core.get_item(table.name, {"pk": "ACCOUNT#1", "sk": "ORDER#1"}).item
    assert row is not None
    assert row.keys() == {"pk", "sk", "entity", "account", "id", "total", "paid", "_w"}


def test_a_collection_reads_a_partition_of_several_entities(table: TableClient) -> None:
    assert table.collect(AccountWithOrders("1")) == (None, [])
    account = table.create(Account(id="1", email="a", balance=PRECISE))
    orders = [table.put(Order(account="1", id=f"{n:03}", total=n)) for n in range(30)]
    table.put(Order(account="2", id="1"))
    table.core.put_item(table.name, {"pk": "ACCOUNT#1", "sk": "LOG#1", "entity": "Log"})
    assert table.collect(AccountWithOrders(id="1"), consistent=True) == (account, orders)
    with pytest.raises(CollectionTooLarge, match="more than 30 items"):
        table.collect(AccountWithOrders("1"), limit=30)


def test_a_collection_of_an_index(table: TableClient) -> None:
    class Note(Entity):
        id: str
        list_id: str

        @key(pk="NOTE#{id}", sk="NOTE")
        def by_id(self, id: str) -> None:
            """One note."""

        @pattern("gsi2", pk="LIST#{list_id}", sk="NOTE#{id}")
        def of_list(self, list_id: str) -> None:
            """Notes of a list."""

    task = table.put(Task(list_id="l", id="1"))
    note = table.put(Note(id="1", list_id="l"))
    both = collection(Task.by_rank, Note.of_list)
    assert table.collect(both("l")) == ([task], [note])
    assert (both.index, both.entity, both.partition_key) == ("gsi2", "Task + Note", "LIST#{list_id}")
    with pytest.raises(EntityError, match="gsi2 is an index"):
        table.collect(both("l"), consistent=True)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ((Account.by_id, Item.by_id), "not in the partition"),
        ((Account.by_id, Task.by_rank), "not in the partition"),
        ((Account.by_id, Account.by_id), "each entity once"),
        ((Account.by_id, Order.by_id), "one of several"),
    ],
)
def test_what_shares_no_partition_is_no_collection(members: Any, problem: str) -> None:
    with pytest.raises(EntityError, match=problem):
        collection(*members)
    with pytest.raises(EntityError, match="called with other arguments"):
        AccountWithOrders(account="1")  # type: ignore[call-arg]  the point
