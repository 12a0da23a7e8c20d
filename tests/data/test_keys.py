"""Keys: no value forges another's key, and keys sort as their values do."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.data.models import Item, User

from taxiway.data import EntityError, InvalidKey
from taxiway.data.keys import AFTER, LAST, Template, ceiling, escape, floor, fold, timestamp

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[LAST]), min_size=1, max_size=20)
# What the delimiter and the escape are made of, and what sorts around them.
tricky = st.text(st.sampled_from("#%$&2035ab\x00 !\x7f~é"), min_size=1, max_size=6)
values = st.tuples(text | tricky, text | tricky)


class Tone(Enum):
    LOW = "low"
    HIGH = "high"


def template(text: str, limit: int = 1024, **types: Any) -> Template:
    return Template("Thing", text, types, {name: name for name in types}, limit)


def render(text: str, value: Any, kind: Any = str) -> str | None:
    return template(text, value=kind).render({"value": value}.__getitem__)


@given(values, values)
def test_different_values_never_give_the_same_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = template("X#{a}#{b}", a=str, b=str)
    rendered = [keys.render(dict(zip("ab", pair, strict=True)).__getitem__) for pair in (one, other)]
    assert (rendered[0] == rendered[1]) == (one == other)


@given(values, values)
def test_keys_sort_as_their_values_do(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = template("X#{a}#{b}", a=str, b=str)
    first, second = (str(keys.render(dict(zip("ab", pair, strict=True)).__getitem__)) for pair in (one, other))
    assert (first.encode() < second.encode()) == (one < other)


@given(text | tricky, values)
def test_the_end_of_a_range_is_above_every_key_of_its_value_and_no_other(end: str, other: tuple[str, str]) -> None:
    keys = template("X#{a}#{b}", a=str, b=str)
    found = str(keys.render(dict(zip("ab", other, strict=True)).__getitem__))
    assert (found < f"{keys.bound('X#', 0, end)}{AFTER}") == (other[0] <= end)


@given(text, text, st.tuples(text, text, text))
def test_the_span_of_values_holds_the_keys_that_have_them_and_no_other(
    a: str, b: str, other: tuple[str, str, str]
) -> None:
    keys = template("X#{a}#Y#{b}#{c}#Z", a=str, b=str, c=str)
    found = str(keys.render(dict(zip("abc", other, strict=True)).__getitem__))
    given = {"a": a, "b": b, "c": other[2]}
    for count in range(4):
        least, greatest = keys.span(count, given.__getitem__)
        assert (least <= found <= greatest) == (list(given.values())[:count] == list(other)[:count])


short = st.text(st.sampled_from("!$Zz\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"), max_size=4)


@given(short, short, st.integers(4, 9))
def test_the_ends_of_a_range_are_cut_to_the_length_of_a_key_and_part_the_same_keys(
    end: str, key: str, limit: int
) -> None:
    assume(len(key.encode()) <= limit and not key.startswith(LAST))
    high, low = ceiling(end, limit), floor(end, limit)
    assert max(len(high.encode()), len(low.encode())) <= limit
    assert (key <= high, key >= low) == (key <= end, key >= end)


@given(text)
def test_a_value_never_holds_the_delimiter_or_a_control_character(value: str) -> None:
    assert not set(escape(value)) & {chr(code) for code in range(0x25)}


def test_ordinary_values_are_stored_as_they_are() -> None:
    assert render("ITEM#{value}", "Ünïcode-1.2_3~x@y") == "ITEM#Ünïcode-1.2_3~x@y"


def test_the_delimiter_in_a_value_is_escaped() -> None:
    assert Item.by_id("1#ITEM").partition == "ITEM#1%23ITEM"
    assert Item.by_id("a\x00b").partition == "ITEM#a%00b"


def test_folded_case_finds_the_same_key() -> None:
    assert User.by_email("A#b@C").partition == User.by_email("a#B@c").partition == "USER#EMAIL#a%23b@c"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (datetime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "X#2026-01-02T03:04:05.000000Z"),
        (datetime, datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))), "X#2026-01-01T22:00:00.000000Z"),
        (date, date(2026, 1, 2), "X#2026-01-02"),
        (UUID, UUID(int=1), "X#00000000-0000-0000-0000-000000000001"),
        (Tone, Tone.HIGH, "X#high"),
        (Literal["a", "b"], "a", "X#a"),
        (str | None, None, None),
    ],
)
def test_how_values_are_written(kind: Any, value: Any, expected: str | None) -> None:
    assert render("X#{value}", value, kind) == expected


def test_numbers_are_padded_so_that_they_sort() -> None:
    assert render("X#{value:06}", 42, int) == "X#000042"
    assert render("X#{value:+06}", 42, int) == "X#000042"
    assert render("X#{value:+06}", -42, int) == "X#-999957"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Decimal, Decimal("4.20"), "250042"),
        (Decimal, Decimal(-12), "049887~"),
        (Decimal, Decimal(0), "1"),
        (float, 0.001, "24971"),
        (float, -0.0, "1"),
        (bool, True, "1"),
        (bool, False, "0"),
    ],
)
def test_other_numbers_are_written_so_that_they_sort(kind: Any, value: Any, expected: str) -> None:
    assert render("{value}", value, kind) == expected


numbers: dict[str, tuple[type[Any], st.SearchStrategy[Any]]] = {
    "{value:+09}": (int, st.integers(-(10**9) + 1, 10**9 - 1)),
    "{value}": (Decimal, st.decimals(allow_nan=False, allow_infinity=False, min_value=-1_000, max_value=1_000)),
    "{value}#x": (Decimal, st.decimals(-(10**125), 10**125, allow_nan=False)),
    "X#{value}": (float, st.floats(allow_nan=False, allow_infinity=False)),
    "X#{value}#x": (bool, st.booleans()),
}


@pytest.mark.parametrize("form", numbers)
@given(data=st.data())
def test_keys_of_numbers_sort_as_the_numbers_do(form: str, data: st.DataObject) -> None:
    kind, values = numbers[form]
    one, other = data.draw(values), data.draw(values)
    first, second = (str(render(form, each, kind)).encode() for each in (one, other))
    assert (first < second, first == second) == (one < other, one == other)


@pytest.mark.parametrize("form", numbers)
@given(data=st.data())
def test_ranges_of_numbers_hold_what_is_in_them(form: str, data: st.DataObject) -> None:
    kind, values = numbers[form]
    bound, other = data.draw(values), data.draw(values)
    keys = template(form, value=kind)
    low = keys.bound(form.partition("{")[0], 0, bound)
    key = str(keys.render({"value": other}.__getitem__))
    assert (key >= low, key > low + AFTER) == (other >= bound, other > bound)


@given(text)
def test_folded_texts_keep_no_case_and_fold_to_themselves(one: str) -> None:
    assert fold(fold(one)) == fold(one)
    assert not set(fold(one)) & set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("É", "é"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("ß", "SS"),
        ("ΣΑΣ", "σας"),
        ("ﬁn", "FIN"),
        ("\uff21", "a"),
        ("\u212a", "k"),
    ],
)
def test_what_differs_in_case_or_in_composition_alone_is_one_value(one: str, other: str) -> None:
    assert render("{value:fold}", one) == render("{value:fold}", other)


def test_a_prefix_finds_a_folded_text_whatever_comes_after_it() -> None:
    keys = template("{value:fold}", value=str)
    for longer in ("ΣΑΣ", "ΣΑΣΑ", "ΣΑΣ X", "ΣΑΣ".lower()):
        assert str(keys.render({"value": longer}.__getitem__)).startswith(keys.beginning("", 0, "ΣΑΣ"))


def test_what_folds_to_the_delimiter_is_encoded() -> None:
    assert render("{value:fold}", "a\uff03b") == "a%23b"


@pytest.mark.parametrize(
    ("form", "kind", "value", "problem"),
    [
        ("{value}", str, "", "must not be empty"),
        ("{value}", str, 5, "no string"),
        ("{value}", str, "\ud800", "lone surrogate"),
        ("{value}", datetime, datetime(2026, 1, 1), "no time zone"),  # noqa: DTZ001  that is the point
        ("{value}", datetime, datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), "out of range"),
        ("{value}", date, datetime(2026, 1, 1, tzinfo=UTC), "no date"),
        ("{value}", UUID, "1", "no UUID"),
        ("{value}", Tone, "high", "no Tone"),
        ("{value:03}", int, 1000, "from 0 to 999"),
        ("{value:03}", int, -1, "from 0 to 999"),
        ("{value:03}", int, True, "no int"),
        ("{value:+03}", int, -1000, "from -999 to 999"),
        ("{value}", Decimal, Decimal("NaN"), "must be finite"),
        ("{value}", Decimal, 1.5, "no Decimal"),
        ("{value}", Decimal, Decimal("1E-501"), "it is out of range"),
        ("{value}", float, float("inf"), "must be finite"),
        ("{value}", float, True, "no float"),
        ("{value}", bool, 1, "no bool"),
        ("{value}", str, "é" * 600, "1024 bytes"),
    ],
)
def test_a_value_that_cannot_be_a_key_is_refused_by_name(form: str, kind: Any, value: Any, problem: str) -> None:
    with pytest.raises(InvalidKey, match=problem) as caught:
        render(f"SECRET#{form}", value, kind)
    assert caught.value.http_status == 400
    assert caught.value.public_detail.startswith("value: it ")
    assert "SECRET" not in caught.value.public_detail


@pytest.mark.parametrize(
    ("text", "types", "problem"),
    [
        ("X#{b}", {"a": str}, r"names \{b\}, which is not a field"),
        ("X#{a}{b}", {"a": str, "b": str}, "neither plain text nor one field"),
        ("X{a}", {"a": str}, "neither plain text nor one field"),
        ("X##{a}", {"a": str}, "neither plain text nor one field"),
        ("", {}, "neither plain text nor one field"),
        ("{a:fold}", {"a": int}, r"\{a:fold\} can't be part"),
        ("{a}", {"a": int}, "with its number of digits"),
        ("{a:+08}", {"a": str}, "can't be part"),
        ("{a:08}", {"a": Decimal}, "can't be part"),
        ("{a}", {"a": list[str]}, "can't be part"),
        ("{a}", {"a": str | int}, "can't be part"),
    ],
)
def test_a_template_that_could_be_ambiguous_is_refused(text: str, types: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(EntityError, match=problem):
        template(text, **types)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.timezones()))
def test_timestamps_sort_as_moments_do(one: datetime, other: datetime) -> None:
    assume(datetime(2, 1, 1) < other.replace(tzinfo=None) < datetime(9998, 1, 1))  # noqa: DTZ001  leaves room for any offset
    # A time that its zone skips or has twice equals none of another zone: https://peps.python.org/pep-0495/
    moment = other.astimezone(UTC)
    assert (timestamp(one) < timestamp(other)) == (one < moment)
    assert datetime.fromisoformat(timestamp(other)) == moment
