"""Changes that DynamoDB makes to a field itself, so that writers at the same time all count: `{"stock": add(1)}`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, Inexact
from operator import ge, gt, le, lt
from typing import Any, Literal, TypeAlias

import msgspec

from taxiway.data.encoding import DIGITS, Field
from taxiway.data.expressions import Expression

Clause: TypeAlias = Literal["SET", "ADD", "DELETE"]

_ARITHMETIC = Context(prec=DIGITS, traps=[Inexact])


class UpdateAction:
    """What happens to a field. `path` is the field that it was made from, where it was made from one."""

    path: str | None = None
    is_idempotent = False
    """Whether making it twice comes to the same as making it once."""

    def of(self, path: str) -> "UpdateAction":
        self.path = path
        return self

    def operand(self, field: Field) -> Any:
        """What it takes, as it is stored. Raises ValueError, or msgspec's, where it doesn't fit the field."""
        raise NotImplementedError

    def applied(self, field: Field, stored: Any) -> Any:
        """What a field comes to that has `stored`, or None. Raises ValueError, or msgspec's, where it doesn't fit."""
        raise NotImplementedError

    def is_native(self, field: Field) -> bool:
        """Whether DynamoDB can do it by itself, and the field's constraints hold then."""
        raise NotImplementedError

    def clause(self, field: Field, expression: Expression, conditions: list[str]) -> tuple[Clause, str]:
        """How DynamoDB does it, and what must be true for the result to fit the field."""
        raise NotImplementedError

    def checked(self, field: Field, stored: Any) -> Any:
        """`applied`, and of the field's type."""
        changed = self.applied(field, stored)
        msgspec.convert(changed, field.type, str_keys=True)
        return changed


class _Add(UpdateAction):
    def __init__(self, amount: Any) -> None:
        self._amount = amount

    def operand(self, field: Field) -> Any:
        if field.kind not in (int, float, Decimal) or type(self._amount) not in (int, field.kind):
            raise ValueError(f"a {type(self._amount).__name__} can't be added to it")
        if not Decimal(self._amount).is_finite():
            raise ValueError("a number must be finite")
        return Decimal(self._amount) if field.decimal else self._amount

    def applied(self, field: Field, stored: Any) -> Any:
        start, amount = _start(field, stored), self.operand(field)
        if field.decimal:
            try:
                total: Any = _ARITHMETIC.add(Decimal(start), amount)
            except Inexact:
                raise ValueError(f"a number must have at most {DIGITS} significant digits") from None
        else:
            total = (float(start) if field.kind is float else start) + amount
        return field.convert(total) if field.convert else total

    def is_native(self, field: Field) -> bool:
        # Of Decimals and floats the sum is made here: more than 38 digits are noticed, and 0.1 + 0.2 is Python's.
        return field.kind is int and not _may_be_null(field) and all(m.multiple_of is None for m in field.constraints)

    def clause(self, field: Field, expression: Expression, conditions: list[str]) -> tuple[Clause, str]:
        name, amount = expression.name(field.stored), self.operand(field)
        start = _start(field, None)
        for meta in field.constraints:
            for sign, bound in ((">=", meta.ge), (">", meta.gt), ("<=", meta.le), ("<", meta.lt)):
                if bound is not None:
                    limit = f"{name} {sign} {expression.value(bound - amount)}"
                    holds = _HOLDS[sign](start + amount, bound)
                    conditions.append(f"(attribute_not_exists({name}) OR {limit})" if holds else limit)
        return "SET", f"{name} = if_not_exists({name}, {expression.value(start)}) + {expression.value(amount)}"


class _Append(UpdateAction):
    def __init__(self, members: list[Any], *, front: bool) -> None:
        self._members = members
        self._front = front

    def operand(self, field: Field) -> Any:
        if field.kind is not list:
            raise ValueError("it is no list")
        return field.operand(self._members)

    def applied(self, field: Field, stored: Any) -> Any:
        members, there = self.operand(field), _start(field, stored)
        return [*members, *there] if self._front else [*there, *members]

    def is_native(self, field: Field) -> bool:
        return not field.constraints and not _may_be_null(field)

    def clause(self, field: Field, expression: Expression, conditions: list[str]) -> tuple[Clause, str]:  # noqa: ARG002  none is needed
        name, members = expression.name(field.stored), expression.value(self.operand(field))
        there = f"if_not_exists({name}, {expression.value(_start(field, None))})"
        both = f"{members}, {there}" if self._front else f"{there}, {members}"
        return "SET", f"{name} = list_append({both})"


class _Members(UpdateAction):
    is_idempotent = True

    def __init__(self, members: Iterable[Any], *, remove: bool) -> None:
        kind = type(members).__name__
        is_iterable = isinstance(members, Iterable)  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
        if not is_iterable or isinstance(members, str | bytes | Mapping):  # of its characters, or of its keys
            raise TypeError(f"The members of a set are given as a set or a list, and not as a {kind}.")
        self._members = set(members)
        self._remove = remove

    def operand(self, field: Field) -> Any:
        if field.kind not in (set, frozenset):
            raise ValueError("it is no set")
        return field.operand(self._members) or set[Any]()

    def applied(self, field: Field, stored: Any) -> Any:
        members, there = set(self.operand(field)), set(stored or ())
        changed: set[Any] = there - members if self._remove else there | members
        # Where None is a value too, a set is stored as a list.
        return (changed or None) if field.is_set else list(changed)

    def checked(self, field: Field, stored: Any) -> Any:
        changed = self.applied(field, stored)
        msgspec.convert(changed or [], field.type, str_keys=True)
        return changed

    def is_native(self, field: Field) -> bool:
        return field.is_set and bool(self._members) and not field.constraints

    def clause(self, field: Field, expression: Expression, conditions: list[str]) -> tuple[Clause, str]:  # noqa: ARG002  none is needed
        text = f"{expression.name(field.stored)} {expression.value(self.operand(field))}"
        return ("DELETE" if self._remove else "ADD"), text


def add(amount: float | Decimal) -> UpdateAction:
    """Add to a number; take from it where `amount` is negative. One that isn't there counts as the field's default."""
    return _Add(amount)


def append(members: list[Any]) -> UpdateAction:
    """Add members to the end of a list."""
    return _Append(_listed(members), front=False)


def prepend(members: list[Any]) -> UpdateAction:
    """Add members to the beginning of a list."""
    return _Append(_listed(members), front=True)


def add_to_set(members: Iterable[Any]) -> UpdateAction:
    """Add members to a set; those that are there already stay."""
    return _Members(members, remove=False)


def remove_from_set(members: Iterable[Any]) -> UpdateAction:
    """Remove members from a set; those that aren't there are none the worse."""
    return _Members(members, remove=True)


def _listed(members: list[Any]) -> list[Any]:
    if not isinstance(members, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
        raise TypeError(f"What is added to a list is given as a list, and not as a {type(members).__name__}.")
    return members


def _may_be_null(field: Field) -> bool:
    """Whether None is stored as DynamoDB's NULL, to which it can add nothing."""
    return field.optional and not field.omits_none


def _start(field: Field, stored: Any) -> Any:
    """What an addition starts from, as it is stored: what is there, or what it is read as where it isn't."""
    if stored is not None:
        return stored
    found = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if found is None or found is msgspec.NODEFAULT or found is msgspec.UNSET:
        return [] if field.kind is list else 0
    return field.encode(found)


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
