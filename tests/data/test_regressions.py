"""Where a declaration and a value meet badly: None beside another default, floats, folded keys, an item as a whole."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace
from tests.counts import count
from tests.data.models import Everything, Task
from tests.data.stub import cancelled, serving

from taxiway.data import (
    AlreadyExists,
    ConditionFailed,
    Entity,
    EntityError,
    InvalidItem,
    ItemTooLarge,
    Key,
    NotUnique,
    StoredItemInvalid,
    TableClient,
    TransactionFailed,
    TransactionInvalid,
    UnknownVersion,
    add,
    append,
    key,
    pattern,
    ttl,
    unique,
    upcaster,
    updated,
    version,
)


def alone(_table: TableClient) -> AbstractContextManager[Any]:
    return nullcontext()


def together(table: TableClient) -> AbstractContextManager[Any]:
    return table.transaction()


class Session(Entity):
    """One that expires after an hour, unless it is told never to."""

    id: str
    tags: list[str] | None = []  # noqa: RUF012  an entity's mutable default is copied for each object
    expires_at: datetime | None = ttl(after=timedelta(hours=1))

    @key(pk="SESSION#{id}", sk="SESSION")
    def by_id(self, id: str) -> None:
        """One session."""


class Parcel(Entity):
    id: str
    depot: str | None = None
    label: str = unique()
    weight: float = 0.0
    stock: int = 0

    @key(pk="PARCEL#{id:fold}", sk="PARCEL")
    def by_id(self, id: str) -> None:
        """One parcel."""

    @pattern("gsi1", pk="DEPOT#{depot}", sk="{id}")
    def of_depot(self, depot: str) -> None:
        """Parcels of a depot."""


class Stock(Entity):
    id: str
    count: int = 0
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="STOCK#{id}", sk="STOCK")
    def by_id(self, id: str) -> None:
        """One stock."""


def test_what_never_expires_never_does(table: TableClient) -> None:
    table.create(Session(id="1", expires_at=None))
    found = table.get(Session.by_id("1"))
    assert found is not None
    assert found.expires_at is None
    assert table.put(found).expires_at is None
    row = table.core.get_item(table.name, {"pk": "SESSION#1", "sk": "SESSION"}).item
    assert row is not None
    assert not table.rewrite(Session, row)
    assert "expiresAt" not in row
    other = table.create(Session(id="2"))
    assert other.expires_at is not None
    assert table.update(Session.by_id("2"), {"expires_at": None}).expires_at is None


def test_none_beside_another_default_comes_back_as_none(table: TableClient) -> None:
    table.create(Session(id="1", tags=None))
    table.create(Session(id="2"))
    assert [found and found.tags for found in table.get_many([Session.by_id("1"), Session.by_id("2")])] == [None, []]
    assert table.update(Session.by_id("2"), {"tags": None}).tags is None
    assert table.get(Session.by_id("2")) == table.get_all(Session.by_id("2"))[0]


def test_an_item_whose_float_was_added_to_can_be_changed_and_deleted(table: TableClient) -> None:
    table.create(Parcel(id="1", depot="a", label="x", weight=100.0))
    total = table.update(Parcel.by_id("1"), {"weight": add(1 / 3)}).weight
    assert total == 100.0 + 1 / 3
    assert table.update(Parcel.by_id("1"), {"label": "y"}, condition=Parcel.weight == total).label == "y"
    with table.transaction():
        table.update(Parcel.by_id("1"), {"depot": "b"})
    assert table.delete(Parcel.by_id("1")) is not None


def test_an_index_key_follows_the_item_and_not_how_it_was_asked_for(table: TableClient) -> None:
    table.create(Parcel(id="aBc", depot="a", label="x"))
    table.update(Parcel.by_id("ABC"), {"depot": "b"})
    assert [found.id for found in table.query(Parcel.of_depot("b").prefix("aBc")).items] == ["aBc"]


def test_one_key_spelt_twice_is_one(table: TableClient) -> None:
    with pytest.raises(TransactionInvalid, match="each once"):
        table.get_all(Parcel.by_id("a"), Parcel.by_id("A"))


def test_a_put_never_sets_the_version_back(table: TableClient) -> None:
    for expected in (1, 2, 3):
        assert table.put(Stock(id="1", count=expected)).version == expected
    with table.transaction():
        inside = table.put(Stock(id="1", count=9))
    assert inside.version == 4
    assert table.get(Stock.by_id("1")) == inside


def test_what_became_unique_is_claimed_by_a_rewrite(table: TableClient) -> None:
    def stored(number: str, label: str) -> dict[str, Any]:
        row = {"pk": f"PARCEL#{number}", "sk": "PARCEL", "entity": "Parcel", "id": number, "label": label, "depot": "a"}
        row |= {"weight": 0.0, "stock": 0, "gsi1pk": "DEPOT#a", "gsi1sk": number}
        table.core.put_item(table.name, row)
        return row

    one, two = stored("1", "x"), stored("2", "x")
    assert table.needs_rewrite(Parcel, one)
    assert table.rewrite(Parcel, one)
    assert not table.rewrite(Parcel, one)
    with pytest.raises(NotUnique):
        table.rewrite(Parcel, two)
    with pytest.raises(NotUnique):
        table.create(Parcel(id="3", depot="a", label="x"))


def test_what_is_not_ones_own_is_neither_changed_nor_deleted(table: TableClient) -> None:
    foreign = {"pk": "STOCK#1", "sk": "STOCK", "entity": "Other", "id": "1", "count": 3}
    newer = {"pk": "STOCK#2", "sk": "STOCK", "entity": "Stock", "id": "2", "_v": 2, "version": 1}
    for row, problem in ((foreign, StoredItemInvalid), (newer, UnknownVersion)):
        table.core.put_item(table.name, row)
        where = Stock.by_id(str(row["id"]))
        with pytest.raises(problem):
            table.update(where, {"count": 4})
        with pytest.raises(problem):
            table.delete(where)
        with pytest.raises(problem), table.transaction():
            table.delete(where)
        kept = table.core.get_item(table.name, {"pk": row["pk"], "sk": row["sk"]}).item
        assert kept == row


class Booking(Entity):
    id: str
    first: date
    last: date
    seats: int = 1

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("it ends before it begins")
        if self.seats > (self.last - self.first).days + 1:
            raise ValueError("it has more seats than days")

    @key(pk="BOOKING#{id}", sk="BOOKING")
    def by_id(self, id: str) -> None: ...


def test_an_update_that_the_class_would_refuse_is_not_made(table: TableClient) -> None:
    made = table.create(Booking(id="1", first=date(2026, 11, 10), last=date(2026, 11, 12)))
    with pytest.raises(InvalidItem, match="it ends before it begins") as caught:
        table.update(Booking.by_id("1"), {"last": date(2026, 11, 9)})
    assert caught.value.http_status == 400
    with pytest.raises(InvalidItem, match="it ends before it begins"), table.transaction():
        table.update(Booking.by_id("1"), {"last": date(2026, 11, 9)})
    assert table.update(Booking.by_id("1"), {"seats": add(2)}).seats == 3
    with pytest.raises(InvalidItem, match="more seats than days"):
        table.update(Booking.by_id("1"), {"seats": add(1)})
    assert table.get(Booking.by_id("1")) == replace(made, seats=3)


@count("races", test=10, soak=1_000)
def test_writers_at_once_can_not_make_together_what_the_class_would_refuse(table: TableClient) -> None:
    for number in range(10):
        table.put(Booking(id=f"{number}", first=date(2026, 11, 10), last=date(2026, 11, 12), seats=2))
        changes: list[dict[str, Any]] = [{"last": date(2026, 11, 11)}, {"seats": add(1)}]
        with ThreadPoolExecutor(2) as threads:
            done = [threads.submit(table.update, Booking.by_id(f"{number}"), change) for change in changes]
        assert sum(isinstance(each.exception(), InvalidItem) for each in done) == 1
        assert table.get(Booking.by_id(f"{number}")) is not None  # it can be read


def test_an_item_that_grows_too_large_in_a_transaction_is_said_to_be(table: TableClient) -> None:
    task = table.create(Task(list_id="l", id="1"))

    def grow() -> None:
        with table.transaction():
            table.put(Task(list_id="l", id="2"))
            table.update(Task.by_id("l", "1"), {"labels": {"x" * 410_000}})

    with pytest.raises(TransactionFailed) as caught:
        grow()
    assert [type(failure.error) for failure in caught.value.failures] == [ItemTooLarge]
    assert caught.value.http_status == 413
    assert table.get_many([Task.by_id("l", "1"), Task.by_id("l", "2")]) == [task, None]


@pytest.mark.parametrize(("stored", "amount"), [(10**38 - 1, 2), (10**125, 9 * 10**125), (10**125, 9)])
def test_a_sum_of_more_digits_than_dynamodb_has_is_the_changes_fault(
    table: TableClient, stored: int, amount: int
) -> None:
    table.create(Everything(id="1", whole=stored))
    with pytest.raises(ConditionFailed, match="can't be changed so: whole: a number"):
        table.update(Everything.by_id("1"), {"whole": add(amount)})
    found = table.get(Everything.by_id("1"))
    assert found is not None
    assert found.whole == stored


class Pass(Entity):
    """One whose unique value is free again when it expires."""

    id: str
    holder: str = unique()
    note: str = ""
    expires_at: datetime | None = ttl()

    @key(pk="PASS#{id}", sk="PASS")
    def by_id(self, id: str) -> None: ...


def test_an_item_and_its_unique_value_expire_at_once_whoever_else_writes(table: TableClient, aws: None) -> None:
    del aws
    other = TableClient(table_name=table.name)
    soon, late = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2)
    table.create(Pass(id="1", holder="ann", expires_at=late))
    connection = table._connection  # noqa: SLF001  the other writes between the read of the put and its write
    read = connection.row

    def meanwhile(key: Key[Any]) -> Any:
        row = read(key)
        connection.row = read
        other.update(Pass.by_id("1"), {"expires_at": soon})
        return row

    connection.row = meanwhile
    stored = table.put(Pass(id="1", holder="ann", note="x", expires_at=late))
    assert table.get(Pass.by_id("1")) == stored
    place = {"pk": "UNIQUE#Pass#holder#ann", "sk": "UNIQUE"}
    assert stored.expires_at is not None
    assert table.core.get_item(table.name, place).item["expiresAt"] == int(stored.expires_at.timestamp())


def test_an_item_of_a_class_that_lost_its_ttl_is_made_to_live(table: TableClient) -> None:
    row = {"pk": "SESSION#1", "sk": "SESSION", "entity": "Kept", "id": "1", "expiresAt": 2_000_000_000}
    table.core.put_item(table.name, row)

    class Kept(Entity):
        id: str

        @key(pk="SESSION#{id}", sk="SESSION")
        def by_id(self, id: str) -> None: ...

    assert table.rewrite(Kept, dict(row))
    assert "expiresAt" not in table.core.get_item(table.name, {"pk": "SESSION#1", "sk": "SESSION"}).item


class Post(Entity):
    """One that makes some of its fields of others itself."""

    id: str
    title: str
    slug: str = unique(default="")
    views: int = 0
    tags: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object
    version: int = version()

    def __post_init__(self) -> None:
        if self.title == "bad":
            raise ValueError("it is bad")
        msgspec.structs.force_setattr(self, "slug", self.title.lower())
        msgspec.structs.force_setattr(self, "views", min(self.views, 3))

    @key(pk="POST#{id}", sk="POST")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="POSTS#{slug}", sk="{views:02}", sorted_by=int)
    def by_slug(self, slug: str) -> None: ...


@pytest.mark.parametrize(
    "around", [lambda _: nullcontext(), lambda table: table.transaction()], ids=["alone", "transaction"]
)
def test_what_a_class_makes_of_its_fields_follows_an_update(
    table: TableClient, around: Callable[..., AbstractContextManager[Any]]
) -> None:
    table.create(Post(id="1", title="Ink"))
    place = Post.by_id("1")
    for change in ({"title": "PEN"}, {"views": add(2)}, {"views": add(2), "tags": ["x"]}, {"slug": "other"}):
        with around(table):
            changed = table.update(place, change)
        assert changed == table.get(place)
        assert list(table.each(Post.by_slug(changed.slug))) == [changed]
        assert table.core.get_item(table.name, {"pk": place.partition, "sk": place.sort}).item["slug"] == "pen"
    assert (changed.slug, changed.views, changed.version) == ("pen", 3, 5)
    with pytest.raises(NotUnique):
        table.create(Post(id="2", title="Pen"))
    assert table.create(Post(id="2", title="Ink")).slug == "ink"
    with pytest.raises(InvalidItem, match="it is bad"):
        table.update(place, {"title": "bad"})
    table.delete(place)
    table.create(Post(id="3", title="Pen"))


class Stocked(Entity):
    """Fields that came after the items."""

    id: str
    words: list[str] = msgspec.field(default_factory=lambda: ["seed"])
    credit: int = msgspec.field(default_factory=lambda: 100)
    price: Decimal = Decimal(5)
    rest: int | None = None
    spare: int | msgspec.UnsetType = msgspec.UNSET

    @key(pk="STOCKED#{id}", sk="STOCKED")
    def by_id(self, id: str) -> None: ...

    @pattern(pk="STOCKED#{id}", sk="STOCKED")
    def of_id(self, id: str) -> None: ...


@pytest.mark.parametrize(
    "around", [lambda _: nullcontext(), lambda table: table.transaction()], ids=["alone", "transaction"]
)
def test_changes_start_from_what_an_absent_field_is_read_as(
    table: TableClient, around: Callable[..., AbstractContextManager[Any]]
) -> None:
    row = {"pk": "STOCKED#1", "sk": "STOCKED", "entity": "Stocked", "id": "1"}
    table.core.put_item(table.name, row)
    changes = {"words": append(["x"]), "credit": add(-1), "price": add(1), "rest": add(1), "spare": add(2)}
    with around(table):
        table.update(Stocked.by_id("1"), changes)
    wanted = Stocked(id="1", words=["seed", "x"], credit=99, price=Decimal(6), rest=1, spare=2)
    assert table.get(Stocked.by_id("1")) == wanted


class Words(msgspec.Struct):
    words: list[str]


def test_a_projection_has_what_an_absent_field_is_read_as(table: TableClient) -> None:
    table.core.put_item(table.name, {"pk": "STOCKED#1", "sk": "STOCKED", "entity": "Stocked", "id": "1"})
    assert list(table.each(Stocked.of_id("1").only(Words))) == [Words(["seed"])]


def test_a_set_is_empty_by_default_or_has_none() -> None:
    with pytest.raises(EntityError, match="tags is a set that isn't empty by default"):

        class Tagged(Entity):  # pyright: ignore[reportUnusedClass]  it is never made
            id: str
            tags: set[str] = msgspec.field(default_factory=lambda: {"new"})

            @key(pk="TAGGED#{id}", sk="TAGGED")
            def by_id(self, id: str) -> None: ...


MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "stored", "wanted"),
    [
        (set[str], ["a", "b"], {"a", "b"}),
        (set[str] | None, {"a"}, ["a"]),
        (Decimal, "9.5", Decimal("9.5")),
        (datetime, "2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00.000000Z"),
        (UUID, "12345678-1234-5678-1234-56781234567A", "12345678-1234-5678-1234-56781234567a"),
    ],
)
def test_what_is_stored_in_another_form_than_declared_is_rewritten_once(
    table: TableClient, kind: Any, stored: Any, wanted: Any
) -> None:
    def by_id(self: Any, id: str) -> None: ...

    body = {"__annotations__": {"id": str, "value": kind}, "by_id": key(pk="FORM#{id}", sk="FORM")(by_id)}
    form: Any = type(Entity)("Form", (Entity,), body)
    row = {"pk": "FORM#1", "sk": "FORM", "entity": "Form", "id": "1", "value": stored}
    table.core.put_item(table.name, row)
    before = table.get(form.by_id("1"))

    def now() -> Any:
        return table.core.get_item(table.name, {"pk": "FORM#1", "sk": "FORM"}).item

    assert table.needs_rewrite(form, now())
    assert table.rewrite(form, now())
    assert not table.needs_rewrite(form, now())
    assert (now()["value"], table.get(form.by_id("1"))) == (wanted, before)


def test_sets_in_a_list_are_not_rewritten_for_their_order(table: TableClient) -> None:
    class Groups(Entity):
        id: str
        value: list[set[str]]

        @key(pk="GROUPS#{id}", sk="GROUPS")
        def by_id(self, id: str) -> None: ...

    row = {"pk": "GROUPS#1", "sk": "GROUPS", "entity": "Groups", "id": "1"}
    for order in (["a", "b", "c"], ["c", "b", "a"]):
        assert not table.needs_rewrite(Groups, {**row, "value": [order]})


class Renamed(Entity):
    """What stored its address under another name, before it was unique."""

    id: str
    email: str = unique()

    @upcaster(from_version=1)
    @staticmethod
    def one(stored: dict[str, Any]) -> dict[str, Any]:
        return {"email": stored.pop("mail"), **stored}

    @key(pk="RENAMED#{id}", sk="RENAMED")
    def by_id(self, id: str) -> None: ...


def test_an_old_item_that_shares_a_value_is_mended_by_an_update(table: TableClient) -> None:
    table.create(Renamed(id="1", email="x"))
    old = {"pk": "RENAMED#2", "sk": "RENAMED", "entity": "Renamed", "id": "2", "mail": "x"}
    table.core.put_item(table.name, old)
    assert table.update(Renamed.by_id("2"), {"email": "free"}).email == "free"
    with pytest.raises(NotUnique):
        table.create(Renamed(id="3", email="free"))
    with pytest.raises(NotUnique):
        table.create(Renamed(id="3", email="x"))


def test_an_entity_of_161_fields_is_updated_and_deleted_in_a_transaction(table: TableClient) -> None:
    def by_id(self: Any, id: str) -> None: ...

    body = {
        "__annotations__": {"id": str, "name": str, **{f"field{number}": str | None for number in range(159)}},
        **{f"field{number}": None for number in range(159)},
        "name": unique(),
        "by_id": key(pk="WIDE#{id}", sk="WIDE")(by_id),
    }
    wide: Any = type(Entity)("Wide", (Entity,), body)
    other = TableClient(table_name=table.name)
    table.create(wide(id="1", name="a", **{f"field{number}": "x" for number in range(80)}))
    for result in (True, False):
        with table.transaction():
            table.update(wide.by_id("1"), {"field1": "y", "name": f"{result}"}, result=result)
    for overtaking in (
        lambda: other.put(wide(id="1", name="True")),
        lambda: other.update(wide.by_id("1"), {"field2": "z"}),
    ):
        with pytest.raises(TransactionFailed, match="in the meantime"), table.transaction():  # noqa: PT012  its end raises
            table.update(wide.by_id("1"), {"field1": "mine"})
            overtaking()
    found = table.get(wide.by_id("1"))
    assert (found.field1, found.field2) == (None, "z")
    with table.transaction():
        assert table.delete(wide.by_id("1")) == found
    assert table.get(wide.by_id("1")) is None


@pytest.mark.parametrize(
    ("codes", "error"),
    [
        (["TransactionConflict", "ConditionalCheckFailed"], NotUnique),
        (["ConditionalCheckFailed", "None"], AlreadyExists),
    ],
)
def test_what_is_in_the_way_for_good_is_told_before_what_may_pass(
    aws: None, monkeypatch: pytest.MonkeyPatch, codes: list[str], error: type[Exception]
) -> None:
    del aws
    with serving(lambda *_: cancelled(*codes)) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        with pytest.raises(error):
            TableClient(table_name="items").create(Pass(id="1", holder="ann"))
        assert len(stub.calls) == 1
