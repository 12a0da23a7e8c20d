"""Which keys a template can become: held against the keys that `taxiway.data` really renders."""

from datetime import UTC, date, datetime
from enum import Enum
from itertools import product
from typing import Any, Literal
from uuid import UUID

import pytest
from msgspec import inspect

from taxiway.data.keys import Template
from taxiway.patterns.templates import KeyTemplate, key_template


class Colour(Enum):
    RED = "RED"
    DARK_RED = "dark red"


VALUES: dict[str, tuple[Any, list[Any]]] = {
    "text": (str, ["x", "RED", "red", "0042", "2026-01-01", "dark red", "a#b", str(UUID(int=7)), "ITEM"]),
    "maybe": (str | None, ["x", "RED"]),
    "number": (int, [0, 42]),
    "day": (date, [date(2026, 1, 1)]),
    "moment": (datetime, [datetime(2026, 1, 1, tzinfo=UTC)]),
    "unique": (UUID, [UUID(int=7)]),
    "colour": (Colour, list(Colour)),
    "kind": (Literal["RED", "42"], ["RED", "42"]),
}
TYPES = {name: kind for name, (kind, _) in VALUES.items()}

TEMPLATES = [
    *("ITEM", "RED", "red", "{text}", "{text:fold}", "{maybe}", "{number:04}", "{number:02}", "{day}", "{moment}"),
    *("{unique}", "{colour}", "{colour:fold}", "{kind}", "ITEM#{text}", "{text}#RED", "{number:04}#{colour}"),
]


def read(text: str) -> KeyTemplate:
    return key_template(text, {name: inspect.type_info(kind) for name, kind in TYPES.items()})


def rendered(text: str) -> set[str]:
    """Keys of a template, one for each combination of the values above."""
    template = Template("Thing", text, TYPES, dict.fromkeys(TYPES, ""), 2048)
    choices = [VALUES[name][1] for name in template.fields]
    keys = {
        template.render(dict(zip(template.fields, values, strict=True)).__getitem__) for values in product(*choices)
    }
    return {key for key in keys if key is not None}


@pytest.mark.parametrize("one", TEMPLATES)
def test_two_templates_that_give_the_same_key_are_said_to_meet(one: str) -> None:
    for other in TEMPLATES:
        if rendered(one) & rendered(other):
            assert read(one).meets(read(other)), f"{one} and {other} give {rendered(one) & rendered(other)}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ITEM", "USER"),
        ("ITEM#{text}", "USER#{text}"),
        ("ITEM#{text}", "ITEM"),
        ("{text}#RED", "{text}"),
        ("{text:fold}", "RED"),
        ("{text:fold}", "{moment}"),
        ("{number:04}", "{number:02}"),
        ("{number:04}", "{day}"),
        ("{day}", "{moment}"),
        ("{unique}", "{number:04}"),
        ("{colour}", "blue"),
        ("{colour:fold}", "{kind}"),
    ],
)
def test_two_templates_that_never_give_the_same_key_do_not_meet(one: str, other: str) -> None:
    assert not read(one).meets(read(other))
    assert not read(other).meets(read(one))


@pytest.mark.parametrize(
    ("query", "stored", "seen"),
    [
        ("{moment}#{text}", "TASK#{text}", True),  # no plain text at its beginning: it reads the whole partition
        ("TASK#{text}", "TASK#{day}#{text}", True),
        ("TASK#{text}", "{text}#RED", True),
        ("TASK#{text}", "TASK", False),
        ("TASK#{text}", "USER#{text}", False),
        ("TASK", "TASK", True),
        ("TASK", "TASK#{text}", False),
    ],
)
def test_a_query_sees_the_sort_keys_in_its_range(query: str, stored: str, seen: bool) -> None:
    assert read(query).sees(read(stored)) is seen
