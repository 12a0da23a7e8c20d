"""Counters, lists and sets change where they are: every writer counts, and no value leaves its type or its bounds."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.counts import count
from tests.data.models import Item, Shelf, Task

from taxiway.data import (
    ConditionFailed,
    EntityError,
    InvalidItem,
    TableClient,
    add,
    add_to_set,
    append,
    prepend,
    remove_from_set,
)

KEY = Shelf.by_id("1")


@pytest.fixture
def shelf(table: TableClient) -> Shelf:
    return table.create(Shelf(id="1"))


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
@pytest.mark.parametrize(
    ("field", "changes", "expected"),
    [
        ("stock", [add(5)], 15),
        ("stock", [add(-10), add(100)], 100),
        ("seen", [add(1), add(1)], 2),
        ("weight", [add(0.5), add(1)], 1.5),
        ("price", [add(Decimal("0.1")), add(1)], Decimal("1.1")),
        (
            "price",
            [add(Decimal("12345678901234567890.123456789012345678"))] * 2,
            Decimal("24691357802469135780.246913578024691356"),
        ),
        ("notes", [append(["b", "c"]), prepend(["a"])], ["a", "b", "c"]),
        ("last", [append(["a"]), append(["b"])], ["a", "b"]),
        ("tags", [add_to_set({"a", "b"}), add_to_set({"b", "c"}), remove_from_set({"a", "z"})], {"b", "c"}),
        ("tags", [add_to_set({"a"}), remove_from_set({"a"})], set()),
        ("tags", [add_to_set(set()), remove_from_set(set())], set()),
        ("groups", [add_to_set({"a"}), remove_from_set({"b"})], {"a"}),
        ("groups", [add_to_set({"a"}), remove_from_set({"a"})], set()),
        ("rank", [add(7)], 7),
    ],
)
def test_what_a_change_makes(table: TableClient, field: str, changes: list[Any], expected: Any, inside: bool) -> None:
    for change in changes:
        if inside:
            with table.transaction():
                changed = table.update(KEY, {field: change})
        else:
            changed = table.update(KEY, {field: change})
        assert changed == table.get(KEY, consistent=True)
    assert getattr(table.get(KEY), field) == expected


@pytest.mark.usefixtures("shelf")
def test_a_field_of_the_class_takes_part_in_arithmetic(table: TableClient) -> None:
    assert table.update(KEY, {"stock": Shelf.stock + 3, "weight": Shelf.weight - 0.5}).stock == 13
    with pytest.raises(EntityError, match=r"rank can't become what Shelf\.stock does"):
        table.update(KEY, {"rank": Shelf.stock + 1})


@pytest.mark.usefixtures("shelf")
def test_a_change_moves_an_item_in_its_index(table: TableClient) -> None:
    table.create(Shelf(id="2", rank=3))
    table.update(KEY, {"rank": add(5)})
    assert [shelf.id for shelf in table.query(Shelf.by_rank()).items] == ["2", "1"]


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
@pytest.mark.parametrize(
    ("field", "change", "problem"),
    [
        ("stock", add(-11), "stock: Expected `int` >= 0"),
        ("stock", add(91), "stock: Expected `int` <= 100"),
        ("last", append(["a", "b", "c"]), "last: Expected `array` of length <= 2"),
        ("price", add(Decimal("1E-40")), "price: a number must have at most 38"),
    ],
)
def test_a_change_that_would_leave_the_fields_bounds_is_refused(
    table: TableClient, field: str, change: Any, problem: str, inside: bool
) -> None:
    shelf = table.create(Shelf(id="1", price=Decimal(10)))

    def write() -> None:
        table.update(KEY, {field: change})

    def together() -> None:
        with table.transaction():
            write()

    with pytest.raises(ConditionFailed) as failed:
        together() if inside else write()
    assert problem in failed.value.public_detail
    assert failed.value.current == shelf == table.get(KEY, consistent=True)


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("stock", add(1.5)),
        ("stock", add(True)),
        ("weight", add(Decimal(1))),
        ("price", add(1.5)),
        ("notes", add(1)),
        ("notes", append([5])),
        ("tags", append(["a"])),
        ("tags", add_to_set({5})),
        ("notes", add_to_set({"a"})),
    ],
)
def test_a_change_that_does_not_fit_its_field_is_refused(table: TableClient, field: str, change: Any) -> None:
    with pytest.raises(InvalidItem, match=field):
        table.update(KEY, {field: change})


@pytest.mark.usefixtures("table")
def test_keys_and_what_the_client_sets_do_not_change(table: TableClient) -> None:
    with pytest.raises(InvalidItem, match="part of its key"):
        table.update(KEY, {"id": append(["a"])})
    with pytest.raises(EntityError, match="set by the table client"):
        table.update(Item.by_id("1"), {"version": add(1)})


def together(work: Callable[[], None], threads: int = 4) -> None:
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


@count("updates", test=40, soak=4_000)
@pytest.mark.usefixtures("shelf")
def test_every_one_of_many_writers_counts(table: TableClient) -> None:
    def work() -> None:
        for n in range(10):
            table.update(
                KEY,
                {"seen": add(1), "price": add(Decimal("0.1")), "notes": append(["x"]), "tags": add_to_set({str(n)})},
            )

    together(work)
    found = table.get(KEY, consistent=True)
    assert found is not None
    assert (found.seen, found.price, len(found.notes), len(found.tags)) == (40, Decimal(4), 40, 10)


@count("sales", test=20, soak=2_000)
@pytest.mark.usefixtures("shelf")
def test_a_stock_is_never_sold_twice(table: TableClient) -> None:
    sold: list[int] = []

    def work() -> None:
        for _ in range(5):
            try:
                sold.append(table.update(KEY, {"stock": add(-1)}).stock)
            except ConditionFailed:
                return

    together(work)
    assert sorted(sold) == list(range(10))


def test_a_change_beside_a_condition_of_ones_own(table: TableClient) -> None:
    table.create(Shelf(id="1", price=Decimal(5)))
    assert table.update(KEY, {"stock": add(1)}, condition=Shelf.stock == 10).stock == 11
    with pytest.raises(ConditionFailed):
        table.update(KEY, {"stock": add(1)}, condition=Shelf.stock == 10)


def test_an_update_of_nothing_checks_its_condition(table: TableClient) -> None:
    task = table.create(Task(list_id="l", id="1"))
    assert table.update(Task.by_id("l", "1"), {}, condition=Task.rank == 0) == task
    with pytest.raises(ConditionFailed):
        table.update(Task.by_id("l", "1"), {}, condition=Task.rank == 1)
    with table.transaction():
        assert table.update(Task.by_id("l", "1"), {}, condition=Task.rank == 0) == task


def test_a_field_that_an_older_item_lacks_counts_from_its_default(table: TableClient) -> None:
    table.core.put_item(table.name, {"pk": "SHELF#1", "sk": "SHELF", "id": "1", "updatedAt": "2026-01-01T00:00:00Z"})
    changed = table.update(KEY, {"stock": add(1), "seen": add(1), "notes": append(["a"])})
    assert (changed.stock, changed.seen, changed.notes) == (11, 1, ["a"])
