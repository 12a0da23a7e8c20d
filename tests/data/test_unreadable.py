"""What no longer fits its class: constraints are for writes, and what can't be read can be left out."""
# ruff: noqa: RUF012  an entity's mutable default is copied for each object, as any msgspec struct's is

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from taxiway.data import Entity, InvalidItem, Page, StoredItemInvalid, TableClient, key, pattern


class Line(Struct, rename="camel"):
    item_name: Annotated[str, Meta(max_length=3)]
    count: Annotated[int, Meta(ge=1)] = 1


class Box(Entity):
    """Its constraints were tightened after the tests' rows were stored."""

    id: str
    shelf: str = "s"
    name: Annotated[str, Meta(max_length=5)] = "box"
    weight: Annotated[float, Meta(gt=0)] | None = None
    codes: list[Annotated[str, Meta(pattern="^[A-Z]+$")]] = []
    lines: list[Line] = []
    by_name: dict[str, Line] = {}
    state: Literal["open", "closed"] = "open"

    @key(pk="BOX#{id}", sk="BOX")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="SHELF#{shelf}", sk="{id}", sorted_by=str)
    def of_shelf(self, shelf: str) -> None: ...

    @pattern("gsi2", pk="BOXES#{shelf}", sk="{id}", shards=3)
    def spread(self, shelf: str) -> None: ...


def store(table: TableClient, id: str, **fields: Any) -> None:
    """A row as it was stored before, unchecked."""
    table.create(Box(id=id))
    row = table.core.get_item(table.name, {"pk": f"BOX#{id}", "sk": "BOX"}).item
    assert row is not None
    table.core.put_item(table.name, row | fields)


TIGHTENED = {
    "name": "a longer name",
    "weight": 0,
    "codes": ["lower"],
    "lines": [{"itemName": "pencil", "count": 0}],
    "byName": {"x": {"itemName": "eraser"}},
}


def test_an_item_that_misses_a_tightened_constraint_is_read_as_it_is(table: TableClient) -> None:
    store(table, "1", **TIGHTENED)
    store(table, "2")
    box = table.get(Box.by_id("1"))
    assert box == Box(
        id="1",
        name="a longer name",
        weight=0.0,
        codes=["lower"],
        lines=[Line(item_name="pencil", count=0)],
        by_name={"x": Line(item_name="eraser")},
    )
    query = Box.of_shelf("s")
    assert table.query(query).items == [box, Box(id="2")] == list(table.each(query))
    assert {each.id for each in table.query(Box.spread("s")).items} == {"1", "2"}
    assert table.get_many([Box.by_id("1")]) == [box] == list(table.get_all(Box.by_id("1")))


def test_writing_it_again_asks_for_what_the_constraint_does(table: TableClient) -> None:
    store(table, "1", name="a longer name")
    box = table.get(Box.by_id("1"))
    assert box is not None
    with pytest.raises(InvalidItem, match=r"length <= 5"):
        table.put(box)
    with pytest.raises(InvalidItem, match=r"length <= 5"):
        table.update(Box.by_id("1"), {"name": "another long name"})
    assert table.update(Box.by_id("1"), {"name": "short"}).name == "short"


def test_some_fields_of_it_are_read_whatever_the_structs_own_constraints_are(table: TableClient) -> None:
    class Card(Struct):
        id: str
        name: Annotated[str, Meta(max_length=2)]

    store(table, "1", name="a longer name")
    assert table.query(Box.of_shelf("s").only(Card)).items == [Card("1", "a longer name")]


@pytest.mark.parametrize("query", [Box.of_shelf("s"), Box.spread("s")], ids=["one partition", "shards"])
def test_a_row_of_another_type_is_left_out_where_that_is_asked_for_and_logged(
    table: TableClient, query: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for id in "123":
        store(table, id)
    store(table, "4", state="lost")
    with pytest.raises(StoredItemInvalid, match=r"'BOX#4', 'BOX' does not fit Box: .*\$\.state"):
        table.query(query)
    page: Page[Box] = table.query(query, skip_unreadable=True)
    each: Iterator[Box] = table.each(query, skip_unreadable=True)
    assert [box.id for box in page.items] == ["1", "2", "3"] == [box.id for box in each]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["entity"], line["pk"], line["sk"]) for line in lines] == [
        ("WARN", "Box", "BOX#4", "BOX")
    ] * 2
    assert all("$.state" in line["problem"] for line in lines)


def test_a_page_of_what_can_be_read_goes_on_after_what_can_not(table: TableClient) -> None:
    for id in "135":
        store(table, id)
    for id in "24":
        store(table, id, state="lost")
    found: list[str] = []
    cursor = None
    while True:
        page: Page[Box] = table.query(Box.of_shelf("s"), limit=2, cursor=cursor, skip_unreadable=True)
        found += [box.id for box in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == ["1", "3", "5"]


def test_rows_of_newer_code_and_of_no_shape_are_left_out_too(
    table: TableClient, capsys: pytest.CaptureFixture[str]
) -> None:
    class Card(Struct):
        id: str

    store(table, "1")
    store(table, "2", _v=7)
    assert [box.id for box in table.query(Box.of_shelf("s"), skip_unreadable=True).items] == ["1"]
    assert table.query(Box.of_shelf("s").only(Card), skip_unreadable=True).items == [Card("1")]
    assert capsys.readouterr().out.count("this code knows up to 1") == 2


def test_a_check_of_the_whole_item_still_decides(table: TableClient) -> None:
    class Range(Entity):
        id: str
        low: Annotated[int, Meta(ge=0)] = 0
        high: int = 1

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low is above high")

        @key(pk="RANGE#{id}", sk="RANGE")
        def by_id(self, id: str) -> None: ...

    for id, low in (("1", -1), ("2", 5)):
        row = {"pk": f"RANGE#{id}", "sk": "RANGE", "entity": "Range", "id": id, "low": low, "high": 1}
        table.core.put_item(table.name, row)
    assert table.get(Range.by_id("1")) == Range(id="1", low=-1)
    with pytest.raises(StoredItemInvalid, match="low is above high"):
        table.get(Range.by_id("2"))
