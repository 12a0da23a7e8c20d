"""Key templates (`ITEM#{id}`): how values become the text of a key, and why no value can forge another's.

A template is segments with `#` between them; each is plain text or one field. Within a field's text every character up
to and including `%` (control characters, space, `!`, `"`, `#`, `$`, `%`) is percent-encoded. So a field never holds the
delimiter, two different lists of values never give the same key, and keys sort as their lists of values do: the
delimiter sorts below everything that a field can hold, and the encoding keeps the order of what it encodes.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from taxiway.data._types import choices, is_optional, only
from taxiway.data.errors import EntityError, InvalidKey

PARTITION_KEY_BYTES = 2048
SORT_KEY_BYTES = 1024

AFTER = "$"
"""Sorts above the delimiter and below anything that a field can hold: `x$` is just above every key that starts `x#`."""

LAST = "\U0010ffff"
"""Sorts above anything that a key can go on with: it stands for no character, and no field of a key may hold it."""

_MAGNITUDES = 500
"""Added to a number's order of magnitude, so that it is never below zero: a float's is from -324 to 308."""
_FROM_NINE = str.maketrans("0123456789", "9876543210")

_WHOLE_SECONDS = len("2026-01-01T00:00:00+00:00")

Part: TypeAlias = Callable[[Any], str]

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([a-z0-9+]+))?\}")
_LITERAL = re.compile(r"[A-Za-z0-9_.:@-]+")
_UNSAFE = re.compile(r"[\x00-%]")
_WIDTH = re.compile(r"(\+?)0([1-9][0-9]?)")


def timestamp(value: datetime) -> str:
    """ISO 8601 in UTC with six decimals and a Z, so that it sorts. Raises ValueError where there is no time zone."""
    if value.tzinfo is None:
        raise ValueError("it has no time zone")
    if value.tzinfo is not UTC:
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise ValueError("it is out of range in UTC") from None
    text = value.isoformat()
    return f"{text[:26]}Z" if len(text) > _WHOLE_SECONDS else f"{text[:19]}.000000Z"


def escape(text: str) -> str:
    """`text` without the delimiter: injective, and in the same order."""
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)


def fold(text: str) -> str:
    """`text` as it is compared without regard to case or to how its characters are composed.

    The same for É, é, and e with a combining accent, and for ß and SS: a compatibility caseless match, definition D146
    of https://www.unicode.org/versions/latest/core-spec/chapter-3/#G53253.
    """
    if text.isascii():
        return text.lower()
    from unicodedata import normalize

    return normalize("NFKC", normalize("NFKC", normalize("NFD", text).casefold()).casefold())


def below(key: str) -> str:
    """Sorts just below a key, and above every other that does: an end of a range that leaves the key out."""
    before = ord(key[-1]) - 1
    return key[:-1] + chr(0xD7FF if before == 0xDFFF else before) + LAST


def ceiling(text: str, limit: int = SORT_KEY_BYTES) -> str:
    """The upper end of a range no longer than a key can be: the same keys are up to it as up to `text`."""
    if len(text) * 4 <= limit or len(text.encode()) <= limit:
        return text
    count = size = 0
    while size + len(text[count].encode()) <= limit:
        size += len(text[count].encode())
        count += 1
    # What a key can have in the place of the character cut off has fewer bytes, and sorts below it.
    return text[:count] + ("", "\x7f", "\u07ff", "\uffff")[limit - size]


def floor(text: str, limit: int = SORT_KEY_BYTES) -> str:
    """The lower end of a range no longer than a key can be: the same keys are from it on as from `text` on."""
    last = ceiling(text, limit)
    if last == text:
        return text
    while last:  # has as many bytes as fit: the next key has a greater character in it
        code = ord(last[-1]) + 1
        last = last[:-1]
        following = "" if code > ord(LAST) else last + chr(0xE000 if code == 0xD800 else code)
        if following and len(following.encode()) <= limit:
            return following
    return LAST


class Template:
    """The template of one key of an entity. `fields` are the names in it, in order, and `prefix` what precedes them."""

    def __init__(self, entity: str, text: str, types: Mapping[str, Any], labels: Mapping[str, str], limit: int) -> None:
        self.text = text
        self.limit = limit
        self._entity = entity
        self._labels = labels
        self._parts: list[tuple[str, Part]] = []
        segments: list[str] = []
        for segment in text.split("#"):
            field = _FIELD.fullmatch(segment)
            if field and field[1] not in types:
                raise EntityError(
                    entity,
                    f"the key {text!r} names {{{field[1]}}}, which is not a field",
                    fix=f"use one of {', '.join(types)}",
                )
            if not field and not _LITERAL.fullmatch(segment):
                raise EntityError(
                    entity,
                    f"the segment {segment!r} of the key {text!r} is neither plain text nor one field",
                    fix="separate with # what are segments of their own: ITEM#{category}#{id}",
                )
            if field:
                self._parts.append((field[1], self._part(field[1], types[field[1]], field[2])))
            segments.append("%s" if field else segment)
        self._segments = segments
        self._format = "#".join(segments)
        self.fields = tuple(name for name, _ in self._parts)
        self.prefix = text[: text.index("{")] if self.fields else text
        self.optional = any(is_optional(types[name]) for name in self.fields)

    def render(self, get: Callable[[str], Any]) -> str | None:
        """The key, from a function that gives a field's value; None where a value is None: an index leaves it out.

        Raises InvalidKey where a value is empty, of another type than the field's, or too long.
        """
        if not self.fields:
            return self.text
        pieces: list[str] = []
        for name, part in self._parts:
            value = get(name)
            if value is None:
                return None
            pieces.append(self._checked(name, part, value))
        text = self._format % (*pieces,)
        if len(text) * 4 > self.limit:
            self._check_length(max(self.fields, key=lambda field: len(str(get(field)))), text)
        return text

    def span(self, count: int, get: Callable[[str], Any]) -> tuple[str, str]:
        """The least and the greatest key whose first `count` fields have these values; empty where nothing bounds it.

        Raises InvalidKey as `render` does.
        """
        if count == len(self.fields):
            whole = str(self.render(get))
            return whole, whole
        place = [segment for segment, text in enumerate(self._segments) if text == "%s"][count]
        pieces = [self._checked(name, part, get(name)) for name, part in self._parts[:count]]
        least = "".join(f"{segment}#" for segment in self._segments[:place]) % (*pieces,)
        if count:
            self._check_length(self._parts[count - 1][0], least)
        return least, least[:-1] + AFTER if least else ""

    def bound(self, before: str, position: int, value: Any) -> str:
        """The key up to a value of the field at a position, from what is before it. Raises InvalidKey as `render`."""
        name, part = self._parts[position]
        return self._check_length(name, before + self._checked(name, part, value))

    def beginning(self, before: str, position: int, text: str) -> str:
        """As `bound`, up to the beginning of a field's text. Raises InvalidKey where no field begins so."""
        name, part = self._parts[position]
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
            raise self._invalid(name, "a prefix is a str", "it is no string")
        if part is _text or part is _folded:
            return self._check_length(name, before + (self._checked(name, part, text) if text else ""))
        if "#" in text:
            raise self._invalid(name, f"nothing in it begins with {text!r}: one field has no #", "it holds a #")
        return self._check_length(name, before + escape(text))

    @property
    def folded(self) -> frozenset[str]:
        """The fields that stand in it folded: from the key alone it isn't known how they are written."""
        return frozenset(name for name, part in self._parts if part is _folded)

    @property
    def shape(self) -> str:
        """The template without its fields' names: two entities of the same shape can share a partition."""
        return _FIELD.sub(lambda match: f"{{:{match[2] or ''}}}", self.text)

    def _checked(self, name: str, part: Part, value: Any) -> str:
        try:
            text = part(value)
            if not text.isascii():
                text.encode()
        except UnicodeEncodeError:
            raise self._invalid(name, "it holds a lone surrogate", "it is no valid text") from None
        except ValueError as error:
            raise self._invalid(name, str(error), str(error)) from None
        return text

    def _check_length(self, name: str, text: str) -> str:
        if len(text) * 4 > self.limit and len(text.encode()) > self.limit:
            raise self._invalid(name, f"it makes the key longer than {self.limit} bytes", "it is too long")
        return text

    def _invalid(self, name: str, problem: str, public: str) -> InvalidKey:
        return InvalidKey(
            f"{self._entity}.{name} can't be part of the key {self.text!r}: {problem}.",
            public_detail=f"{self._labels[name]}: {public}.",
        )

    def _part(self, name: str, annotation: Any, form: str | None) -> Part:
        kind = only(annotation)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _enum(kind, self._plain(name, type(next(iter(kind)).value), form))
        plain = self._plain(name, kind, form)
        values = choices(annotation)
        return _one_of(values, plain) if values and form is None else plain

    def _plain(self, name: str, kind: Any, form: str | None) -> Part:
        width = _WIDTH.fullmatch(form or "")
        if kind is str and form in (None, "fold"):
            return _text if form is None else _folded
        if kind is int and width:
            return _padded(int(width[2]), signed=bool(width[1]))
        if form is None and kind in _PLAIN:
            return _PLAIN[kind]
        raise EntityError(
            self._entity,
            f"{{{name}{':' + form if form else ''}}} can't be part of the key {self.text!r}",
            fix="use a str ({name} or {name:fold}), an int with its number of digits ({name:08}, or {name:+08} if it "
            "can be negative), a Decimal, a float, a bool, a datetime, a date, a UUID, or an Enum or Literal of str",
        )


def _of(kind: type, value: Any) -> None:
    # A bool is an int, and a datetime is a date: the exact class is meant.
    if type(value) is not kind:
        raise ValueError(f"it is no {kind.__name__}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("it is no string")
    if not value:
        raise ValueError("it must not be empty")
    if value.isalnum():
        return value
    if LAST in value:
        raise ValueError("it must not hold U+10FFFF, which is no character")
    return escape(value)


def _folded(value: Any) -> str:
    return _text(fold(value) if isinstance(value, str) else value)


def _padded(width: int, *, signed: bool) -> Part:
    """The digits of a number; below zero a minus, which sorts below them, and what is left to the greatest number."""
    most = 10**width - 1
    least = -most if signed else 0

    def part(value: Any) -> str:
        _of(int, value)
        if not least <= value <= most:
            raise ValueError(f"it must be from {least} to {most}")
        return f"{value:0{width}d}" if value >= 0 else f"-{most + value:0{width}d}"

    return part


def _number(value: Any) -> str:
    if type(value) not in (Decimal, int):
        raise ValueError("it is no Decimal")
    return ordered(Decimal(value))


def _float(value: Any) -> str:
    if type(value) not in (float, int):
        raise ValueError("it is no float")
    return ordered(Decimal(repr(value)))


def ordered(value: Decimal) -> str:
    """A number as text that sorts as numbers do: its sign, its order of magnitude, then its digits.

    `2` stands before what is above zero, `1` for zero, and `0` before what is below: of that every digit is taken from
    9, and a `~` ends it, so that a greater magnitude sorts first. Raises ValueError for NaN and Infinity.
    """
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("it must be finite")
    if not value:
        return "1"
    if not -_MAGNITUDES < value.adjusted() < _MAGNITUDES:
        raise ValueError("it is out of range")
    text = f"{value.adjusted() + _MAGNITUDES:03d}{''.join(map(str, digits)).rstrip('0')}"
    return f"0{text.translate(_FROM_NINE)}~" if sign else f"2{text}"


def _bool(value: Any) -> str:
    _of(bool, value)
    return "1" if value else "0"


def _datetime(value: Any) -> str:
    if value.__class__ is not datetime:
        _of(datetime, value)
    return timestamp(value)


def _date(value: Any) -> str:
    _of(date, value)
    return value.isoformat()


def _uuid(value: Any) -> str:
    _of(UUID, value)
    return str(value)


def _one_of(values: frozenset[Any], plain: Part) -> Part:
    def part(value: Any) -> str:
        text = plain(value)
        if value not in values:
            raise ValueError(f"it is none of {', '.join(sorted(map(repr, values)))}")
        return text

    return part


def _enum(kind: type[Enum], plain: Part) -> Part:
    def part(value: Any) -> str:
        if not isinstance(value, kind):
            raise ValueError(f"it is no {kind.__name__}")
        return plain(value.value)

    return part


_PLAIN: dict[Any, Part] = {
    str: _text,
    datetime: _datetime,
    date: _date,
    UUID: _uuid,
    Decimal: _number,
    float: _float,
    bool: _bool,
}
