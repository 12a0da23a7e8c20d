from decimal import Decimal
from typing import Annotated, Any, Generic, NewType, TypedDict, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from taxiway.http.validation import MAX_FAULTS, faults, locate, mentions, not_finite

T = TypeVar("T")
Sku = NewType("Sku", str)


class Tag(Struct, forbid_unknown_fields=True):
    key: str
    value: int


class Item(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=5)]
    unit_price: Decimal
    tags: Annotated[list[Tag], Meta(max_length=2)] = []
    stock: dict[str, Annotated[int, Meta(ge=0)]] = {}
    parent: "Item | None" = None


class Circle(Struct, tag=True):
    radius: int


class Square(Struct, tag=True):
    side: int
    label: str


class Page(Struct, Generic[T]):
    items: list[T]


class Odd(Struct):
    number: int

    def __post_init__(self) -> None:
        if self.number % 2 == 0:
            raise ValueError("the number is even")


def test_a_value_that_fits_has_no_faults():
    assert faults({"name": "lamp", "unitPrice": 1.5}, Item) == []


def test_every_wrong_field_is_named():
    value = {
        "name": "",
        "tags": [{"key": 1, "value": "x", "more": 0}, {}, 7],
        "stock": {"a/b": -1, "c~d": 1, "e": "f"},
        "parent": {"name": "far too long", "unitPrice": 1},
    }

    assert faults(value, Item) == [
        ("/name", "Expected `str` of length >= 1"),
        ("/unitPrice", "Missing required field"),
        ("/tags/0/key", "Expected `str`, got `int`"),
        ("/tags/0/value", "Expected `int`, got `str`"),
        ("/tags/0/more", "Unknown field"),
        ("/tags/1/key", "Missing required field"),
        ("/tags/1/value", "Missing required field"),
        ("/tags/2", "Expected `object`, got `int`"),
        ("/tags", "Expected `array` of length <= 2"),
        ("/stock/a~1b", "Expected `int` >= 0"),
        ("/stock/e", "Expected `int`, got `str`"),
        ("/parent/name", "Expected `str` of length <= 5"),
    ]


def test_the_whole_value_may_be_of_the_wrong_type():
    assert faults([], Item) == [("", "Expected `object`, got `array`")]


def test_a_union_is_taken_by_its_tag():
    type_ = list[Circle | Square]
    value = [{"type": "Square", "side": "x"}, {"type": "Circle"}, {"type": "Line"}]

    assert faults(value, type_) == [
        ("/0/side", "Expected `int`, got `str`"),
        ("/0/label", "Missing required field"),
        ("/1/radius", "Missing required field"),
        ("/2/type", "Invalid value 'Line'"),
    ]


def test_a_union_of_other_kinds_is_taken_by_the_values_kind():
    type_ = Tag | list[int] | str | None

    assert faults({"key": 1}, type_) == [("/key", "Expected `str`, got `int`"), ("/value", "Missing required field")]
    assert faults(["a", 1, "b"], type_) == [("/0", "Expected `int`, got `str`"), ("/2", "Expected `int`, got `str`")]
    assert faults(1.5, type_) == [("", "Expected `str | object | array | null`, got `float`")]


def test_types_by_another_name_are_looked_into():
    type_ = Page[Annotated[Sku, Meta(max_length=1)]]

    assert faults({"items": ["a", "bb", 1]}, type_) == [
        ("/items/1", "Expected `str` of length <= 1"),
        ("/items/2", "Expected `str`, got `int`"),
    ]


def test_what_a_struct_checks_of_itself_is_named_at_the_struct():
    assert faults([{"number": 1}, {"number": 2}, {"number": "x"}], list[Odd]) == [
        ("/1", "the number is even"),
        ("/2/number", "Expected `int`, got `str`"),
    ]


def test_a_typed_dict_names_the_first_fault():
    class Box(TypedDict):
        width: int
        sides: list[int]

    assert faults({"width": 1, "sides": [1, "x"]}, Box) == [("/sides/1", "Expected `int`, got `str`")]


def test_keys_may_be_at_fault():
    assert faults({"a": 1}, dict[int, int]) == [("", "Expected `int`, got `str`")]


def test_sets_and_tuples_are_looked_into():
    assert faults([1, "x"], set[int]) == [("/1", "Expected `int`, got `str`")]
    assert faults([1, "x"], tuple[int, int]) == [("/1", "Expected `int`, got `str`")]


def test_no_more_are_named_than_anyone_would_read():
    assert len(faults(["x"] * 5000, list[int])) == MAX_FAULTS
    assert len(faults({str(n): "x" for n in range(5000)}, dict[str, int])) == MAX_FAULTS
    assert len(faults({"key": "a", "value": 1, **{str(n): 0 for n in range(5000)}}, Tag)) == MAX_FAULTS


def test_a_fault_at_any_depth_is_named():
    value: dict[str, Any] = {"name": "x"}
    for _ in range(100):
        value = {"name": "x", "unitPrice": 1, "parent": value}

    [(pointer, detail)] = faults(value, Item)

    assert pointer == "/parent" * 100
    assert detail == "Object missing required field `unitPrice`"


items = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=8) | st.integers(),
        "unitPrice": st.integers() | st.booleans(),
        "tags": st.lists(
            st.dictionaries(st.sampled_from(["key", "value", "x"]), st.text() | st.integers()), max_size=3
        ),
        "stock": st.dictionaries(st.text(), st.integers()),
    },
)


@given(items)
def test_faults_are_found_exactly_where_msgspec_refuses(value: dict[str, Any]):
    try:
        msgspec.convert(value, Item)
    except msgspec.ValidationError as error:
        found = faults(value, Item)
        pointer, _ = locate(error)
        assert any(at == pointer or at.rpartition("/")[0] == pointer for at, _ in found)
        assert len(set(found)) == len(found)
    else:
        assert faults(value, Item) == []


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Expected `int`", ("", "Expected `int`")),
        ("Expected `int` - at `$`", ("", "Expected `int`")),
        ("Expected `int` - at `$.a[3].b`", ("/a/3/b", "Expected `int`")),
        ("Expected `int` - at `$.a[...].b`", ("/a", "Expected `int`")),
        ("Expected `int` - at `key` in `$.a`", ("/a", "Expected `int`")),
    ],
)
def test_a_message_of_msgspec_becomes_a_pointer(message, fault):
    assert locate(msgspec.ValidationError(message)) == fault


def test_numbers_that_are_none_are_found_wherever_they_are():
    nan = Decimal("NaN")
    item = Item("x", nan, stock={"a": 1}, parent=Item("y", Decimal(1)))

    assert not_finite([1, "NaN", {"a/b": (nan, Decimal(1))}, item, float("inf")]) == [
        ("/2/a~1b/0", "Expected a finite number"),
        ("/3/unitPrice", "Expected a finite number"),
        ("/4", "Expected a finite number"),
    ]


def test_types_that_may_hold_a_decimal_are_known():
    assert mentions(Item, (Decimal,))
    assert mentions(Page[Decimal | None], (Decimal,))
    assert mentions(dict[str, list[Annotated[Decimal, Meta(title="x")]]], (Decimal,))
    assert not mentions(Page[int], (Decimal,))
    assert not mentions(Circle | Square, (Decimal,))
