"""What is stored comes back as it was: every kind of field, and every digit of every number."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from tests.counts import count
from tests.data.models import Colour, Everything, Item, Part, Size

from taxiway.data import InvalidItem, TableClient

KEY = Everything.by_id("1")

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
integers = st.integers(-(10**38) + 1, 10**38 - 1)
decimals = st.builds(
    lambda digits, negative, magnitude: Decimal((negative, digits, magnitude - len(digits) + 1)),
    st.lists(st.integers(0, 9), max_size=37).map(lambda rest: (1, *rest)),
    st.integers(0, 1),
    st.integers(-130, 125),
) | st.just(Decimal(0))
floats = st.floats(-1e125, 1e125, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-129)
moments = st.datetimes(timezones=st.just(UTC))
seconds = st.datetimes(datetime(2100, 1, 1), timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001  hypothesis gives it the zone
sizes = st.builds(Size, width=decimals, note=st.none() | words)
parts = st.builds(
    Part,
    part_name=words,
    made_at=moments,
    sizes=st.lists(sizes, max_size=2),
    marks=st.sets(st.binary(max_size=5), max_size=2),
    kind=st.sampled_from(["big", "small"]),
)

everything = st.builds(
    Everything,
    id=st.just("1"),
    text=words,
    whole=integers,
    fraction=floats,
    exact=decimals,
    maybe=st.none() | decimals,
    flag=st.booleans(),
    raw=st.binary(max_size=20),
    day=st.dates(),
    moment=st.none() | moments,
    span=st.timedeltas(timedelta(-1000), timedelta(1000)),
    unique=st.uuids(),
    colour=st.sampled_from(Colour),
    words=st.lists(words, max_size=3),
    prices=st.lists(decimals, max_size=3),
    by_name=st.dictionaries(words.filter(bool), decimals, max_size=3),
    by_number=st.dictionaries(st.integers(0, 99), words, max_size=3),
    size=st.none() | st.builds(Size, width=decimals, note=st.none() | words),
    pair=st.tuples(integers, words),
    tags=st.sets(words.filter(bool), max_size=3),
    numbers=st.frozensets(integers, max_size=3),
    mixed=st.none() | integers | words,
    note=st.none() | words,
    patch=st.just(UNSET) | words,
    shade=st.sampled_from([None, "light", "dark"]),
    secrets=st.sets(st.binary(min_size=1, max_size=5), max_size=3),
    parts=st.lists(parts, max_size=2),
    by_place=st.dictionaries(words.filter(bool), st.lists(parts, max_size=1), max_size=2),
    days=st.lists(st.none() | st.dates(), max_size=3),
    expires_at=st.none() | seconds,
    anything=st.none() | st.booleans() | integers | words | st.lists(integers | words | st.booleans(), max_size=3),
)


@count("items", test=60, soak=6_000)
@given(item=everything)
def test_every_field_comes_back_as_it_was(table: TableClient, item: Everything) -> None:
    table.put(item)
    assert table.get(KEY, consistent=True) == item


@count("items", test=60, soak=6_000)
@given(before=everything, after=everything)
def test_an_update_of_every_field_stores_what_a_put_does(
    table: TableClient, before: Everything, after: Everything
) -> None:
    table.put(before)
    changes = {name: getattr(after, name) for name in after.__struct_fields__ if name not in ("id", "patch")}
    changed = table.update(KEY, changes)
    assert changed == table.get(KEY, consistent=True)
    assert {name: getattr(changed, name) for name in changes} == changes


@count("items", test=60, soak=6_000)
@given(item=everything)
def test_an_update_of_one_field_and_a_delete_return_every_digit(table: TableClient, item: Everything) -> None:
    table.put(item)
    changed = table.update(KEY, {"flag": not item.flag})
    assert (changed.exact, changed.maybe, changed.prices) == (item.exact, item.maybe, item.prices)
    assert changed == table.get(KEY, consistent=True)
    assert table.delete(KEY) == changed


@count("prices", test=60, soak=6_000)
@given(price=decimals)
def test_a_price_comes_back_exactly_from_an_index(table: TableClient, price: Decimal) -> None:
    table.put(Item(id="1", name="x", category="c", price=price))
    assert [item.price for item in table.query(Item.by_category("c")).items] == [price]


def fits(field: str, value: Any) -> bool:
    """Whether a value can be stored; where it can't, the error has to name its field."""
    try:
        Everything.__codec__.encode(Everything(**{"id": "1", field: value}))
    except InvalidItem as error:
        return error.http_status != 400 or field not in error.public_detail
    return True


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("NaN"), False),
        (Decimal("sNaN"), False),
        (Decimal("-Infinity"), False),
        (Decimal("1" * 38), True),
        (Decimal("1" * 39), False),
        (Decimal("1" + "0" * 50), True),
        (Decimal("0." + "0" * 129 + "1"), True),
        (Decimal("1E-131"), False),
        (Decimal("9.9999999999999999999999999999999999999E+125"), True),
        (Decimal("1E+126"), False),
        (Decimal("0E+500"), True),
        (Decimal("-0"), True),
    ],
)
def test_decimals_are_stored_within_dynamodbs_range_only(table: TableClient, value: Decimal, stored: bool) -> None:
    assert fits("exact", value) == stored
    if stored:
        table.put(Everything(id="1", exact=value))
        found = table.get(KEY, consistent=True)
        assert found is not None
        assert found.exact == value


@pytest.mark.parametrize("field", ["whole", "anything", "mixed"])
@pytest.mark.parametrize(
    ("value", "stored"),
    [(10**38 - 1, True), (10**38 + 1, False), (10**100, True), (10**126, False), (10**4000, False)],
)
def test_integers_are_stored_within_dynamodbs_range_only(
    table: TableClient, field: str, value: int, stored: bool
) -> None:
    assert fits(field, value) == stored
    if stored:
        table.put(Everything(**{"id": "1", field: value}))
        found = table.get(KEY, consistent=True)
        assert found is not None
        assert getattr(found, field) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, 1e-200])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [{"a": value}]])
def test_floats_out_of_range_are_refused(value: float, wrap: Any) -> None:
    assert not fits("anything", wrap(value))


def test_nesting_is_limited_as_dynamodb_limits_it(table: TableClient) -> None:
    def nest(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    table.put(Everything(id="1", anything=nest(30)))
    assert not fits("anything", nest(32))
    with pytest.raises(InvalidItem, match="nested"):
        Everything.__codec__.encode(Everything(id="1", anything=nest(100_000)))


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("exact", 1.5, "must be a Decimal"),
        ("moment", datetime(2026, 1, 1), "no time zone"),  # noqa: DTZ001  that is the point
        ("moment", "yesterday", "must be a datetime"),
        ("text", None, "Expected `str`"),
        ("colour", "red", None),
        ("colour", "green", "Invalid enum value"),
        ("tags", {1}, "Expected `str`"),
        ("anything", object(), "unsupported"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(field: str, value: Any, problem: str | None) -> None:
    item = Everything(**{"id": "1", field: value})
    if problem is None:
        Everything.__codec__.encode(item)
        return
    with pytest.raises(InvalidItem, match=problem):
        Everything.__codec__.encode(item)


def test_how_each_kind_of_field_is_stored(table: TableClient) -> None:
    item = Everything(
        id="1",
        exact=Decimal("1.10"),
        raw=b"\x00\xff",
        day=date(2026, 1, 2),
        moment=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        unique=UUID(int=1),
        prices=[Decimal("1.10")],
        by_number={1: "one"},
        size=Size(width=Decimal("2.5")),
        pair=(1, "a"),
        tags={"a"},
        note=None,
    )
    table.put(item)
    row = table.core.get_item(table.name, {"pk": "EVERYTHING#1", "sk": "EVERYTHING"}, consistent_read=True).item
    assert row is not None
    expected = {
        "exact": Decimal("1.1"),
        "raw": b"\x00\xff",
        "day": "2026-01-02",
        "moment": "2026-01-02T03:04:05.000000Z",
        "unique": "00000000-0000-0000-0000-000000000001",
        "colour": "red",
        "prices": [Decimal("1.1")],
        "byNumber": {"1": "one"},
        "size": {"width": Decimal("2.5"), "note": None},
        "pair": [1, "a"],
        "tags": {"a"},
        "note": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert not {"maybe", "numbers", "mixed", "anything", "patch"} & row.keys()
