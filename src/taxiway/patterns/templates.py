"""The keys that a template can produce, and whether two templates can produce the same key.

A template consists of segments between `#`. The value of a segment never contains a `#`, so two templates can produce
the same text only if they have the same number of segments and each pair of segments can be equal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import inspect

from taxiway.data.keys import escape, fold

_FIELD = re.compile(r"\{(\w+)(?::([\w+]+))?\}")


@dataclass(frozen=True)
class Values:
    """The possible values of a segment: every text of `form`; `count` of them, or None for unlimited.

    Of two forms, one includes the other, or they have no value in common, or they are lists of values. So examples
    (one of an unlimited form, all of a list) show whether two forms have a value in common.
    """

    form: re.Pattern[str]
    examples: tuple[str, ...]
    count: int | None = None

    def meet(self, other: "Values") -> bool:
        return any(other.form.fullmatch(text) for text in self.examples) or any(
            self.form.fullmatch(text) for text in other.examples
        )


@dataclass(frozen=True)
class Segment:
    """One part of a template: a field (`name`), or plain text (None)."""

    name: str | None
    values: Values


@dataclass(frozen=True)
class KeyTemplate:
    """One key of an entity: `ITEM#CATEGORY#{category}`."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(segment.name for segment in self.segments if segment.name is not None)

    def range(self, given: int = 0) -> tuple[Segment, ...]:
        """What a query is bounded to whose arguments give so many fields: what precedes the first that is not given."""
        names = [position for position, segment in enumerate(self.segments) if segment.name is not None]
        return self.segments[: names[given] if given < len(names) else len(self.segments)]

    def meets(self, other: "KeyTemplate") -> bool:
        """Whether a key of this template can be a key of the other."""
        return len(self.segments) == len(other.segments) and _meet(self.segments, other.segments)

    def sees(self, other: "KeyTemplate", given: int = 0) -> bool:
        """Whether a query over this sort key finds sort keys of the other, in a partition that both are in.

        `given` is how many of its fields the query's arguments give.
        """
        if given == len(self.fields):
            return self.meets(other)
        bounds = self.range(given)
        return len(other.segments) > len(bounds) and _meet(bounds, other.segments)


def key_template(text: str, types: Mapping[str, inspect.Type]) -> KeyTemplate:
    """The template, given the types of the entity's fields."""
    segments: list[Segment] = []
    for part in text.split("#"):
        field = _FIELD.fullmatch(part)
        segments.append(Segment(field[1], _values(types[field[1]], field[2])) if field else Segment(None, _list(part)))
    return KeyTemplate(text, tuple(segments))


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without its metadata, and without None where that leaves one."""
    if isinstance(kind, inspect.Metadata):
        return bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        others = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        return bare(others[0]) if len(others) == 1 else kind
    return kind


def is_optional(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.Metadata):
        return is_optional(kind.type)
    if isinstance(kind, inspect.LiteralType):
        return None in kind.values
    return isinstance(kind, inspect.UnionType) and any(isinstance(member, inspect.NoneType) for member in kind.types)


def _meet(ours: tuple[Segment, ...], theirs: tuple[Segment, ...]) -> bool:
    return all(one.values.meet(other.values) for one, other in zip(ours, theirs, strict=False))


def _values(kind: inspect.Type, form: str | None) -> Values:
    kind = bare(kind)
    if isinstance(kind, inspect.EnumType):
        return _of(form, *(member.value for member in kind.cls))
    if isinstance(kind, inspect.LiteralType):
        return _of(form, *kind.values)
    if isinstance(kind, inspect.IntType):
        return _number(form)
    if isinstance(kind, inspect.BoolType):
        return _list("0", "1")
    return next((values for types, values in _ENDLESS if isinstance(kind, types)), _FOLDED if form == "fold" else _TEXT)


def _of(form: str | None, *values: object) -> Values:
    """The list of values of an Enum or a Literal, as they are written in a key."""
    width = int(form) if form and form.isdigit() else 0
    return _list(*(escape(fold(str(value)) if form == "fold" else str(value)).rjust(width, "0") for value in values))


def _list(*values: str) -> Values:
    return Values(re.compile("|".join(map(re.escape, values))), values, len(values))


def _number(form: str | None) -> Values:
    width, signed = int(form or 1), (form or "").startswith("+")
    shape = rf"{'-?' if signed else ''}\d{{{width}}}"
    return Values(re.compile(shape), ("0" * width,), 10**width * (2 if signed else 1))


_TEXT = Values(re.compile(r".+", re.DOTALL), ("x",))
_FOLDED = Values(re.compile(r"[^A-Z]+"), ("x",))
_ORDERED = Values(re.compile(r"1|2\d{4,}|0\d{4,}~"), ("25014",))
_ENDLESS: tuple[tuple[type[inspect.Type], Values], ...] = (
    (inspect.DecimalType, _ORDERED),
    (inspect.FloatType, _ORDERED),
    (
        inspect.DateTimeType,
        Values(re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), ("2026-01-01T00:00:00.000000Z",)),
    ),
    (inspect.DateType, Values(re.compile(r"\d{4}-\d\d-\d\d"), ("2026-01-01",))),
    (
        inspect.UUIDType,
        Values(re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), (f"{0:08}-0000-0000-0000-{0:012}",)),
    ),
)
