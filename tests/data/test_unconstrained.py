"""A struct is read by its types alone, at any depth, and comes back as the struct itself."""

from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import msgspec
import pytest
from msgspec import Meta, Struct

from taxiway.data.unconstrained import Unconstrained

T = TypeVar("T")
Positive = NewType("Positive", Annotated[int, Meta(ge=1)])


class Tagged(Struct, tag="tagged", rename="camel", frozen=True):
    some_name: Annotated[str, Meta(max_length=2)]


class Short(Struct, tag="short", frozen=True):
    text: str = "x"


class Row(Struct, array_like=True):
    number: Positive
    rest: list[Positive] = []


class Of(Struct, Generic[T]):
    values: Annotated[list[T], Meta(max_length=1)]


class Tree(Struct):
    size: Annotated[int, Meta(le=1)]
    branches: list["Tree"] = []


class Whole(Struct):
    plain: str = ""
    named: dict[Annotated[str, Meta(max_length=1)], list[Tagged | Short]] = {}
    row: Row | None = None
    many: Of[Positive] | None = None
    numbers: set[Annotated[int, Meta(ge=1)]] = set()
    pairs: tuple[tuple[Positive, str], ...] = ()
    tree: Tree | None = None
    members: frozenset[Tagged] = frozenset()


STORED: dict[str, Any] = {
    "named": {"long": [{"type": "tagged", "someName": "longer"}, {"type": "short"}]},
    "row": [0, [0]],
    "many": {"values": [0, 0]},
    "numbers": [0],
    "pairs": [[0, "a"]],
    "tree": {"size": 9, "branches": [{"size": 0}]},
    "members": [{"type": "tagged", "someName": "longer"}],
}


def test_no_constraint_is_left_at_any_depth() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(STORED, Whole)
    zero = Positive(0)
    assert Unconstrained(Whole).read(STORED) == Whole(
        named={"long": [Tagged("longer"), Short()]},
        row=Row(zero, [zero]),
        many=Of([zero, zero]),
        numbers={0},
        pairs=((zero, "a"),),
        tree=Tree(9, [Tree(0)]),
        members=frozenset({Tagged("longer")}),
    )


@pytest.mark.parametrize(
    "stored",
    [{"plain": 5}, {"row": ["x"]}, {"named": {"a": [{"type": "unknown"}]}}, {"numbers": ["x"]}, {"many": {}}, 5],
)
def test_types_are_asked_for_all_the_same(stored: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        Unconstrained(Whole).read(stored)


def test_a_struct_without_constraints_is_read_as_it_is() -> None:
    class Plain(Struct):
        state: Literal["a", "b"]

    assert Unconstrained(Plain).read({"state": "a"}) == Plain("a")
    with pytest.raises(msgspec.ValidationError, match=r"Invalid enum value 'c'"):
        Unconstrained(Plain).read({"state": "c"})
