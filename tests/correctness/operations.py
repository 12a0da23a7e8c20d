"""The operations of the model-based test: each says what to call, and what the model makes of it.

A new verb of the table client is added here: its class, and its strategy in `on_parts` and its like, or in `writes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from tests.correctness.entities import Label, Member, Part
from tests.correctness.model import LISTINGS, Identity, Late, Listing, Model, Refusal, identity, place, total

from taxiway.data import (
    Condition,
    DataError,
    Entity,
    Key,
    NotUnique,
    Query,
    TableClient,
    TransactionFailed,
    TransactionInvalid,
    add,
    add_to_set,
    attr,
    remove_from_set,
)
from taxiway.data.update_actions import UpdateAction

T = TypeVar("T")


class Operation(Protocol):
    """One call of a client. `expected` changes the model, and takes what was seen for the times in it."""

    def run(self, table: TableClient) -> Any: ...
    def expected(self, model: Model, seen: Any) -> Any: ...


@dataclass(frozen=True)
class Create:
    item: Entity

    def run(self, table: TableClient) -> Any:
        return table.create(self.item)

    def expected(self, model: Model, seen: Any) -> Any:
        return model.create(self.item, seen)


@dataclass(frozen=True)
class Put:
    item: Entity

    def run(self, table: TableClient) -> Any:
        return table.put(self.item)

    def expected(self, model: Model, seen: Any) -> Any:
        return model.put(self.item, seen)


@dataclass(frozen=True)
class Demand:
    """A condition, as the table takes it and as the model does; nothing fulfils one that isn't there."""

    condition: Condition
    holds: Callable[[Any], bool]

    def __repr__(self) -> str:
        return repr(self.condition)


@dataclass(frozen=True)
class PutIf(Put):
    demand: Demand

    def run(self, table: TableClient) -> Any:
        return table.put(self.item, condition=self.demand.condition)

    def expected(self, model: Model, seen: Any) -> Any:
        return model.put(self.item, seen, demand=self.demand.holds)


@dataclass(frozen=True)
class PutOver(Put):
    """Where what is there is at a version."""

    version: int

    def run(self, table: TableClient) -> Any:
        return table.put(self.item, expect_version=self.version)

    def expected(self, model: Model, seen: Any) -> Any:
        return model.put(self.item, seen, expected=self.version)


@dataclass(frozen=True)
class Get:
    where: Identity

    def run(self, table: TableClient) -> Any:
        return table.get(key(self.where), consistent=True)

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return model.get(self.where)


@dataclass(frozen=True)
class Update:
    where: Identity
    changes: dict[str, Any]
    version: int | None = None

    def run(self, table: TableClient) -> Any:
        return table.update(key(self.where), self.changes, expect_version=self.version)

    def expected(self, model: Model, seen: Any) -> Any:
        return model.update(self.where, lambda _: self.changes, self.changes, self.version, seen)


@dataclass(frozen=True)
class UpdateIf(Update):
    demand: Demand | None = None

    def run(self, table: TableClient) -> Any:
        assert self.demand is not None
        return table.update(key(self.where), self.changes, condition=self.demand.condition)

    def expected(self, model: Model, seen: Any) -> Any:
        assert self.demand is not None
        return model.update(self.where, lambda _: self.changes, self.changes, None, seen, demand=self.demand.holds)


@dataclass(frozen=True)
class Alter:
    """An update by what DynamoDB does to the field itself: `how` makes it of an operand."""

    where: Identity
    field: str
    how: Callable[[Any], UpdateAction]
    operand: Any

    def run(self, table: TableClient) -> Any:
        return table.update(key(self.where), {self.field: self.how(self.operand)})

    def expected(self, model: Model, seen: Any) -> Any:
        return model.update(self.where, self.change, {}, None, seen)

    def change(self, item: Any) -> dict[str, Any]:
        value = getattr(item, self.field)
        if self.how is add:
            return {self.field: total(value or 0, self.operand)}
        return {self.field: value | self.operand if self.how is add_to_set else value - self.operand}


@dataclass(frozen=True)
class Delete:
    where: Identity

    def run(self, table: TableClient) -> Any:
        return table.delete(key(self.where))

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return model.delete(self.where)


@dataclass(frozen=True)
class DeleteIf(Delete):
    demand: Demand

    def run(self, table: TableClient) -> Any:
        return table.delete(key(self.where), condition=self.demand.condition)

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return model.delete(self.where, demand=self.demand.holds)


@dataclass(frozen=True)
class DeleteAt(Delete):
    """Where it is at a version."""

    version: int

    def run(self, table: TableClient) -> Any:
        return table.delete(key(self.where), expect_version=self.version)

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return model.delete(self.where, expected=self.version)


@dataclass(frozen=True)
class GetMany:
    places: list[Identity]

    def run(self, table: TableClient) -> Any:
        return table.get_many(map(key, self.places), consistent=True)

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return [model.get(where) for where in self.places]


@dataclass(frozen=True)
class GetAll(GetMany):
    """The same at one moment."""

    def run(self, table: TableClient) -> Any:
        return list(table.get_all(*map(key, self.places)))


@dataclass(frozen=True)
class PutMany:
    items: list[Entity]

    def run(self, table: TableClient) -> Any:
        return table.put_many(self.items)

    def expected(self, model: Model, seen: Any) -> Any:
        last = {identity(item): item for item in self.items}
        answers = seen if isinstance(seen, list) else [None] * len(last)
        scratch = Model(model.items)
        for item in self.items:  # one that can't be stored is found before any is
            scratch.put_blindly(item, None)
        return [model.put_blindly(item, answer) for item, answer in zip(last.values(), answers, strict=True)]


@dataclass(frozen=True)
class DeleteMany:
    places: list[Identity]

    def run(self, table: TableClient) -> Any:
        return table.delete_many(map(key, self.places))

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        for where in self.places:
            model.delete(where)


@dataclass(frozen=True)
class Together:
    """Several in one transaction, each of another item."""

    operations: list[Any]

    def run(self, table: TableClient) -> Any:
        with table.transaction():
            return [operation.run(table) for operation in self.operations]

    def expected(self, model: Model, seen: Any) -> Any:
        answers = seen if isinstance(seen, list) else [None] * len(self.operations)
        found, failures, written = [], [], dict[Identity, Any]()
        for operation, answer in zip(self.operations, answers, strict=True):
            before, error = Model(model.items), None
            try:
                found.append(operation.expected(before, answer))
            except Late as refusal:
                (error, *_) = refusal.errors
            where = identity(operation.item) if isinstance(operation, Create | Put) else operation.where
            reads_only = isinstance(operation, Get) or (
                type(operation) is Update and not operation.changes and operation.version is None
            )
            if reads_only or (isinstance(operation, Delete) and error is None and found[-1] is None):
                continue
            if where in written:
                raise Refusal(TransactionInvalid)
            written[where] = before.items.get(where)
            if error is not None:
                failures.append(error)
                if error is not NotUnique and isinstance(operation, Create | Put) and model.is_taken(operation.item):
                    failures.append(NotUnique)
        if failures:
            raise Refusal((TransactionFailed, *failures))
        model.items = {where: item for where, item in (model.items | written).items() if item is not None}
        return found


@dataclass(frozen=True)
class Walk:
    """A listing or a range of it, read to its end; several clients may take turns at its pages."""

    listing: Listing
    partition: str
    limit: int
    newest: bool
    range: tuple[str, int, int] | None
    only_owned: bool = False

    def query(self) -> Query[Any]:
        query = getattr(self.listing.entity, self.listing.name)(self.partition)
        if self.range:
            method, low, high = self.range
            query = query.between(low, high) if method == "between" else getattr(query, method)(low)
        if self.only_owned:
            query = query.where(attr(Part.owner).exists())
        return query.newest_first() if self.newest else query

    def run(self, *tables: TableClient) -> Any:
        query, found, cursor = self.query(), [], None
        for turn in range(1000):
            page = tables[turn % len(tables)].query(query, limit=self.limit, cursor=cursor)
            assert len(page.items) <= self.limit
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        else:
            raise AssertionError(f"{self} has no end")
        assert list(tables[0].each(query, page=self.limit)) == found
        assert tables[0].count(query) == len(found)
        return self.canonical(found)

    def expected(self, model: Model, seen: Any) -> Any:
        del seen
        return self.canonical(model.list(self.listing, self.partition, self.holds, newest=self.newest))

    def canonical(self, items: list[Any]) -> list[Any]:
        """The places in the order that they were found in, each with the items that stand there."""
        return [(place(self.listing, item), sorted(self.level(items, item), key=_text)) for item in items]

    def level(self, items: list[Any], item: Any) -> list[Any]:
        return [other for other in items if place(self.listing, other) == place(self.listing, item)]

    def holds(self, item: Any) -> bool:
        if self.only_owned and item.owner is None:
            return False
        if self.range is None:
            return True
        method, low, high = self.range
        return {
            "since": item.rank >= low,
            "after": item.rank > low,
            "before": item.rank < low,
            "until": item.rank <= low,
            "between": low <= item.rank <= high,
        }[method]


def key(where: Identity) -> Key[Any]:
    entity, *values = where
    return entity.__primary__(*values)


def touched(operation: Any) -> list[Identity]:
    """The items that an operation is on, in the order of its answers."""
    if isinstance(operation, Together):
        return [where for each in operation.operations for where in touched(each)]
    if isinstance(operation, PutMany):
        return list(dict.fromkeys(map(identity, operation.items)))
    if isinstance(operation, Create | Put):
        return [identity(operation.item)]
    return operation.places if isinstance(operation, GetMany | DeleteMany) else [operation.where]


def answer(operation: Operation, table: TableClient) -> Any:
    """What a client answers, an error being its class. An error that isn't typed is none: it ends the test."""
    try:
        return operation.run(table)
    except TransactionFailed as error:
        return (TransactionFailed, *(type(failure.error) for failure in error.failures))
    except DataError as error:
        return type(error)


def check(operation: Operation, model: Model, seen: Any) -> None:
    """Carry an operation out on the model, and compare."""
    try:
        expected = [operation.expected(model, seen)]
    except Refusal as refusal:
        expected = refusal.errors
    assert seen in expected, f"{operation} answered\n{seen}\nand not\n{expected}"


def _text(item: Any) -> str:
    return repr(identity(item))


# Few values, so that operations meet; each also a trap: the delimiter, its escape, and texts that UTF-16 would sort
# otherwise than UTF-8 does. They are put together here and not by hypothesis, which takes longer for it than a call.
SHELVES = ("a", "a#b")
NAMES = ("1", "10", "#%", "～", "𝒳")  # noqa: RUF001  that tilde is meant
KINDS = ("x", "y#1")
OWNERS = ("ann", None, "PART#1")
RANKS = (0, 2, 10, 9999)
PRICES = (None, Decimal("1.10"), Decimal("12345678901234567890.123456789012345678"), Decimal("-1E-130"))
TAGS: tuple[set[str], ...] = (set(), {"new", ""}, {"old"})
UNTIL = (None, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
EMAILS = ("a@x", "A@x", "b@x#")
UNFIT: tuple[dict[str, Any], ...] = ({"kind": ""}, {"owner": ""}, {"rank": 10_000}, {"rank": -1})
METHODS = ("since", "after", "before", "until", "between")


def _any(values: Sequence[T]) -> st.SearchStrategy[T]:
    """One of many values: `sampled_from`, without a text of all of them."""
    return st.integers(0, len(values) - 1).map(lambda index: values[index])


def _every(choices: dict[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


CONTENTS = _every({"kind": KINDS, "rank": RANKS, "owner": OWNERS, "price": PRICES, "tags": TAGS})
LABEL_CONTENTS = _every({"kind": KINDS, "rank": RANKS, "until": UNTIL})
LABEL_CHANGES = _every({"kind": KINDS, "rank": RANKS})
ONE_CHANGE = [
    {name: value}
    for name, values in {"kind": KINDS, "rank": RANKS, "owner": OWNERS, "price": PRICES, "tags": TAGS}.items()
    for value in values
]
CHANGES = [{}, *ONE_CHANGE, *(one | other for one in ONE_CHANGE for other in ONE_CHANGE), *UNFIT]
MEMBER_CHANGES = [*({"email": email} for email in EMAILS), {"email": "b@x", "points": 3}, {"points": 5}, {"email": ""}]
ALTERATIONS = [
    *(("rank", add, amount) for amount in (1, -1)),
    *(("price", add, amount) for amount in (1, Decimal("0.1"))),
    *(("weight", add, amount) for amount in (1, 0.1, -0.3)),
    *((("tags", how, members)) for how in (add_to_set, remove_from_set) for members in ({"old"}, {"new", "more"})),
]

DEMANDS = [
    Demand(attr(Part.rank) > 2, lambda part: part is not None and part.rank > 2),
    Demand(attr(Part.owner).exists(), lambda part: part is not None and part.owner is not None),
    Demand(~attr(Part.price).exists(), lambda part: part is None or part.price is None),
    Demand(attr(Part.tags).contains("old") | (attr(Part.kind) == "x"), lambda part: _is_old_or_x(part)),
    Demand(~attr(Part.kind).is_in(["x"]), lambda part: part is None or part.kind != "x"),
]
LABEL_DEMANDS = [Demand(attr(Label.rank).between(2, 10), lambda label: label is not None and 2 <= label.rank <= 10)]


def _is_old_or_x(part: Part | None) -> bool:
    return part is not None and ("old" in part.tags or part.kind == "x")


_places = list(product(SHELVES, NAMES))
PART_PLACES: list[Identity] = [(Part, *where) for where in _places]
LABEL_PLACES: list[Identity] = [(Label, *where) for where in _places]
MEMBER_PLACES: list[Identity] = [(Member, name) for name in NAMES[:3]]
unclaimed = _any([*PART_PLACES, *LABEL_PLACES])
places = _any([*PART_PLACES, *LABEL_PLACES, *MEMBER_PLACES])
versions = _any([None, None, 1, 2, 3])


def part(where: Identity, content: dict[str, Any], more: dict[str, Any]) -> Part:
    return Part(shelf=where[1], id=where[2], **(content | more))


def label(where: Identity, content: dict[str, Any]) -> Label:
    return Label(shelf=where[1], name=where[2], **content)


def member(where: Identity, email: str, points: int) -> Member:
    return Member(id=where[1], email=email, points=points)


def alter(where: Identity, alteration: Any) -> Alter:
    return Alter(where, *alteration)


def parts_at(where: st.SearchStrategy[Identity]) -> st.SearchStrategy[Part]:
    return st.builds(part, where, _any(CONTENTS), _any([*([{}] * 6), {"version": 3}, *UNFIT]))


def labels_at(where: st.SearchStrategy[Identity]) -> st.SearchStrategy[Label]:
    return st.builds(label, where, _any(LABEL_CONTENTS))


def on_parts(where: st.SearchStrategy[Identity]) -> list[st.SearchStrategy[Any]]:
    """The operations on a part."""
    return [
        st.builds(Create, parts_at(where)),
        st.builds(Put, parts_at(where)),
        st.builds(Get, where),
        st.builds(Update, where, _any(CHANGES), versions),
        st.builds(Update, where, _any(CHANGES)),
        st.builds(alter, where, _any(ALTERATIONS)),
        st.builds(Delete, where),
        st.builds(PutIf, parts_at(where), _any(DEMANDS)),
        st.builds(PutOver, parts_at(where), st.integers(1, 3)),
        st.builds(UpdateIf, where, _any(CHANGES), st.none(), _any(DEMANDS)),
        st.builds(DeleteIf, where, _any(DEMANDS)),
        st.builds(DeleteAt, where, st.integers(1, 3)),
    ]


def on_labels(where: st.SearchStrategy[Identity]) -> list[st.SearchStrategy[Any]]:
    """The operations on a label."""
    return [
        st.builds(Create, labels_at(where)),
        st.builds(Put, labels_at(where)),
        st.builds(Update, where, _any(LABEL_CHANGES)),
        st.builds(Delete, where),
        st.builds(PutIf, labels_at(where), _any(LABEL_DEMANDS)),
        st.builds(UpdateIf, where, _any(LABEL_CHANGES), st.none(), _any(LABEL_DEMANDS)),
        st.builds(DeleteIf, where, _any(LABEL_DEMANDS)),
    ]


def on_members(where: st.SearchStrategy[Identity]) -> list[st.SearchStrategy[Any]]:
    """The operations on a member."""
    members = st.builds(member, where, _any(EMAILS), st.integers(0, 2))
    return [
        st.builds(Create, members),
        st.builds(Put, members),
        st.builds(Update, where, _any(MEMBER_CHANGES), versions),
        st.builds(alter, where, st.just(("points", add, 1))),
        st.builds(Delete, where),
        st.builds(PutOver, members, st.integers(1, 3)),
        st.builds(DeleteAt, where, st.integers(1, 3)),
    ]


part_writes = st.one_of(*on_parts(_any(PART_PLACES)), *on_labels(_any(LABEL_PLACES)))
member_writes = st.one_of(*on_members(_any(MEMBER_PLACES)))
singles = st.one_of(part_writes, part_writes, member_writes)
"""What reads or writes one item."""

_on_one = {
    **{where: st.one_of(*on_parts(st.just(where))) for where in PART_PLACES},
    **{where: st.one_of(*on_labels(st.just(where))) for where in LABEL_PLACES},
    **{where: st.one_of(*on_members(st.just(where))) for where in MEMBER_PLACES},
}
pairs = places.flatmap(lambda where: st.tuples(_on_one[where], _on_one[where]))
"""Two operations on the same item."""


def together(several: list[Any], one: list[Any]) -> Together:
    return Together([*several, *one])


transactions = st.builds(together, st.lists(part_writes, min_size=1, max_size=5), st.lists(member_writes, max_size=1))
_writes = st.one_of(
    singles,
    singles,
    singles,
    transactions,
    st.builds(GetMany, st.lists(places, max_size=8)),
    st.builds(GetAll, st.lists(places, min_size=1, max_size=8, unique=True)),
    st.builds(PutMany, st.lists(st.one_of(parts_at(_any(PART_PLACES)), labels_at(_any(LABEL_PLACES))), max_size=8)),
    st.builds(DeleteMany, st.lists(unclaimed, max_size=4)),
)
writes = st.deferred(lambda: _writes)  # whose own text is short: hypothesis writes it out with each draw
"""The same, and several items at once."""

fillings = st.lists(
    st.one_of(st.builds(part, _any(PART_PLACES), _any(CONTENTS), st.just({})), labels_at(_any(LABEL_PLACES))),
    min_size=8,
    max_size=16,
).map(PutMany)
"""What a table starts with."""

_partitions = [
    (listing, partition)
    for listing in LISTINGS
    for partition in {"kind": KINDS, "owner": ("ann", "PART#1"), "shelf": SHELVES}[listing.partition]
]
_ranges = [None, None, None, *product(METHODS, RANKS, RANKS)]


def walk(where: Any, limit: int, newest: bool, span: Any, owned: bool) -> Walk:
    listing, partition = where
    ranged = span if "rank" in listing.order else None
    return Walk(listing, partition, limit, newest, ranged, owned and listing.entity is Part)


walks = st.builds(walk, _any(_partitions), _any([1, 2, 3, 50]), st.booleans(), _any(_ranges), st.booleans())
