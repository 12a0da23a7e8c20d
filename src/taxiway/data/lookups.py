"""Look-ups by a unique value: `table.get(User.by_email("ann@example.com"))`, which reads what owns the value.

A look-up goes through the sentinel of the value, in the table itself, so it sees every write that was answered before
it; an index lags behind the writes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

import msgspec

from taxiway.data.errors import EntityError
from taxiway.data.keys import SORT_KEY_BYTES, Template
from taxiway.data.patterns import PARTITION, SORT, AccessPattern, KeyPattern, Stub
from taxiway.data.uniques import HOLDER_PARTITION, HOLDER_SORT, UniqueValue
from taxiway.sdk.dynamodb import Item

P = ParamSpec("P")
T = TypeVar("T")


class Lookup(msgspec.Struct, Generic[T], frozen=True):
    """A unique value, to read what owns it: what `User.by_email("…")` gives."""

    entity: type[T]
    claim: UniqueValue
    sentinel: str
    """The partition key of the value's sentinel."""
    arguments: tuple[tuple[str, Any], ...]

    @property
    def place(self) -> Item:
        """The key of the sentinel."""
        return self.claim.place(self.sentinel)

    def is_of(self, item: Any) -> bool:
        """Whether an item has the value."""
        return self.claim.sentinel(lambda field: getattr(item, field)) == self.sentinel

    def __str__(self) -> str:
        return f"{self.entity.__name__} that holds {self.sentinel!r}"


def holder(sentinel: Item) -> Item:
    """The key of the item that a sentinel names."""
    return {PARTITION: sentinel[HOLDER_PARTITION], SORT: sentinel[HOLDER_SORT]}


class LookupPattern(AccessPattern[P, T]):
    """A way to find the one item with a unique value. `holder` is the entity's own key, by which the item is read."""

    index: None = None
    sharding: None = None
    given = 0
    partition_attribute, sort_attribute = PARTITION, SORT

    def __init__(self, entity: type[T], stub: "LookupStub[P]", claim: UniqueValue, sort: Template) -> None:
        super().__init__(entity, stub, claim.template, sort)
        self.holder: KeyPattern[..., T] = cast("Any", entity).__primary__
        self._claim = claim

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Lookup[T]:
        arguments = self.bind(args, kwargs)
        sentinel = cast("str", self._claim.sentinel(arguments.__getitem__))
        return Lookup(self.owner, self._claim, sentinel, tuple(arguments.items()))


class LookupStub(Stub[P]):
    """A method under `@lookup`, until its entity's class is complete."""

    many = False

    def __init__(self, function: Callable[Concatenate[Any, P], None], field: str) -> None:
        super().__init__(function, index=None, pk="", sk="UNIQUE")
        self.field = field

    def pattern(self, entity: type[T], claims: tuple[UniqueValue, ...]) -> LookupPattern[P, T]:
        """The pattern. Raises EntityError where the field is not unique, or the signature doesn't fit its template."""
        name = entity.__name__
        claim = next((each for each in claims if each.field == self.field), None)
        if claim is None:
            raise EntityError(
                name,
                f"{self.name} looks up {self.field!r}, which is not a unique field",
                fix=f"{self.field}: str = unique(), or declare a @pattern",
            )
        needed = dict.fromkeys(claim.template.fields)
        if set(self.parameters) != set(needed):
            raise EntityError(
                name,
                f"{self.name}({', '.join(self.parameters)}) doesn't take what its unique value needs",
                fix=f"def {self.name}(self{''.join(f', {field}: …' for field in needed)}) -> None",
            )
        nothing: Mapping[str, Any] = {}
        return LookupPattern(entity, self, claim, Template(name, self.sk, nothing, {}, SORT_KEY_BYTES))

    def __get__(self, instance: object, owner: type[T]) -> LookupPattern[P, T]:
        raise EntityError(owner.__name__, f"{self.name} is a look-up, and {owner.__name__} is not an Entity")


def lookup(field: str) -> Callable[[Callable[Concatenate[Any, P], None]], LookupStub[P]]:
    """Declare a look-up by a unique field, for `table.get`. The method takes every field of the unique value.

    email: str = unique("{email:fold}")

    @lookup("email")
    def by_email(self, email: str) -> None: "The user with an e-mail address."
    """

    def declare(function: Callable[Concatenate[Any, P], None]) -> LookupStub[P]:
        return LookupStub(function, field)

    return declare
