"""What can't be is refused by name, with the status that it means, and loses nothing."""

import operator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct
from tests.data.models import AccountWithOrders, Item

from taxiway.data import (
    AlreadyExists,
    ConditionFailed,
    Conflict,
    Entity,
    EntityError,
    InvalidCursor,
    InvalidItem,
    InvalidKey,
    InvalidLimit,
    Missing,
    NotUnique,
    StoredItemInvalid,
    TableClient,
    TransactionFailed,
    TransactionInvalid,
    VersionMismatch,
    add,
    add_to_set,
    append,
    attr,
    created,
    key,
    pattern,
    prepend,
    remove_from_set,
    ttl,
    unique,
    version,
)
from taxiway.data.expressions import Expression
from taxiway.sdk.dynamodb import actions

PAST = datetime(2020, 1, 1, tzinfo=UTC)


class Pass(Entity):
    id: str
    uses: int = 0
    expires_at: datetime | None = ttl()
    version: int = version()

    @key(pk="PASS#{id}", sk="PASS")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="PASSES", sk="{id}")
    def all(self) -> None: ...


class Person(Entity):
    id: str
    email: str = unique()

    @key(pk="PERSON#{id}", sk="PERSON")
    def by_id(self, id: str) -> None: ...


class Stay(Entity):
    id: str
    ends: datetime
    nights: int = 1
    created_at: datetime = created()
    version: int = version()

    def __post_init__(self) -> None:
        if self.ends < self.created_at:
            raise ValueError("it is over")
        if self.nights < 1:
            raise ValueError("it has no night")

    @key(pk="STAY#{id}", sk="STAY")
    def by_id(self, id: str) -> None: ...


class Thing(Entity):
    id: str
    level: int | None = 5
    labels: list[str] | None = msgspec.field(default_factory=list)
    ref: UUID | None = None
    day: date | None = None
    rank: int = 0
    kind: Literal["big", "small"] = "big"

    @key(pk="THING#{id}", sk="THING")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="KIND#{kind}", sk="{rank:04}#{day}")
    def of_kind(self, kind: Literal["big", "small"]) -> None: ...


@pytest.fixture
def shared(table: TableClient) -> TableClient:
    """Three persons who had one e-mail before it was unique, and the first of them has it now."""
    for number in "123":
        row = {"pk": f"PERSON#{number}", "sk": "PERSON", "entity": "Person", "id": number, "email": "a"}
        table.core.put_item(table.name, row)
    first = table.core.get_item(table.name, {"pk": "PERSON#1", "sk": "PERSON"}).item
    assert first is not None
    assert table.rewrite(Person, first)
    return table


def test_a_value_that_another_holds_is_left_to_it(shared: TableClient) -> None:
    assert shared.update(Person.by_id("2"), {"email": "b"}).email == "b"
    assert shared.delete(Person.by_id("3")) == Person(id="3", email="a")
    with pytest.raises(NotUnique):
        shared.create(Person(id="4", email="a"))
    assert shared.put(Person(id="1", email="c")).email == "c"
    assert shared.create(Person(id="4", email="a")).email == "a"


def test_in_a_transaction_it_is_said(shared: TableClient) -> None:
    def delete() -> None:
        with shared.transaction():
            shared.delete(Person.by_id("3"))

    with pytest.raises(TransactionFailed, match="is another's, as it was before it was unique") as caught:
        delete()
    assert caught.value.http_status == 409
    assert shared.get(Person.by_id("3")) is not None


def test_whether_a_rewrite_could_be_done_is_known_before(shared: TableClient) -> None:
    for number in "23":
        row = shared.core.get_item(shared.name, {"pk": f"PERSON#{number}", "sk": "PERSON"}).item
        assert row is not None
        for attempt in (shared.needs_rewrite, shared.rewrite):
            with pytest.raises(NotUnique):
                attempt(Person, row)


def test_two_who_take_one_value_in_a_transaction_are_not_unique(table: TableClient) -> None:
    with table.transaction():
        table.create(Person(id="1", email="a"))
        with pytest.raises(NotUnique):
            table.create(Person(id="2", email="a"))
    assert table.get_many([Person.by_id("1"), Person.by_id("2")]) == [Person(id="1", email="a"), None]


def test_an_expiry_that_could_not_be_read_is_not_written(table: TableClient) -> None:
    made = table.create(Pass(id="1"))
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    for attempt in (
        lambda: table.update(Pass.by_id("1"), {"expires_at": last}),
        lambda: table.put(Pass(id="1", expires_at=last)),
    ):
        with pytest.raises(InvalidItem, match="expiresAt: it is past the last second that there is"):
            attempt()
    assert table.query(Pass.all()).items == [made]
    assert table.update(Pass.by_id("1"), {"expires_at": last.replace(microsecond=0)}).expires_at is not None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (~attr(Pass.id).exists(), True),
        (attr(Pass.id).exists(), False),
        (attr(Pass.uses) != 5, True),
        (attr(Pass.uses) == 5, False),
        ((attr(Pass.uses) < 5) | ~attr(Pass.id).exists(), True),
        ((attr(Pass.uses) < 5) & ~attr(Pass.id).exists(), False),
        (attr(Pass.expires_at) == None, True),  # noqa: E711  a condition
        (~(attr(Pass.uses) > 5), True),
        (attr(Pass.uses).is_in([0]), False),
    ],
)
@pytest.mark.parametrize("expired", [False, True])
def test_to_a_condition_what_has_expired_is_nothing(
    table: TableClient, condition: Any, holds: bool, expired: bool
) -> None:
    def attempt(id: str, write: Any) -> None:
        if expired:
            table.put(Pass(id=id, expires_at=PAST))
        if holds:
            write(id)
            return
        with pytest.raises((ConditionFailed, TransactionFailed)):
            write(id)

    def put_together(id: str) -> None:
        with table.transaction():
            table.put(Pass(id=id), condition=condition)

    attempt("1", lambda id: table.put(Pass(id=id), condition=condition))
    attempt("2", put_together)
    with pytest.raises(TransactionFailed) as failed, table.transaction():  # a check also asks that there is an item
        table.check(Pass.by_id("1" if expired and not holds else "3"), condition)
    assert isinstance(failed.value.failures[0].error, Missing)


@pytest.mark.parametrize("expired", [False, True])
def test_a_check_can_ask_that_there_is_no_item(table: TableClient, expired: bool) -> None:
    if expired:
        table.put(Pass(id="1", expires_at=PAST))
    with table.transaction():
        table.check(Pass.by_id("1"), absent=True)
        table.put(Pass(id="2"))
    with pytest.raises(TransactionFailed) as failed, table.transaction():
        table.check(Pass.by_id("2"), absent=True)
    assert isinstance(failed.value.failures[0].error, AlreadyExists)
    with table.transaction(), pytest.raises(EntityError, match="is to be absent"):
        table.check(Pass.by_id("2"), attr(Pass.uses) == 0, absent=True)


def test_what_has_expired_is_at_no_version(table: TableClient) -> None:
    table.put(Pass(id="1", expires_at=PAST))
    with pytest.raises(VersionMismatch) as caught:
        table.put(Pass(id="1"), expect_version=1)
    assert (caught.value.actual, caught.value.http_status) == (None, 412)


def test_a_stale_version_comes_before_what_the_class_would_refuse(table: TableClient) -> None:
    now = datetime.now(UTC)
    table.create(Stay(id="1", ends=now + timedelta(days=1)))
    table.update(Stay.by_id("1"), {"nights": 2})
    with pytest.raises(VersionMismatch):
        table.update(Stay.by_id("1"), {"nights": 0}, expect_version=1)
    with pytest.raises(InvalidItem, match="it has no night"):
        table.update(Stay.by_id("1"), {"nights": 0}, expect_version=2)


def test_what_its_timestamps_make_wrong_is_an_invalid_item(table: TableClient) -> None:
    stay = Stay(id="1", ends=datetime.now(UTC) + timedelta(microseconds=300), created_at=PAST)
    while datetime.now(UTC) <= stay.ends:
        pass
    with pytest.raises(InvalidItem, match="it is over"):
        table.create(stay)
    assert table.get(Stay.by_id("1")) is None


def test_a_stored_none_counts_as_the_default(table: TableClient) -> None:
    table.create(Thing(id="1", level=None, labels=None))
    changed = table.update(Thing.by_id("1"), {"level": add(1), "labels": append(["new"])})
    assert (changed.level, changed.labels) == (6, ["new"])


def test_an_update_stores_what_the_fields_type_makes_of_a_value(table: TableClient) -> None:
    table.create(Thing(id="1"))
    ref = UUID("0000000000000000000000000000abcd")
    table.update(Thing.by_id("1"), {"ref": str(ref).upper(), "day": "2026-11-25"})
    found = table.query(Thing.of_kind("big").where(attr(Thing.ref) == ref)).items
    assert [(each.ref, each.day) for each in found] == [(ref, date(2026, 11, 25))]


def test_a_key_is_not_made_of_a_stored_value_that_does_not_fit(table: TableClient) -> None:
    place = {"pk": "THING#1", "sk": "THING", "entity": "Thing", "id": "1", "rank": "high", "day": "2026-11-25"}
    table.core.put_item(table.name, place)
    with pytest.raises(StoredItemInvalid, match="does not fit Thing: rank"):
        table.update(Thing.by_id("1"), {"day": date(2026, 11, 26)})


def test_a_literal_in_a_key_is_one_of_its_values() -> None:
    with pytest.raises(InvalidKey, match="it is none of 'big', 'small'"):
        Thing.of_kind("middling")  # pyright: ignore[reportArgumentType]  the point


def test_other_arguments_of_the_wrong_kind_are_named(table: TableClient) -> None:
    anything: Any = None
    with pytest.raises(TypeError, match="changes as a dict or a struct, and not as a NoneType"):
        table.update(Item.by_id("1"), anything)
    anything = 5
    with pytest.raises(TransactionInvalid, match="and this is 5"):
        table.transaction(anything)
    with pytest.raises(InvalidLimit, match="limit must be 1 or more"):
        table.collect(AccountWithOrders("1"), limit=-1)


class Mixin(Struct, kw_only=True):
    note: str = ""


class Base(Entity, abstract=True):
    id: str


def by_id(self: Any, id: str) -> None: ...


def by_id_of_one(self: Any, id: str = "1") -> None: ...


def made(*bases: type, **body: Any) -> Any:
    annotations = {"id": str, **body.pop("fields", {})}
    return type(Entity)("Made", bases or (Entity,), {"__module__": __name__, "__annotations__": annotations, **body})


@pytest.mark.parametrize(
    ("bases", "body", "problem"),
    [
        ((), {"fields": {"expires_at": int}}, "stored as 'expiresAt', by which items expire"),
        ((), {"fields": {"at": datetime | str}}, "msgspec can't make it"),
        ((Base, Mixin), {}, "its fields come from two bases side by side"),
    ],
)
def test_a_class_that_could_not_be_used_is_refused(bases: tuple[type, ...], body: dict[str, Any], problem: str) -> None:
    with pytest.raises(EntityError, match=problem):
        made(*bases, by_id=key(pk="MADE#{id}", sk="MADE")(by_id), **body)


def test_a_key_is_a_method_whose_arguments_are_all_given() -> None:
    for function in (by_id_of_one, staticmethod(by_id)):
        with pytest.raises(EntityError, match="whose arguments all have to be given"):
            key(pk="MADE#{id}", sk="MADE")(function)


def test_an_abstract_entity_has_no_place(table: TableClient) -> None:
    with pytest.raises(TypeError, match="put takes an object of an entity"):
        table.put(Base(id="1"))


class Ahead(Entity, abstract=True):
    id: str
    line: "Line | None" = None


class Line(Struct):
    text: str


class Page(Ahead):
    tags: set[str] = set()  # noqa: RUF012  an entity's mutable default is copied for each object

    @key(pk="PAGE#{id}", sk="PAGE")
    def by_id(self, id: str) -> None: ...


def test_an_abstract_entity_may_name_what_comes_after_it(table: TableClient) -> None:
    assert table.get(Page.by_id(table.create(Page(id="1", line=Line("x"))).id)) == Page(id="1", line=Line("x"))


@pytest.mark.parametrize("given", ["blue", {"x": 1}])
def test_what_is_no_set_is_not_taken_for_one(table: TableClient, given: Any) -> None:
    made = table.create(Page(id="1", tags={"red"}))
    with pytest.raises(InvalidItem, match="tags: Expected a set"):
        table.update(Page.by_id("1"), {"tags": given})
    with pytest.raises(InvalidItem, match="tags: Expected a set"):
        table.put(Page(id="1", tags=given))
    for change in (add_to_set, remove_from_set):
        with pytest.raises(TypeError, match="given as a set or a list"):
            change(given)
    assert table.get(Page.by_id("1")) == made


class Reader(Entity):
    email: str
    name: str = ""
    mood: Literal["glad", "sad", None] = None
    expires_at: datetime | None = ttl()
    version: int = version()

    @key(pk="READER#{email:fold}", sk="READER")
    def by_email(self, email: str) -> None: ...

    @pattern("gsi1", pk="READERS#{mood}", sk="{email}", sorted_by=str)
    def by_mood(self, mood: str) -> None: ...


def test_the_spelling_of_a_folded_key_can_change_and_its_place_can_not(table: TableClient) -> None:
    table.create(Reader(email="Ann@Example.com", mood="glad"))
    place = Reader.by_email("ann@example.com")
    assert table.update(place, {"email": "Ann@Example.com", "name": "Ann"}).email == "Ann@Example.com"
    changed = table.update(place, {"email": "ANN@example.com"})
    assert (changed, [changed]) == (table.get(place), list(table.each(Reader.by_mood("glad"))))
    assert changed.email == "ANN@example.com"
    for other in ("bob@example.com", "", None, 3, add(1)):
        with pytest.raises(InvalidItem, match="part of its key"):
            table.update(place, {"email": other})
    assert table.get(place) == changed


def test_a_literal_in_an_index_may_be_none_and_is_nothing_else(table: TableClient) -> None:
    made = table.create(Reader(email="a@example.com"))
    assert list(table.each(Reader.by_mood("sad"))) == []
    sad = table.update(Reader.by_email("a@example.com"), {"mood": "sad"})
    assert list(table.each(Reader.by_mood("sad"))) == [sad]
    assert table.update(Reader.by_email("a@example.com"), {"mood": None}).mood is made.mood is None
    assert list(table.each(Reader.by_mood("sad"))) == []
    for other in ("angry", ["sad"], 3):
        with pytest.raises(InvalidKey, match=r"Reader\.mood can't be part of the key"):
            Reader.by_mood(other)  # pyright: ignore[reportArgumentType]  what a checker would refuse


def test_a_range_ends_with_the_length_of_a_key(table: TableClient) -> None:
    longest = f"{'x' * (1024 - len('@example.com'))}@example.com"
    made = table.create(Reader(email=longest, mood="sad"))
    sad = Reader.by_mood("sad")
    for found in (sad.since(longest), sad.until(longest), sad.between(longest, longest), sad.prefix(longest)):
        assert list(table.each(found)) == [made]
    for found in (sad.after(longest), sad.before(longest)):
        assert list(table.each(found)) == []
    assert list(table.each(sad.before(f"{longest[:-1]}n"))) == [made]
    assert list(table.each(sad.after(f"{longest[:-1]}l"))) == [made]
    for refine in (sad.since, sad.until, sad.after, sad.before, sad.prefix):
        with pytest.raises(InvalidKey, match="longer than 1024 bytes"):
            refine(f"{longest}x")


class Spelt(Entity):
    id: str
    slug: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "slug", self.id.lower())

    @key(pk="SPELT#{id}", sk="SPELT")
    def by_id(self, id: str) -> None: ...


def test_a_class_may_set_a_field_of_its_objects_and_nobody_else(table: TableClient) -> None:
    assert table.create(Spelt(id="ONE")).slug == "one"
    found = table.get(Spelt.by_id("ONE"))
    assert found is not None
    assert found.slug == "one"
    with pytest.raises(AttributeError, match="immutable"):
        found.slug = "other"  # pyright: ignore[reportAttributeAccessIssue]  what a checker would refuse


def test_a_field_that_is_not_there_yet_is_named() -> None:
    with pytest.raises(EntityError, match="define Nowhere above it"):

        class Early(Entity):
            id: str
            other: "Nowhere | None" = None  # noqa: F821  # pyright: ignore[reportUndefinedVariable]  what is refused

            @key(pk="EARLY#{id}", sk="EARLY")
            def by_id(self, id: str) -> None: ...


class Kept(Entity, abstract=True):
    id: str
    expires_at: datetime | None = ttl()
    version: int = version()


@pytest.mark.parametrize(("name", "kind"), [("expires_at", datetime | None), ("version", int)])
def test_a_managed_field_is_not_annotated_anew_without_what_it_is(name: str, kind: Any) -> None:
    body = {"by_id": key(pk="AGAIN#{id}", sk="AGAIN")(by_id), "__annotations__": {name: kind}}
    with pytest.raises(EntityError, match=f"{name} is annotated anew"):
        type(Kept)("Again", (Kept,), body)


def test_a_cursor_can_be_of_any_caller(table: TableClient) -> None:
    for each in "ab":
        table.create(Reader(email=f"{each}@example.com", mood="sad"))
    page = table.query(Reader.by_mood("sad"), limit=1, caller="\ud800")
    assert page.cursor is not None
    assert len(table.query(Reader.by_mood("sad"), limit=1, caller="\ud800", cursor=page.cursor).items) == 1
    with pytest.raises(InvalidCursor):
        table.query(Reader.by_mood("sad"), limit=1, caller="\udfff", cursor=page.cursor)


class Measure(Entity):
    id: str
    n: int = 0
    flag: bool = False
    words: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object
    tags: set[str] = set()  # noqa: RUF012  the same
    maybe: int | None = None
    exact: Decimal = Decimal(0)
    note: str | msgspec.UnsetType = msgspec.UNSET
    any: Any = None
    version: int = version()

    @key(pk="MEASURE#{id}", sk="MEASURE")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="MEASURES", sk="{id}")
    def all(self) -> None: ...


class Noted(Struct):
    note: str | msgspec.UnsetType


def test_between_two_bounds_in_the_wrong_order_is_nothing(table: TableClient) -> None:
    made = table.create(Measure(id="1", n=3))
    never = attr(Measure.n).between(5, 1)
    assert table.query(Measure.all().where(never)).items == []
    assert table.query(Measure.all().where(~never)).items == [made]
    assert table.query(Measure.all().where(attr(Measure.n).between(1, 5))).items == [made]
    for attempt in (
        lambda: table.update(Measure.by_id("1"), {"n": 4}, condition=never),
        lambda: table.put(Measure(id="1"), condition=never),
        lambda: table.delete(Measure.by_id("1"), condition=never),
    ):
        with pytest.raises(ConditionFailed):
            attempt()
    with pytest.raises(TransactionFailed), table.transaction():
        table.check(Measure.by_id("1"), never)
    assert table.get(Measure.by_id("1")) == made
    assert "BETWEEN" not in never.render(Expression())  # which DynamoDB would refuse


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (attr(Measure.flag), True),
        (attr(Measure.words), ["a"]),
        (attr(Measure.tags), {"a"}),
        (attr(Measure.maybe), None),
        (attr(Measure.any), {"a": 1}),
    ],
)
def test_what_has_no_order_is_not_compared_by_it(path: Any, value: Any) -> None:
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, lambda path, value: path.between(value, value)):
        with pytest.raises(EntityError, match="can't be less or more than"):
            compare(path, value)


def test_bounds_are_of_one_type() -> None:
    with pytest.raises(EntityError, match="of two types"):
        attr(Measure.any).between(1, "a")


@pytest.mark.parametrize("step", [slice(1, 2), 1.5, -1, True, None])
def test_a_place_in_a_list_is_a_position_or_a_key(step: Any) -> None:
    with pytest.raises(EntityError, match=r"is no place in it\.\nFix: give a position from 0 on"):
        attr(Measure.words)[step]


def test_a_wrong_argument_of_a_change_is_named(table: TableClient) -> None:
    made = table.create(Measure(id="1"))
    anything: Any = None
    with pytest.raises(TypeError, match="given as a set or a list, and not as a NoneType"):
        add_to_set(anything)
    for change in (append, prepend):
        with pytest.raises(TypeError, match="given as a list, and not as a NoneType"):
            change(anything)
    for amount in ("NaN", "Infinity"):
        with pytest.raises(InvalidItem, match="exact: a number must be finite"):
            table.update(Measure.by_id("1"), {"exact": add(Decimal(amount))})
    assert table.get(Measure.by_id("1")) == made


def test_a_version_to_expect_is_an_int(table: TableClient) -> None:
    made = table.create(Measure(id="1"))
    anything: Any = "1"
    for verb, attempt in {
        "put": lambda: table.put(made, expect_version=anything),
        "update": lambda: table.update(Measure.by_id("1"), {"n": 1}, expect_version=anything),
        "delete": lambda: table.delete(Measure.by_id("1"), expect_version=anything),
    }.items():
        with pytest.raises(TypeError, match=f"{verb} takes expect_version as an int, and not as a str"):
            attempt()
    assert table.get(Measure.by_id("1")) == made


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        (actions.put("t", {"name": "x"}), "it has no pk and no sk"),
        (actions.delete("t", {}), "it has no pk and no sk"),
        (actions.update("t", {"pk": "a"}, "REMOVE x"), "it has no sk"),
        ({"type": "put"}, "it is a dict"),
    ],
)
def test_an_operation_of_ones_own_says_what_it_lacks(table: TableClient, action: Any, problem: str) -> None:
    with table.transaction() as transaction, pytest.raises(TransactionInvalid, match=problem):
        transaction.add(action, label="it", failed=Conflict("it"))


def test_a_collection_has_no_limit_that_dynamodb_could_not_take(table: TableClient) -> None:
    with pytest.raises(InvalidLimit, match="limit must be 1 or more and below 2147483647"):
        table.collect(AccountWithOrders("1"), limit=2**31 - 1)
    assert table.collect(AccountWithOrders("1"), limit=2**31 - 2) == (None, [])


def test_a_field_that_is_unset_by_default_can_be_shown(table: TableClient) -> None:
    table.create(Measure(id="1", note="x"))
    assert table.query(Measure.all().only(Noted)).items == [Noted(note="x")]


@pytest.mark.parametrize("name", ["Idempotency", "UNIQUE", "Migration"])
def test_the_names_that_the_library_stores_are_its_own(name: str) -> None:
    body = {"__module__": __name__, "__annotations__": {"id": str}, "by_id": key(pk="MADE#{id}", sk="MADE")(by_id)}
    meta: Any = type(Entity)
    with pytest.raises(EntityError, match=r"for itself are called .*\nFix: give it another name"):
        meta(name, (Entity,), body)


def test_a_write_that_was_made_is_told_as_made_whatever_else_is_stored(table: TableClient) -> None:
    """A field that no longer fits doesn't hide it: else who tries again counts twice, or loses what was deleted."""

    class Narrow(Entity):
        id: str
        mood: Literal["calm"] = "calm"
        count: int = 0

        @key(pk="NARROW#{id}", sk="NARROW")
        def by_id(self, id: str) -> None: ...

    table.core.put_item(table.name, {"pk": "NARROW#1", "sk": "NARROW", "entity": "Narrow", "id": "1", "mood": "wild"})
    changed = table.update(Narrow.by_id("1"), {"count": add(1)})
    assert (changed.count, changed.mood) == (1, "wild")
    gone = table.delete(Narrow.by_id("1"))
    assert gone is not None
    assert (gone.count, gone.mood) == (1, "wild")
    assert table.delete(Narrow.by_id("1")) is None
