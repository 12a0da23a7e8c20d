"""What must hold of an item for a write to be carried out: as a condition, and as the error when it does not hold."""

import time
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from taxiway.data.conditions import Condition
from taxiway.data.encoding import ENTITY, EXPIRES, WIDEST, Codec
from taxiway.data.errors import (
    AlreadyExists,
    ConditionFailed,
    Contended,
    DataError,
    Missing,
    StoredItemInvalid,
    VersionMismatch,
)
from taxiway.data.expressions import Expression, Named
from taxiway.data.patterns import PARTITION, Key
from taxiway.data.write_ids import WRITE
from taxiway.sdk.dynamodb import Item

Presence: TypeAlias = Literal["present", "absent", "either"]
Form: TypeAlias = Literal["any", "known", "current"]


class Guard:
    """What a write of the item at `key` depends on. Nothing else makes it fail.

    `presence` says whether there must be an item; one that has expired is none. `required` is a condition of the
    caller's and `expected` a version. Unless `form` is "any", what is stored must be of this entity, and of a schema
    version that this code knows ("known") or of the present one ("current"). With `basis`, these fields must be as they
    were read, in `read`, None where there was no item. `above` is a version that must be higher than the stored one.
    Unless it `lives`, an item that has expired may be written too.
    """

    def __init__(
        self,
        key: Key[Any],
        presence: Presence,
        *,
        required: Condition | None = None,
        expected: int | None = None,
        form: Form = "any",
        lives: bool = True,
        basis: tuple[Named, ...] = (),
        read: Item | None = None,
        above: int | None = None,
    ) -> None:
        self.key = key
        self.codec: Codec = key.entity.__codec__
        self._presence: Presence = presence
        self._required = required
        self._expected = expected
        self._form: Form = form
        self._lives = lives
        self._basis = basis
        self._read = read
        self._above = above

    def render(self, expression: Expression) -> list[str]:
        """The conditions, all of which must hold."""
        now = int(time.time())
        if self._presence == "absent":
            return [absent(self.codec, expression, now)]
        found = [f"attribute_exists({PARTITION})"] if self._presence == "present" else []
        if self._form != "any":
            evolution = self.codec.evolution
            found.append(own(self.codec, expression))
            found.append((evolution.holds if self._form == "current" else evolution.knows)(expression))
        if self._basis:
            none = [f"attribute_not_exists({PARTITION})"]
            found += none if self._read is None else expression.holds(self._read, self._basis)
        if self._expected is not None:
            found.append(f"{expression.name(self._version)} = {expression.value(self._expected)}")
        found += self._asked(expression, now)
        if self._above is not None:
            version = expression.name(self._version)
            found.append(f"(attribute_not_exists({version}) OR {version} < {expression.value(self._above)})")
        return found

    def arguments(self, expression: Expression, more: Sequence[str] = ()) -> dict[str, Any]:
        """The conditions as the AWS client takes them, with `more` that must hold."""
        return expression.arguments([*self.render(expression), *more])

    def explain(self, row: Item | None) -> DataError:
        """Why it did not hold, from the item that it was checked against; Contended where that was another writer."""
        is_above = self._above is None or row is None or self._is_below(row, self._above)
        if row is not None and self.codec.has_expired(row, time.time()):
            row = None
        if self._presence == "absent":
            return AlreadyExists(f"{self.key} exists already.")
        if self._presence == "present" and row is None:
            return Missing(f"There is no {self.key}.")
        if self._form != "any" and row is not None:
            try:
                self.codec.check_readable(row, str(self.key))
            except StoredItemInvalid as error:
                return error
            if self._form == "current" and self.codec.evolution.is_other(row):
                return overtaken(self.key)
        stale = mismatch(self.key, self._expected, row or {})
        if stale is not None:
            return stale
        if not is_above or self._is_overtaken(row) or self._required is None:
            return overtaken(self.key)
        return condition_failed(self.key, row)

    @property
    def _version(self) -> str:
        return self.codec.fields[self.key.entity.__roles__["version"]].stored

    def _asked(self, expression: Expression, now: int) -> list[str]:
        """The caller's condition, where what has expired is nothing."""
        text = None if self._required is None else self._required.render(expression)
        if not self._lives:
            return [] if text is None else [text]
        if self._presence == "present" or self._expected is not None:
            return ([] if text is None else [text]) + alive(self.codec, expression, now)
        if text is None or self._required is None:
            return []
        if not self.codec.expires or not self._required.of_nothing:
            return [text, *alive(self.codec, expression, now)]
        return [f"({text} OR {expression.name(EXPIRES)} <= {expression.value(now)})"]

    def _is_below(self, row: Item, version: int) -> bool:
        stored = row.get(self._version)
        return not isinstance(stored, int) or stored < version

    def _is_overtaken(self, row: Item | None) -> bool:
        read = self._read
        if read is not None and self.codec.has_expired(read, time.time()):
            read = None
        return bool(self._basis) and not unchanged(read, row, self._basis)


class _WriteId:
    stored = WRITE


def as_read(entity: type[Any]) -> tuple[Named, ...]:
    """The fields that show whether an item is as it was read: all, because `put_many` sets its version back.

    An expression holds 300 operators and 4 KB, too few for all fields of a wide entity. Every write of one gives it a
    new write id, which shows it together with its version.
    """
    codec: Codec = entity.__codec__
    if len(codec.fields) <= WIDEST:
        return tuple(codec.fields.values())
    version = entity.__roles__.get("version")
    return (_WriteId(),) if version is None else (_WriteId(), codec.fields[version])


def unchanged(before: Item | None, after: Item | None, fields: tuple[Named, ...]) -> bool:
    """Whether an item is as it was read, in these fields."""
    if before is None or after is None:
        return before is after
    return all(before.get(field.stored) == after.get(field.stored) for field in fields)


def alive(codec: Codec, expression: Expression, moment: int) -> list[str]:
    """The condition that an item hasn't expired; none for an entity that doesn't."""
    if not codec.expires:
        return []
    name = expression.name(EXPIRES)
    return [f"(attribute_not_exists({name}) OR {name} > {expression.value(moment)})"]


def absent(codec: Codec, expression: Expression, now: int) -> str:
    """The condition that there is no item, or one that has expired."""
    text = f"attribute_not_exists({PARTITION})"
    return f"({text} OR {expression.name(EXPIRES)} <= {expression.value(now)})" if codec.expires else text


def own(codec: Codec, expression: Expression) -> str:
    """The condition that what is stored is an item of this entity; none is, and so is one that doesn't say."""
    name = expression.name(ENTITY)
    return f"(attribute_not_exists({name}) OR {name} = {expression.value(codec.name)})"


def mismatch(key: Key[Any], expected: int | None, stored: Item) -> VersionMismatch | None:
    """The error where what is stored is not at the version expected."""
    if expected is None:
        return None
    entity = key.entity
    actual = stored.get(entity.__codec__.fields[entity.__roles__["version"]].stored)
    if actual == expected:
        return None
    return VersionMismatch(f"{key} is at version {actual}, not {expected}.", actual=actual)


def check_version(key: Key[Any], expected: int | None, stored: Item) -> None:
    """Raise VersionMismatch where what is stored is not at the version expected."""
    found = mismatch(key, expected, stored)
    if found is not None:
        raise found


def condition_failed(key: Key[Any], row: Item | None, text: str = "") -> ConditionFailed:
    """The error with the item as it is; `text` says what can't be done to it."""
    codec: Codec = key.entity.__codec__
    if row is not None and codec.has_expired(row, time.time()):
        row = None
    current = None if row is None else codec.decode(dict(row), str(key))
    if text:
        return ConditionFailed(f"{key} can't be changed so: {text}", current=current, public_detail=text)
    return ConditionFailed(f"The condition on {key} doesn't hold.", current=current)


def overtaken(key: object) -> Contended:
    """The error where another writer came between."""
    return Contended(f"{key} was changed by another writer in the meantime.")
