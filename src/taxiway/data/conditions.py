"""Conditions on an item's attributes: `Item.price > 10`, `attr(Item.name).begins_with("A")`, and `&`, `|`, `~` of them.

On the class, a field is a path; on an object it is the value. A type checker knows the second alone and takes
`Item.price > 10` for a bool, which the verbs therefore accept; `attr` tells it the truth, where a method of the path is
wanted or the field may be None (docs/decisions/0005-conditions-from-class-attributes.md).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from types import MemberDescriptorType
from typing import Any, Generic, TypeVar, cast

import msgspec

from taxiway.data.encoding import Field, plain
from taxiway.data.errors import EntityError
from taxiway.data.expressions import Expression
from taxiway.data.update_actions import UpdateAction, add

T = TypeVar("T")

OPERANDS = 100
"""How many values DynamoDB's IN takes."""
OPERATORS = 300
"""How many operators and functions an expression of DynamoDB's can have:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""


class Condition:
    """Something that is true of an item or not. It is no bool: `&`, `|` and `~` combine conditions.

    `of_nothing` is whether it is true where there is no item. `pieces` are its text for DynamoDB and what renders the
    rest of it, in a row: conditions of any number are joined without nesting.
    """

    __slots__ = ("entities", "of_nothing", "operators", "pieces", "shown")

    def __init__(
        self,
        entities: frozenset[str],
        shown: tuple[str, ...],
        pieces: tuple[str | Callable[[Expression], str], ...],
        *,
        of_nothing: bool = False,
        operators: int = 1,
    ) -> None:
        self.entities = entities
        self.pieces = pieces
        self.of_nothing = of_nothing
        self.operators = operators
        self.shown = shown

    @property
    def text(self) -> str:
        """The condition as it was written, for a message."""
        return "".join(self.shown)

    def render(self, expression: Expression) -> str:
        """The condition as DynamoDB takes it. Raises EntityError for more operators than it takes."""
        if self.operators > OPERATORS:
            raise EntityError(
                " and ".join(sorted(self.entities)),
                f"a condition has {self.operators} operators, and DynamoDB takes {OPERATORS}",
                fix="use is_in for up to 100 values of one field, or several requests",
            )
        return "".join([piece if isinstance(piece, str) else piece(expression) for piece in self.pieces])

    def __and__(self, other: "Condition | bool") -> "Condition":
        return self._joined("AND", "&", other, all)

    def __or__(self, other: "Condition | bool") -> "Condition":
        return self._joined("OR", "|", other, any)

    # What a checker takes for a bool may stand first.
    def __rand__(self, other: bool) -> "Condition":
        return condition_of(other) & self

    def __ror__(self, other: bool) -> "Condition":
        return condition_of(other) | self

    def __invert__(self) -> "Condition":
        return Condition(
            self.entities,
            ("~(", *self.shown, ")"),
            ("(NOT ", *self.pieces, ")"),
            of_nothing=not self.of_nothing,
            operators=self.operators + 1,
        )

    def __bool__(self) -> bool:
        raise EntityError(
            " and ".join(sorted(self.entities)),
            f"{self.text} is a condition for the table to check, and neither true nor false here",
            fix="combine conditions by &, | and ~, with each in parentheses; a range is between(low, high)",
        )

    def __str__(self) -> str:
        return f"({self.text})"

    def __repr__(self) -> str:
        return f"<Condition {self.text}>"

    def _joined(
        self, operator: str, sign: str, other: "Condition | bool", of: Callable[[Iterable[bool]], bool]
    ) -> "Condition":
        second = condition_of(other)
        return Condition(
            self.entities | second.entities,
            ("(", *self.shown, f") {sign} (", *second.shown, ")"),
            ("(", *self.pieces, f" {operator} ", *second.pieces, ")"),
            of_nothing=of((self.of_nothing, second.of_nothing)),
            operators=self.operators + second.operators + 1,
        )


class _Operand:
    """What can be compared: a path, or its size."""

    entity: str
    text: str

    def name(self, expression: Expression) -> str:
        raise NotImplementedError

    def encode(self, value: Any) -> Any:
        raise NotImplementedError

    def condition(self, text: str, form: str, *values: Any, of_nothing: bool = False) -> Condition:
        """A condition whose form has the path as `{0}`, and the values (or other paths) after it."""
        entities, operands = {self.entity}, list[Callable[[Expression], str]]()
        for value in values:
            if isinstance(value, _Operand):
                entities.add(value.entity)
                operands.append(value.name)
            else:
                operands.append(_literal(self.encode(value)))
        return Condition(
            frozenset(entities),
            (f"{self.text} {text}",),
            (lambda expression: form.format(self.name(expression), *(operand(expression) for operand in operands)),),
            of_nothing=of_nothing,
        )

    def compared(self, sign: str, form: str, value: Any) -> Condition:
        # DynamoDB takes what isn't there for unequal to everything, and for nothing else.
        return self.condition(f"{sign} {_shown(value)}", form, value, of_nothing=sign == "!=")

    def ordered(self, value: Any) -> Any:
        """A value as it is stored. Raises EntityError where it has no order, and DynamoDB would refuse to compare."""
        stored = self.encode(value)
        if isinstance(stored, bool) or not isinstance(stored, int | float | Decimal | str | bytes):
            raise EntityError(
                self.entity,
                f"{self.text} can't be less or more than {_shown(value)}",
                fix="compare it so with a number, a text, bytes or a moment; and with others by == and !=",
            )
        return stored

    def compared_by_order(self, sign: str, value: Any) -> Condition:
        if not isinstance(value, _Operand):
            self.ordered(value)
        return self.compared(sign, f"{{0}} {sign} {{1}}", value)

    def __lt__(self, value: Any) -> Condition:
        return self.compared_by_order("<", value)

    def __le__(self, value: Any) -> Condition:
        return self.compared_by_order("<=", value)

    def __gt__(self, value: Any) -> Condition:
        return self.compared_by_order(">", value)

    def __ge__(self, value: Any) -> Condition:
        return self.compared_by_order(">=", value)

    def __eq__(self, value: Any) -> Condition:  # type: ignore[override]  a condition, as on every path
        return self.compared("==", "{0} = {1}", value)

    def __ne__(self, value: Any) -> Condition:  # type: ignore[override]  the same
        return self.compared("!=", "{0} <> {1}", value)

    __hash__ = object.__hash__


class Size(_Operand):
    """How many characters, bytes or members a value has."""

    def __init__(self, path: "Path[Any]") -> None:
        self.entity = path.entity
        self.text = f"{path.text}.size()"
        self._path = path

    def name(self, expression: Expression) -> str:
        return f"size({self._path.name(expression)})"

    def encode(self, value: Any) -> Any:
        if type(value) is not int:
            raise EntityError(
                self.entity, f"{self.text} is compared with {_shown(value)}", fix="compare it with an int"
            )
        return value


class Path(_Operand, Generic[T]):
    """Where a value is in an item: an attribute, or `[0]`, `["key"]` or `.field` inside one."""

    def __init__(self, entity: str, field: Field, steps: tuple[str | int, ...] = ()) -> None:
        self.entity = entity
        self.field = field
        self.steps = steps
        self.text = f"{entity}.{field.name}" + "".join(f"[{step!r}]" for step in steps)

    def begins_with(self, prefix: str | bytes) -> Condition:
        """Whether a text or bytes begin so. A timestamp's text is `2026-11-22T…Z`."""
        if not isinstance(prefix, str | bytes):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
            raise EntityError(self.entity, f"{self.text} can't begin with {_shown(prefix)}", fix="give a str or bytes")
        literal = _literal(prefix)
        return Condition(
            frozenset((self.entity,)),
            (f"{self.text} begins with {prefix!r}",),
            (lambda expression: f"begins_with({self.name(expression)}, {literal(expression)})",),
        )

    def contains(self, value: Any) -> Condition:
        """Whether a text has this text in it, or a set or list this member."""
        literal = _literal(self._checked(lambda: plain(value), value))
        return Condition(
            frozenset((self.entity,)),
            (f"{self.text} contains {_shown(value)}",),
            (lambda expression: f"contains({self.name(expression)}, {literal(expression)})",),
        )

    def is_in(self, values: Iterable[T]) -> Condition:
        """Whether it is one of 1 to 100 values."""
        choices = list(values)
        if not 1 <= len(choices) <= OPERANDS:
            raise EntityError(self.entity, f"{self.text}.is_in has {len(choices)} values", fix=f"give 1 to {OPERANDS}")
        slots = ", ".join(f"{{{n}}}" for n in range(1, len(choices) + 1))
        shown = ", ".join(map(_shown, choices))
        return self.condition(f"is in {shown}", f"{{0}} IN ({slots})", *choices)

    def between(self, low: T, high: T) -> Condition:
        """Whether it is from `low` to `high`, both included; never, where `low` is the greater."""
        text = f"is from {_shown(low)} to {_shown(high)}"
        bounds = [self.ordered(value) for value in (low, high) if not isinstance(value, _Operand)]
        if len(bounds) == 2:
            try:
                is_empty = bounds[0] > bounds[1]
            except TypeError:
                raise EntityError(
                    self.entity, f"{self.text} can't be {text[3:]}: they are of two types", fix="give two of one type"
                ) from None
            if is_empty:
                return self.condition(text, "(attribute_exists({0}) AND attribute_not_exists({0}))")
        return self.condition(text, "{0} BETWEEN {1} AND {2}", low, high)

    def exists(self) -> Condition:
        """Whether there is such an attribute. One of None is there where the field's default is another value."""
        return self.condition("exists", "attribute_exists({0})")

    def size(self) -> Size:
        """How many characters, bytes or members it has."""
        return Size(self)

    def __eq__(self, value: Any) -> Condition:  # type: ignore[override]  a condition
        if not isinstance(value, _Operand) and not _is_data(value):
            return NotImplemented  # who looks through a class's attributes finds no equal, and no error
        if self._is_absent(value):
            null = _literal(None)
            return Condition(
                frozenset((self.entity,)),
                (f"{self.text} == {value!r}",),
                (
                    lambda expression: (
                        f"(attribute_not_exists({self.name(expression)}) OR "
                        f"{self.name(expression)} = {null(expression)})"
                    ),
                ),
                of_nothing=True,
                operators=3,
            )
        return super().__eq__(value)

    def __ne__(self, value: Any) -> Condition:  # type: ignore[override]  the same
        if isinstance(value, _Operand) or (_is_data(value) and not self._is_absent(value)):
            return super().__ne__(value)
        equal = self.__eq__(value)
        return equal if equal is NotImplemented else ~equal

    __hash__ = object.__hash__

    def __add__(self, amount: Any) -> UpdateAction:
        """The change that adds to it: `table.update(key, {"stock": Item.stock + 1})`."""
        return add(amount).of(self.text)

    def __sub__(self, amount: Any) -> UpdateAction:
        return add(-amount).of(self.text)

    def __getitem__(self, step: str | int) -> "Path[Any]":
        if type(step) is not str and (type(step) is not int or step < 0):
            raise EntityError(
                self.entity,
                f"{self.text}[{step!r}] is no place in it",
                fix='give a position from 0 on, or a key: ["EUR"]',
            )
        return Path(self.entity, self.field, (*self.steps, step))

    def __getattr__(self, name: str) -> "Path[Any]":
        """A field of a struct in it. Raises AttributeError where there is none."""
        if name.startswith("_"):
            raise AttributeError(name)
        kind = _inside(self.field.kind, self.steps)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for info in msgspec.structs.fields(kind):
                if info.name == name:
                    return self[info.encode_name]
        raise AttributeError(f"{self.text} has no field {name!r}")

    def name(self, expression: Expression) -> str:
        text = expression.name(self.field.stored)
        for step in self.steps:
            text += f"[{step}]" if isinstance(step, int) else f".{expression.name(step)}"
        return text

    def encode(self, value: Any) -> Any:
        if not self.steps:
            return self._checked(lambda: self.field.operand(value), value)
        if isinstance(value, datetime):
            raise EntityError(
                self.entity,
                f"{self.text} is text in the table: it can't be compared with a datetime",
                fix="make it a field of the entity itself",
            )
        return self._checked(lambda: plain(value), value)

    def _is_absent(self, value: Any) -> bool:
        return value is None or (not self.steps and self.field.is_set and value in (set[Any](), frozenset[Any]()))

    def _checked(self, encode: Callable[[], Any], value: Any) -> Any:
        try:
            return encode()
        except (ValueError, TypeError, RecursionError) as error:
            raise EntityError(self.entity, f"{self.text} can't be compared with {_shown(value)}: {error}") from None


class Attribute(property, Path[T]):
    """A field of an entity: on the class a path, on an object its value, at the speed of a property in C."""

    def __init__(self, entity: str, field: Field, slot: MemberDescriptorType) -> None:
        property.__init__(self, slot.__get__, slot.__set__)  # set by msgspec's force_setattr; an entity is frozen
        super(property, self).__init__(entity, field)


def attr(value: T) -> Path[T]:
    """A field of an entity, `attr(Item.name)`, as the path that it is on the class, for a type checker to see."""
    if not isinstance(value, Path):
        raise EntityError(
            type(value).__name__, f"{value!r} is a value", fix="name a field on its class, as in attr(Item.name)"
        )
    return cast("Path[T]", value)


def condition_of(given: Condition | bool, entity: str | None = None) -> Condition:
    """A condition on this entity. Raises EntityError where it is none, or one on another."""
    if not isinstance(given, Condition):
        raise EntityError(
            entity or "A condition",
            f"{given!r} is no condition",
            fix="compare a field of the class, as in Item.price > 10, and not of an object",
        )
    if entity is not None and given.entities != frozenset((entity,)):
        raise EntityError(entity, f"{given.text} is a condition on {' and '.join(sorted(given.entities))}")
    return given


def _inside(kind: Any, steps: tuple[str | int, ...]) -> Any:
    """The type of what is at the end of some steps into structs; None for what isn't known."""
    for step in steps:
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return None
        found = [info for info in msgspec.structs.fields(kind) if info.encode_name == step]
        kind = Field(found[0]).kind if found else None
    return kind


def _is_data(value: Any) -> bool:
    """Whether it can be stored at all, in a field of some type."""
    try:
        msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _literal(value: Any) -> Callable[[Expression], str]:
    return lambda expression: expression.value(value)


def _shown(value: Any) -> str:
    return value.text if isinstance(value, _Operand) else repr(value)
