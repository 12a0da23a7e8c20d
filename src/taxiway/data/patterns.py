"""Access patterns: the ways in which an entity is read, each declared as a method whose signature is its arguments.

Calling one gives a value, `Key` or `Query`, that the table client takes. Values do no I/O.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Concatenate, Generic, Never, ParamSpec, Self, TypeVar, cast, overload

import msgspec
from msgspec.structs import replace

from taxiway.data._types import only
from taxiway.data.conditions import Condition, condition_of
from taxiway.data.errors import EntityError
from taxiway.data.expressions import Expression
from taxiway.data.keys import AFTER, LAST, PARTITION_KEY_BYTES, SORT_KEY_BYTES, Template, below, ceiling, floor
from taxiway.data.projections import Projection
from taxiway.data.sharding import SUFFIX_BYTES, Sharding, Shards, sharding

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Shape = TypeVar("Shape", bound=msgspec.Struct)
T = TypeVar("T")

PARTITION, SORT = "pk", "sk"
"""The attributes that hold the table's own keys."""


class Key(msgspec.Struct, Generic[T], frozen=True):
    """Where one item is: what `Item.by_id("…")` gives."""

    entity: type[T]
    partition: str
    sort: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return f"{self.entity.__name__} at {self.partition!r}, {self.sort!r}"


class Query(msgspec.Struct, Generic[T], frozen=True):
    """A partition of an index or of the table, or a part of it, to read. Each refinement gives a narrower query."""

    entity: type[Any]
    pattern: "IndexPattern[..., Any, Any]"
    partition: str
    span: tuple[str, str]
    """The least and the greatest that a sort key of the pattern can be; empty where nothing bounds it."""
    low: str | None = None
    high: str | None = None
    forward: bool = True
    condition: Condition | None = None
    projection: Projection | None = None

    def prefix(self, text: str) -> Self:
        """Those whose sort field begins so, as text: `prefix("2026-11")` is November of a timestamp.

        Of several sort fields it is the first that the pattern's arguments don't give.
        """
        self.pattern.check_ranged()
        low = self.pattern.sort.beginning(self.span[0], self.pattern.given, text)
        return self.within(low, low + LAST)

    def where(self, condition: Condition | bool) -> Self:
        """Those of which a condition is true; more than one must all be. What is left out is read all the same."""
        found = condition_of(condition, self.entity.__name__)
        return replace(self, condition=found if self.condition is None else self.condition & found)

    def only(self, shape: type[Shape]) -> "Query[Shape]":
        """Some fields of each: those that a struct of one's own has, by their names in Python. It costs as much."""
        known: dict[type[Any], Projection] = self.entity.__codec__.projections
        projection = known.get(shape)
        if projection is None:
            projection = known[shape] = Projection(self.entity.__codec__, shape)
        return cast("Query[Shape]", replace(self, projection=projection))

    def within(self, low: str | None = None, high: str | None = None) -> Self:
        """Those whose sort key is from `low` to `high`, both included, and within the range that there is already."""
        low = None if low is None else floor(low)
        high = None if high is None else ceiling(high)
        if self.low is not None and (low is None or low < self.low):
            low = self.low
        if self.high is not None and (high is None or high > self.high):
            high = self.high
        return replace(self, low=low, high=high)

    def newest_first(self) -> Self:
        """In descending order of the sort key."""
        return replace(self, forward=False)

    def key_condition(self, expression: Expression) -> str | None:
        """The key condition; None where the range is empty."""
        low, high = self.low or self.span[0], self.high or self.span[1]
        partition = f"{expression.name(self.pattern.partition_attribute)} = {expression.value(self.partition)}"
        if not low and not high:
            return partition
        name = expression.name(self.pattern.sort_attribute)
        if not high:
            return f"{partition} AND {name} >= {expression.value(low)}"
        if not low:
            return f"{partition} AND {name} <= {expression.value(high)}"
        if low > high:
            return None
        return f"{partition} AND {name} BETWEEN {expression.value(low)} AND {expression.value(high)}"


class SortedQuery(Query[T], Generic[T, S], frozen=True):
    """What `Item.by_category(category="…")` gives: a query whose ranges are over a sort field of type S.

    That is the first field of the pattern's sort key that its arguments don't give; Never, where the pattern doesn't
    say `sorted_by`.
    """

    def since(self, value: S) -> Self:
        """Those at `value` or later."""
        return self.within(low=self._bound(value))

    def after(self, value: S) -> Self:
        """Those later than `value`."""
        return self.within(low=self._bound(value) + AFTER)

    def before(self, value: S) -> Self:
        """Those earlier than `value`."""
        return self.within(high=below(self._bound(value)))

    def until(self, value: S) -> Self:
        """Those at `value` or earlier."""
        return self.within(high=self._bound(value) + AFTER)

    def between(self, first: S, last: S) -> Self:
        """Those from `first` to `last`, both included."""
        return self.since(first).until(last)

    def _bound(self, value: S) -> str:
        self.pattern.check_sorted()
        return self.pattern.sort.bound(self.span[0], self.pattern.given, value)


class Member(Generic[P, R]):
    """What a collection is made of: a pattern of arguments P, which gives R of a partition."""


class AccessPattern(Generic[P, T]):
    """What every pattern tells of itself: to the declaration, to the client, and to a reader."""

    def __init__(self, entity: type[T], stub: "Stub[P]", partition: Template, sort: Template) -> None:
        self.name = stub.name
        self.entity = entity.__name__
        self.description = stub.description
        self.partition = partition
        self.sort = sort
        self.partition_key = partition.text
        self.sort_key = sort.text
        self._entity = entity
        self._parameters = stub.parameters
        self._names = frozenset(stub.parameters)

    @property
    def owner(self) -> type[T]:
        """The entity's class; `entity` is its name."""
        return self._entity

    def __repr__(self) -> str:
        return f"<{self.entity}.{self.name}({', '.join(self._parameters)})>"

    def bind(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name. Raises EntityError, a TypeError, where they are not exactly the parameters."""
        if not arguments and named.keys() == self._names:
            bound = named
        elif not named and len(arguments) == len(self._parameters):
            bound = dict(zip(self._parameters, arguments, strict=True))
        else:
            bound = dict(zip(self._parameters, arguments, strict=False)) | named
            if len(bound) != len(arguments) + len(named) or bound.keys() != self._names:
                given = ", ".join([*(repr(value) for value in arguments), *(f"{name}=…" for name in named)])
                raise EntityError(
                    self.entity,
                    f"{self.name}({given}) was called with other arguments than its own",
                    fix=f"call {self.name}({', '.join(f'{name}=…' for name in self._parameters)})",
                )
        for name, value in bound.items():
            if value is None:
                raise EntityError(self.entity, f"{self.name}({name}=None): every argument is needed")
        return bound


class KeyPattern(AccessPattern[P, T], Member[P, T | None]):
    """An entity's own key. `index` is None: it is the table's."""

    index: None = None
    sharding: None = None
    partition_attribute, sort_attribute = PARTITION, SORT

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Key[T]:
        arguments = self.bind(args, kwargs)
        get = arguments.__getitem__
        partition, sort = cast("str", self.partition.render(get)), cast("str", self.sort.render(get))
        return Key(self._entity, partition, sort, tuple(arguments.items()))


class IndexPattern(AccessPattern[P, T], Member[P, list[T]], Generic[P, T, S]):
    """A way to find an entity's items through an index, or in a partition of the table where `index` is None.

    `given` is how many fields of the sort key its arguments give, from the first on.
    """

    def __init__(self, entity: type[T], stub: "IndexStub[P, S]", partition: Template, sort: Template) -> None:
        super().__init__(entity, stub, partition, sort)
        index = stub.index
        self.index = index
        self.given = stub.given(sort)
        self._sorted_by = stub.sorted_by
        self._span = None if self.given else sort.span(0, dict[str, Any]().__getitem__)
        self.sharding: Sharding | None = sharding(self.entity, self.name, stub.shards)
        self.partition_attribute, self.sort_attribute = index_attributes(index) if index else (PARTITION, SORT)
        if self.sharding is not None:
            self.partition_key = self.sharding.template(self.partition_key)
            if index is None:
                raise EntityError(self.entity, f"{self.name} reads the table itself, which has no shards")

    def written(self, partition: str | None, own: tuple[str, str]) -> str | None:
        """The partition in which an item is stored, of those that the text of its template stands for."""
        return partition if partition is None or self.sharding is None else self.sharding.place(partition, own)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> SortedQuery[T, S]:
        get = self.bind(args, kwargs).__getitem__
        partition = cast("str", self.partition.render(get))
        return SortedQuery(self._entity, self, partition, self._span or self.sort.span(self.given, get))

    def check_ranged(self) -> None:
        """Raise EntityError where no field of the sort key is left to be in a range."""
        if self.given == len(self.sort.fields):
            raise EntityError(self.entity, f"{self.name} has the one sort key {self.sort.text!r}: no range")

    def check_sorted(self) -> None:
        """Raise EntityError where the pattern doesn't say what its ranges are over."""
        if self._sorted_by is None:
            self.check_ranged()
            field = self.sort.fields[self.given]
            raise EntityError(
                self.entity,
                f"{self.name} doesn't say what it is sorted by",
                fix=f"@pattern(…, sk={self.sort.text!r}, sorted_by=…), with the type of {field}",
            )


class Stub(Generic[P]):
    """A decorated method, until its entity's class is complete and it becomes a pattern."""

    many: ClassVar[bool]

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], None],
        *,
        index: str | None,
        pk: str,
        sk: str,
        shards: int | Shards = 1,
    ) -> None:
        code = getattr(function, "__code__", None)
        if code is None or function.__defaults__ or function.__kwdefaults__:
            raise EntityError(
                getattr(function, "__qualname__", "An entity"),
                "a key or a pattern is a method whose arguments all have to be given",
                fix="def by_id(self, id: str) -> None",
            )
        self.name = function.__name__
        self.description = function.__doc__ or ""
        self.parameters = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        self.index = index
        self.pk = pk
        self.sk = sk
        self.shards = shards

    def templates(self, entity: str, types: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Template, Template]:
        """The two templates. Raises EntityError where they don't fit the fields, or the signature doesn't fit them."""
        room = PARTITION_KEY_BYTES - (0 if self.shards == 1 else SUFFIX_BYTES)
        partition = Template(entity, self.pk, types, labels, room)
        sort = Template(entity, self.sk, types, labels, SORT_KEY_BYTES)
        needed = dict.fromkeys(partition.fields if self.many else partition.fields + sort.fields)
        leading = sort.fields[: self.given(sort)] if self.many else ()
        if set(self.parameters) != {*needed, *leading}:
            raise EntityError(
                entity,
                f"{self.name}({', '.join(self.parameters)}) doesn't take what its key needs",
                fix=f"def {self.name}(self{''.join(f', {name}: …' for name in needed)}) -> None"
                + (f", and after them fields of {sort.text!r} from the first on" if self.many and sort.fields else ""),
            )
        return partition, sort

    def given(self, sort: Template) -> int:
        """How many fields of the sort key its parameters give, from the first on."""
        given = 0
        while given < len(sort.fields) and sort.fields[given] in self.parameters:
            given += 1
        return given


class KeyStub(Stub[P]):
    many = False

    def __get__(self, instance: object, owner: type[T]) -> KeyPattern[P, T]:
        raise EntityError(owner.__name__, f"{self.name} is a key, and {owner.__name__} is no Entity")


class IndexStub(Stub[P], Generic[P, S]):
    many = True

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], None],
        *,
        index: str | None,
        pk: str,
        sk: str,
        shards: int | Shards = 1,
        sorted_by: type[S] | None = None,
    ) -> None:
        super().__init__(function, index=index, pk=pk, sk=sk, shards=shards)
        self.sorted_by = sorted_by

    def templates(self, entity: str, types: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Template, Template]:
        partition, sort = super().templates(entity, types, labels)
        if self.sorted_by is None:
            return partition, sort
        left = sort.fields[self.given(sort) :]
        if not left:
            raise EntityError(
                entity, f"{self.name} has the one sort key {sort.text!r}: nothing to sort by", fix="leave sorted_by out"
            )
        if only(types[left[0]]) is not only(self.sorted_by):
            given = getattr(self.sorted_by, "__name__", self.sorted_by)
            raise EntityError(
                entity,
                f"{self.name} is sorted by {left[0]}, which is no {given}",
                fix=f"sorted_by={only(types[left[0]]).__name__}",
            )
        return partition, sort

    def __get__(self, instance: object, owner: type[T]) -> IndexPattern[P, T, S]:
        raise EntityError(owner.__name__, f"{self.name} is an access pattern, and {owner.__name__} is no Entity")


def key(*, pk: str, sk: str) -> Callable[[Callable[Concatenate[Any, P], None]], KeyStub[P]]:
    """Declare an entity's own key, by the templates of its two parts. The method takes every field that is in them."""

    def declare(function: Callable[Concatenate[Any, P], None]) -> KeyStub[P]:
        return KeyStub(function, index=None, pk=pk, sk=sk)

    return declare


@overload
def pattern(
    index: str | None = None, *, pk: str, sk: str, sorted_by: type[S], shards: int | Shards = 1
) -> Callable[[Callable[Concatenate[Any, P], None]], IndexStub[P, S]]: ...
@overload
def pattern(
    index: str | None = None, *, pk: str, sk: str, shards: int | Shards = 1
) -> Callable[[Callable[Concatenate[Any, P], None]], IndexStub[P, Never]]: ...
def pattern(
    index: str | None = None, *, pk: str, sk: str, sorted_by: type[S] | None = None, shards: int | Shards = 1
) -> Callable[[Callable[Concatenate[Any, P], None]], IndexStub[P, S]]:
    """Declare a way to read many, through an index. The method takes the fields of the partition key's template.

    It can take fields of the sort key's template too, from the first on: it then finds those that have them all. With
    `sorted_by`, the type of the sort key's next field, the query has ranges: `since`, `between` and the like. Several
    patterns can read one index, by the same templates.

    An item whose field in one of the templates is None is left out of the index. Without an index it reads a partition
    of the table itself, and the templates are those of the entity's key.

    `shards` spreads what would be one partition of the index over several, for more than a thousand writes a second;
    each page is then read from all of them. Changing it takes the steps of docs/how-to/scale.md.
    """

    def declare(function: Callable[Concatenate[Any, P], None]) -> IndexStub[P, S]:
        return IndexStub(function, index=index, pk=pk, sk=sk, shards=shards, sorted_by=sorted_by)

    return declare


def index_attributes(index: str) -> tuple[str, str]:
    """The attributes that hold an index's keys: `gsi1` has `gsi1pk` and `gsi1sk`."""
    return f"{index}pk", f"{index}sk"
