"""Conditions are made from the class's own attributes, and DynamoDB finds of them what Python would."""

import copy
import itertools
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.data.models import Account, Colour, Everything, Item, Order, Part, Shelf, Size, Task

from taxiway.data import Condition, ConditionFailed, EntityError, TableClient, attr
from taxiway.data.conditions import Path

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STORED = Everything(
    id="1",
    text="Lamp",
    whole=7,
    fraction=1.5,
    exact=Decimal("12345678901234567890.123456789012345678"),
    flag=True,
    raw=b"ab",
    moment=MOMENT,
    unique=UUID(int=7),
    colour=Colour.BLUE,
    words=["a", "b"],
    by_name={"x": Decimal(1), "y z": Decimal(2)},
    size=Size(width=Decimal(2), note="wide"),
    parts=[Part(part_name="leg", made_at=MOMENT)],
    tags={"new", "old"},
    numbers=frozenset({1, 2}),
    note=None,
    shade="dark",
)
E = Everything


def true(table: TableClient, condition: Any) -> bool:
    try:
        table.put(STORED, condition=condition)
    except ConditionFailed:
        return False
    return True


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (E.text == "Lamp", True),
        (E.text != "Lamp", False),
        (E.text < "Lampe", True),
        (E.whole > 6, True),
        (E.whole >= 8, False),
        (E.whole <= 7, True),
        (E.fraction == 1.5, True),
        (E.exact == STORED.exact, True),
        (E.exact > 12345678901234567890, True),
        (E.flag == True, True),  # noqa: E712  it is a condition, and no bool
        (E.raw == b"ab", True),
        (attr(E.moment) == MOMENT.astimezone(), True),
        (attr(E.moment) > MOMENT + timedelta(microseconds=1), False),
        (E.unique == UUID(int=7), True),
        (E.colour == Colour.RED, False),
        (E.words == ["a", "b"], True),
        (E.tags == {"old", "new"}, True),
        (E.tags == set(), False),
        (E.secrets == set(), True),
        (E.secrets != set(), False),
        (attr(E.shade) == "dark", True),
        (attr(E.text).begins_with("La"), True),
        (attr(E.raw).begins_with(b"b"), False),
        (attr(E.moment).begins_with("2026-01"), True),
        (attr(E.text).contains("am"), True),
        (attr(E.words).contains("b"), True),
        (attr(E.words).contains("c"), False),
        (attr(E.tags).contains("new"), True),
        (attr(E.numbers).contains(2), True),
        (attr(E.whole).is_in([1, 7]), True),
        (attr(E.colour).is_in([Colour.RED]), False),
        (attr(E.whole).between(7, 9), True),
        (attr(E.maybe).exists(), False),
        (attr(E.note).exists(), True),
        (attr(E.note) == None, True),  # noqa: E711  a condition
        (attr(E.maybe) == None, True),  # noqa: E711  the same
        (attr(E.maybe) != None, False),  # noqa: E711  the same
        (attr(E.text) != None, True),  # noqa: E711  the same
        (attr(E.text).size() == 4, True),
        (attr(E.words).size() > 2, False),
        (attr(E.tags).size() <= 2, True),
        (attr(E.words)[0] == "a", True),
        (attr(E.words)[9] == "a", False),
        (attr(E.by_name)["y z"].exists(), True),
        (attr(E.size).note == "wide", True),
        (attr(E.parts)[0]["partName"] == "leg", True),
        (attr(E.text) < attr(E.id), False),
        (~(attr(E.text) < attr(E.id)), True),
        ((E.whole == 7) & (E.text == "Lamp"), True),
        ((E.whole == 7) & (E.text == "x"), False),
        ((E.whole == 8) | (E.text == "Lamp"), True),
        (~((E.whole == 8) | (E.text == "x")) & (E.whole == 7), True),
    ],
    ids=map(str, itertools.count()),
)
def test_a_condition_is_true_or_not(table: TableClient, condition: Any, expected: bool) -> None:
    table.put(STORED)
    assert true(table, condition) is expected


def test_a_value_to_compare_with_need_not_meet_the_fields_constraints(table: TableClient) -> None:
    table.put(Item(id="1", name="x", category="c"))
    assert table.update(Item.by_id("1"), {"category": "d"}, condition=Item.name > "").category == "d"


def test_an_object_still_has_its_values_and_a_class_its_paths() -> None:
    item = Item(id="1", name="Lamp", category="home", price=Decimal(5))
    assert (item.name, item.price) == ("Lamp", Decimal(5))
    assert isinstance(Item.name, Path)
    for other in (copy.copy(item), copy.deepcopy(item), msgspec.structs.replace(item)):
        assert other == item
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301  our own
    assert len({Item.name, Item.price}) == 2


def mistakes(make: Any) -> str:
    with pytest.raises(EntityError) as caught:
        make()
    return str(caught.value)


def test_what_cannot_be_compared_is_named() -> None:
    assert "Everything.whole can't be compared with 'x'" in mistakes(lambda: attr(E.whole) == "x")
    assert "Everything.exact can't be compared with 1.5" in mistakes(lambda: attr(E.exact) > 1.5)
    assert "Everything.colour can't be compared with 'green'" in mistakes(lambda: attr(E.colour) == "green")
    assert "no time zone" in mistakes(lambda: attr(E.moment) > datetime(2026, 1, 1))  # noqa: DTZ001  the point
    assert "is text in the table" in mistakes(lambda: attr(E.size).note == datetime(2026, 1, 1, tzinfo=UTC))
    assert "is_in has 0 values" in mistakes(lambda: attr(E.text).is_in([]))
    assert "is_in has 101 values" in mistakes(lambda: attr(E.text).is_in(["x"] * 101))
    assert "compared with 'x'" in mistakes(lambda: attr(E.text).size() > "x")
    assert "can't begin with 5" in mistakes(lambda: attr(E.text).begins_with(5))  # type: ignore[arg-type]  the point
    with pytest.raises(AttributeError, match="has no field 'depth'"):
        _ = attr(E.size).depth
    with pytest.raises(AttributeError, match="has no field 'x'"):
        _ = attr(E.text).x


def test_a_condition_is_neither_true_nor_false_in_python() -> None:
    assert "by &, | and ~" in mistakes(lambda: E.whole > 1 and E.whole < 5)
    assert "by &, | and ~" in mistakes(lambda: 1 < E.whole < 5)


def test_a_bool_is_no_condition_and_neither_is_one_on_another_entity(table: TableClient) -> None:
    item = Item(id="1", name="Lamp", category="home")
    assert "False is no condition" in mistakes(lambda: table.put(item, condition=item.name == "x"))
    assert "a condition on Task" in mistakes(lambda: table.put(item, condition=Task.rank > 1))
    assert "a condition on Item and Task" in mistakes(
        lambda: table.put(item, condition=(Task.rank > 1) & (Item.version > 1))
    )
    assert "True is no condition" in mistakes(lambda: True & (Task.rank > 1))
    assert "True is no condition" in mistakes(lambda: True | (Task.rank > 1))
    assert "is a value" in mistakes(lambda: attr(item.name))


def test_what_is_no_data_is_no_fields_equal() -> None:
    assert [name for name, value in vars(Item).items() if value == Item.by_category] == ["by_category"]
    assert (Item.name != object()) is True


def test_a_condition_shows_what_it_asks() -> None:
    condition = (Item.name == "x") & ~attr(Item.category).is_in(["a", "b"])
    assert isinstance(condition, Condition)
    assert repr(condition) == "<Condition (Item.name == 'x') & (~(Item.category is in 'a', 'b'))>"


def test_a_failed_condition_tells_what_there_is(table: TableClient) -> None:
    price = Decimal("12345678901234567890.123456789012345678")
    item = table.create(Item(id="1", name="Lamp", category="home", price=price))
    key = Item.by_id("1")
    for write in (
        lambda: table.update(key, {"name": "x"}, condition=Item.name == "y"),
        lambda: table.put(item, condition=Item.name == "y"),
        lambda: table.delete(key, condition=Item.name == "y"),
    ):
        with pytest.raises(ConditionFailed) as failed:
            write()
        assert failed.value.http_status == 409
        assert failed.value.current == item
    assert table.get(key) == item
    with pytest.raises(ConditionFailed) as failed:
        table.put(Order(account="1", id="1"), condition=Order.paid == False)  # noqa: E712  a condition
    assert failed.value.current is None


def test_a_condition_on_what_is_missing(table: TableClient) -> None:
    assert table.delete(Order.by_id("1", "1"), condition=Order.total > 1) is None
    made = table.put(Order(account="1", id="1"), condition=~attr(Order.id).exists())
    assert table.get(Order.by_id("1", "1")) == made


def test_writes_hold_where_their_condition_does(table: TableClient) -> None:
    table.create(Item(id="1", name="Lamp", category="home", price=Decimal("1.5")))
    key = Item.by_id("1")
    assert table.update(key, {"name": "Chair"}, condition=(attr(Item.price) < 2) & (Item.name == "Lamp")).version == 2
    assert table.update(key, {}, condition=Item.name == "Chair").version == 3
    with pytest.raises(ConditionFailed):
        table.update(key, {}, condition=Item.name == "Lamp")
    gone = table.delete(key, condition=attr(Item.price).exists(), expect_version=3)
    assert gone is not None
    assert gone.price == Decimal("1.5")


def test_an_account_is_read_as_it_is() -> None:
    assert Account(id="1", email="a").email == "a"


def test_any_number_of_conditions_is_joined_and_too_many_are_refused_by_name(table: TableClient) -> None:
    every = Shelf.rank == 0
    for rank in range(1, 2_000):
        every = every | (Shelf.rank == rank)
        every = ~every if rank == 1_000 else every
    with pytest.raises(EntityError, match=r"a condition has 4000 operators, and DynamoDB takes 300"):
        table.query(Shelf.by_rank().where(every))
    few = attr(Shelf.rank) == 0
    for rank in range(1, 150):
        few = few | (attr(Shelf.rank) == rank)
    table.put(Shelf(id="1", rank=149))
    table.put(Shelf(id="2", rank=150))
    assert [shelf.id for shelf in table.query(Shelf.by_rank().where(few)).items] == ["1"]
    assert str(few).count("|") == 149
