"""Values go to DynamoDB's wire form and back without loss, at any depth, and what can't be stored is refused."""

import contextlib
import json
from decimal import Decimal, localcontext
from enum import IntEnum, StrEnum

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st
from tests.counts import count

from taxiway.sdk import InvalidAnswer, InvalidValue
from taxiway.sdk.dynamodb.values import NESTING, from_wire, item_from_wire, item_to_wire, number, to_wire

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
DECIMALS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent - len(str(abs(digits))) + 1),
    st.integers(-(10**28) + 1, 10**28 - 1),
    st.integers(-130, 125),
).filter(lambda value: value == 0 or -130 <= value.adjusted() <= 125)
NUMBERS = st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), DECIMALS)


def values_of(numbers):
    """Everything that DynamoDB stores, with these numbers in it."""
    sets = st.one_of(
        st.frozensets(TEXTS, min_size=1, max_size=3),
        st.frozensets(st.binary(max_size=5), min_size=1, max_size=3),
        st.frozensets(numbers, min_size=1, max_size=3),
    )
    return st.recursive(
        st.one_of(TEXTS, st.binary(max_size=8), st.booleans(), st.none(), numbers, sets),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
        max_leaves=12,
    )


VALUES = values_of(NUMBERS)
FOR_BOTO3 = values_of(NUMBERS.filter(lambda value: abs(value) < 10**38))
"""boto3 can't read a larger number as DynamoDB writes it, with all its zeros."""


def over_the_wire(value):
    """What is read where the service stores the value as it came."""
    import msgspec

    return from_wire(json.loads(msgspec.json.encode(to_wire(value))))


def same(value, other):
    """Equal, and of one type all the way down; a set that is frozen is read as one that isn't."""
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(same(value[name], other[name]) for name in value)
    if isinstance(value, list):
        return len(value) == len(other) and all(map(same, value, other))
    if isinstance(value, frozenset):
        return type(other) is set and value == other
    if isinstance(value, Decimal):
        return value == other and type(other) in (int, Decimal)
    return type(value) is type(other) and value == other


@count("cases", test=200, soak=100_000)
@given(VALUES)
def test_what_is_stored_is_read_back_exactly(value):
    assert same(value, over_the_wire(value))


@count("cases", test=200, soak=100_000)
@given(VALUES)
def test_boto3_reads_the_same_values(value):
    written = to_wire(value)
    boto = TypeDeserializer().deserialize(written)

    assert plain(boto) == plain(from_wire(json.loads(json.dumps(written, default=as_base64))))


def as_base64(value):
    import base64

    return base64.b64encode(value).decode()


def plain(value):
    """boto3's Binary is bytes, and its numbers are all Decimals."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, set):
        return {plain(member) for member in value}
    return getattr(value, "value", value)


@count("cases", test=200, soak=100_000)
@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or 1e-130 <= abs(x) <= 9.99e125))
def test_a_float_is_read_as_the_decimal_that_repr_shows(value):
    read = over_the_wire(value)

    assert type(read) in (int, Decimal)
    assert read == Decimal(repr(value))
    assert float(read) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (1.5, {"N": "1.5"}),
        (-0.0, {"N": "0"}),
        (Decimal("0E+200"), {"N": "0"}),
        (Decimal("1." + "0" * 60), {"N": "1.0000000000000000000000000000000000000"}),
        (10**100, {"N": "1E+100"}),
        (Decimal("9.99E125"), {"N": "9.99E+125"}),
        (True, {"BOOL": True}),
        (None, {"NULL": True}),
        ("", {"S": ""}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        (bytearray(b"ab"), {"B": b"ab"}),
        (memoryview(b"ab"), {"B": b"ab"}),
        (StrEnum("Colour", "RED").RED, {"S": "red"}),
        (IntEnum("Level", "ONE").ONE, {"N": "1"}),
    ],
)
def test_the_wire_form_of(value, stored):
    written = to_wire(value)
    if stored == {"N": "1.0000000000000000000000000000000000000"}:
        assert Decimal(written["N"]) == 1
        assert len(written["N"]) < 40
    else:
        assert written == stored


def test_numbers_are_exact_whatever_the_decimal_context_says():
    value = {"a": [Decimal("1.2345678901234567890123456789012345678"), 12345678901234567890123456789012345678]}
    with localcontext(prec=3):
        assert over_the_wire(value) == value


NESTED = {"inner": 1}
for _ in range(NESTING - 1):
    NESTED = {"inner": NESTED}

CYCLIC: list[object] = []
CYCLIC.append(CYCLIC)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "can't store NaN"),
        (float("inf"), "can't store Infinity"),
        (Decimal("sNaN"), "can't store sNaN"),
        (10**38 + 1, "at most 38 digits, and this one has 39"),
        (Decimal("0." + "1" * 39), "at most 38 digits"),
        (Decimal("1E126"), "must be 0 or between"),
        (Decimal("1E-131"), "must be 0 or between"),
        (1e-200, "must be 0 or between"),
        (1e126, "must be 0 or between"),
        (set(), "a set must not be empty"),
        ({1, "a"}, "must all be str, all bytes, or all numbers"),
        ({None}, "must all be str, all bytes, or all numbers"),
        ({(1, 2)}, "must all be str, all bytes, or all numbers"),
        ({1: 2}, "the key 1 of a map must be a str"),
        (object(), "no type for `object`"),
        (NESTED, "nested more than 32 levels deep"),
        (CYCLIC, "nested more than 32 levels deep"),
    ],
)
def test_what_dynamodb_has_no_value_for_is_refused(value, problem):
    with pytest.raises(InvalidValue, match=problem):
        to_wire(value)


def test_the_error_names_the_path():
    with pytest.raises(InvalidValue, match=r"nan can't be stored(?s:.*)at prices\[1\]\.net$"):
        item_to_wire({"id": "a", "prices": [1, {"net": float("nan")}]})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"]), st.text(max_size=3)
            ),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=10,
)


@count("cases", test=200, soak=100_000)
@given(JSON)
def test_an_answer_that_is_not_in_the_wire_form_is_a_typed_error(value):
    for decode in (from_wire, item_from_wire):
        with contextlib.suppress(InvalidAnswer):
            decode(value)


@count("cases", test=200, soak=100_000)
@given(
    st.one_of(VALUES, st.floats(), st.sets(st.one_of(st.integers(), TEXTS, st.none())), st.decimals(), st.integers())
)
def test_any_value_is_stored_or_refused_with_a_typed_error(value):
    with contextlib.suppress(InvalidValue):
        to_wire([value, {"a": value}])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "abc", "", 5, 5.5, None])
def test_what_is_not_a_number_is_not_read_as_one(text):
    with pytest.raises(InvalidAnswer):
        from_wire({"N": text})


def test_a_number_is_an_int_where_it_is_written_as_one():
    assert type(number("100")) is int
    assert type(number("1.5")) is Decimal
    assert number("1E+3") == 1000
