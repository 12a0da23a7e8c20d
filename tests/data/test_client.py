"""The verbs of the table client, against a real engine."""

import re
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest
from msgspec import UNSET, Struct, UnsetType
from tests.counts import count
from tests.data.conftest import Engine
from tests.data.models import Claim, Item, Session, Task, User

from taxiway.data import (
    AlreadyExists,
    Entity,
    EntityError,
    InvalidCursor,
    InvalidItem,
    InvalidKey,
    InvalidLimit,
    ItemTooLarge,
    Missing,
    NotConfigured,
    StoredItemInvalid,
    TableClient,
    Unavailable,
    VersionMismatch,
    collection,
    key,
    pattern,
)

PRECISE = Decimal("12345678901234567890.123456789012345678")


def stored(table: TableClient, pk: str, sk: str) -> dict[str, Any]:
    row = table.core.get_item(table.name, {"pk": pk, "sk": sk}, consistent_read=True).item
    assert row is not None
    return row


def test_a_created_item_can_be_read_back(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home", price=PRECISE))
    assert table.get(Item.by_id(item.id)) == item
    assert table.get(Item.by_id(item.id), consistent=True) == item


def test_create_sets_version_and_timestamps(table: TableClient) -> None:
    before = datetime.now(UTC)
    item = table.create(Item(name="Lamp", category="home", created_at=datetime(2000, 1, 1, tzinfo=UTC), version=9))
    assert item.version == 1
    assert before <= item.created_at == item.updated_at


def test_create_leaves_the_item_it_was_given_alone(table: TableClient) -> None:
    given = Item(name="Lamp", category="home")
    table.create(given)
    assert given.version == 0


def test_what_is_stored_has_camel_case_names_keys_and_the_entity(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home & garden"))
    when = item.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert stored(table, "ITEM#1", "ITEM") == {
        "pk": "ITEM#1",
        "sk": "ITEM",
        "gsi1pk": "ITEM#CATEGORY#home%20&%20garden",
        "gsi1sk": f"{when}#1",
        "entity": "Item",
        "id": "1",
        "name": "Lamp",
        "category": "home & garden",
        "createdAt": when,
        "updatedAt": when,
        "version": 1,
        "_w": ANY,
    }


def test_json_of_an_item_shows_its_fields_only(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=Decimal("1.10")))
    shown = msgspec.json.decode(msgspec.json.encode(table.get(Item.by_id("1"))))
    assert shown.keys() == {"id", "name", "category", "price", "createdAt", "updatedAt", "version"}
    assert item.price == Decimal("1.1")


def test_create_refuses_what_exists(table: TableClient) -> None:
    table.create(Item(id="1", name="Lamp", category="home"))
    with pytest.raises(AlreadyExists, match="Item at 'ITEM#1'"):
        table.create(Item(id="1", name="Lamp", category="home"))


def test_the_second_of_two_equal_claims_is_refused(table: TableClient) -> None:
    table.create(Claim(name="x"))
    with pytest.raises(AlreadyExists):
        table.create(Claim(name="x"))


def test_put_replaces_and_counts_versions(table: TableClient) -> None:
    first = table.put(Item(id="1", name="Lamp", category="home"))
    second = table.put(msgspec.structs.replace(first, name="Chair"))
    assert (first.version, second.version) == (1, 2)
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at
    assert table.get(Item.by_id("1")) == second


def test_get_of_nothing_is_none(table: TableClient) -> None:
    assert table.get(Item.by_id("nothing")) is None


def test_update_changes_named_fields_only(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home", price=PRECISE))
    changed = table.update(Item.by_id(item.id), {"name": "Chair"})
    assert changed == msgspec.structs.replace(item, name="Chair", version=2, updated_at=changed.updated_at)
    assert changed.updated_at > item.updated_at
    assert table.get(Item.by_id(item.id)) == changed


def test_update_takes_a_struct_whose_unset_fields_stay(table: TableClient) -> None:
    class Patch(Struct):
        name: str | UnsetType = UNSET
        price: Decimal | UnsetType | None = UNSET

    item = table.create(Item(name="Lamp", category="home", price=Decimal(5)))
    assert table.update(Item.by_id(item.id), Patch(name="Chair")).price == Decimal(5)
    assert table.update(Item.by_id(item.id), Patch(price=None)).price is None
    assert "price" not in stored(table, f"ITEM#{item.id}", "ITEM")


def test_an_update_of_nothing_writes_nothing(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home"))
    assert table.update(Item.by_id(item.id), {}) == item
    with pytest.raises(VersionMismatch):
        table.update(Item.by_id(item.id), {}, expect_version=2)
    with pytest.raises(Missing):
        table.update(Item.by_id("nothing"), {})


def test_update_of_what_is_missing_creates_nothing(table: TableClient) -> None:
    for changes in ({"name": "x"}, {"name": "x", "price": Decimal(1)}):
        with pytest.raises(Missing):
            table.update(Item.by_id("nothing"), changes)
    assert table.get(Item.by_id("nothing"), consistent=True) is None


def test_update_holds_only_at_the_expected_version(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home"))
    table.update(Item.by_id(item.id), {"name": "Chair"}, expect_version=1)
    with pytest.raises(VersionMismatch) as caught:
        table.update(Item.by_id(item.id), {"name": "Table"}, expect_version=1)
    assert caught.value.actual == 2
    unchanged = table.get(Item.by_id(item.id))
    assert unchanged is not None
    assert unchanged.name == "Chair"


def test_update_moves_an_item_in_its_index(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home"))
    moved = table.update(Item.by_id(item.id), {"category": "garden"})
    assert table.query(Item.by_category("home")).items == []
    assert table.query(Item.by_category("garden")).items == [moved]


def test_update_reads_what_an_index_key_needs_beside_the_change(table: TableClient) -> None:
    table.create(Task(list_id="l", id="1", owner="ann", rank=5))
    assert table.update(Task.by_id("l", "1"), {"rank": 7}).owner == "ann"
    assert [task.rank for task in table.query(Task.by_owner("ann")).items] == [7]
    assert [task.rank for task in table.query(Task.by_rank("l").since(6)).items] == [7]


def test_an_item_leaves_an_index_and_comes_back(table: TableClient) -> None:
    table.create(Task(list_id="l", id="1", rank=3))
    assert "gsi1pk" not in stored(table, "LIST#l", "TASK#1")
    table.update(Task.by_id("l", "1"), {"owner": "ann"})
    assert len(table.query(Task.by_owner("ann")).items) == 1
    table.update(Task.by_id("l", "1"), {"owner": None})
    assert table.query(Task.by_owner("ann")).items == []
    assert not {"gsi1pk", "gsi1sk"} & stored(table, "LIST#l", "TASK#1").keys()


@count("updates", test=40, soak=4_000)
def test_concurrent_updates_of_both_parts_of_an_index_key_leave_it_right(table: TableClient) -> None:
    table.create(Task(list_id="l", id="1", owner="o0", rank=0))
    rounds = 20

    def change(field: str, values: list[Any]) -> None:
        for value in values:
            table.update(Task.by_id("l", "1"), {field: value})

    threads = [
        threading.Thread(target=change, args=("owner", [f"o{n}" for n in range(rounds)])),
        threading.Thread(target=change, args=("rank", list(range(rounds)))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = stored(table, "LIST#l", "TASK#1")
    assert (row["gsi1pk"], row["gsi1sk"]) == (f"OWNER#o{rounds - 1}", f"TASK#{rounds - 1:06}")


@count("updates", test=40, soak=4_000)
def test_concurrent_updates_are_all_counted(table: TableClient) -> None:
    item = table.create(Item(name="0", category="home", price=PRECISE))

    def change() -> None:
        for _ in range(10):
            table.update(Item.by_id(item.id), {"name": "x"})

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    final = table.get(Item.by_id(item.id), consistent=True)
    assert final is not None
    assert final.version == 41


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"id": "2"}, InvalidItem, "part of its key"),
        ({"name": None}, InvalidItem, "can't be removed"),
        ({"name": ""}, InvalidItem, "name"),
        ({"name": 5}, InvalidItem, "name"),
        ({"price": 1.5}, InvalidItem, "price: it must be a Decimal"),
        ({"price": Decimal("NaN")}, InvalidItem, "price: a number must be finite"),
        ({"category": ""}, InvalidKey, "must not be empty"),
        ({"nmae": "x"}, EntityError, "'nmae' is not a field"),
        ({"version": 7}, EntityError, "set by the table client"),
        ({"created_at": datetime.now(UTC)}, EntityError, "set by the table client"),
    ],
)
def test_an_update_that_cannot_be_made_says_why_and_writes_nothing(
    table: TableClient, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home"))
    with pytest.raises(error, match=re.escape(message)):
        table.update(Item.by_id("1"), changes)
    assert table.get(Item.by_id("1"), consistent=True) == item


def test_expect_version_needs_a_version(table: TableClient) -> None:
    with pytest.raises(EntityError, match="needs a version"):
        table.update(User.by_id("1"), {"name": "x"}, expect_version=1)


def test_delete_gives_what_was_there_with_every_digit(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home", price=PRECISE))
    task = table.create(Task(list_id="l", id="1"))
    assert table.delete(Item.by_id(item.id)) == item
    assert table.delete(Item.by_id(item.id)) is None
    assert table.delete(Task.by_id("l", "1")) == task
    assert table.delete(Task.by_id("l", "1")) is None


def test_the_guides_four_patterns(table: TableClient) -> None:
    items = [table.create(Item(name=str(n), category="home")) for n in range(5)]
    user = table.create(User(email="Ann@Example.com"))
    assert table.get(Item.by_id(items[0].id)) == items[0]
    assert table.query(Item.by_category("home")).items == items
    assert table.query(User.by_email("ann@example.COM")).items == [user]
    recent = Item.by_category("home").since(items[2].created_at).newest_first()
    assert table.query(recent).items == [items[4], items[3], items[2]]


def test_ranges_include_and_leave_out_their_ends_as_they_say(table: TableClient) -> None:
    tasks = [table.create(Task(list_id="l", id=f"{rank}", owner="ann", rank=rank)) for rank in range(5)]

    def ranks(query: Any) -> list[int]:
        return [task.rank for task in table.query(query).items]

    for every in (Task.by_owner("ann"), Task.by_rank("l")):
        assert ranks(every) == [task.rank for task in tasks]
        assert ranks(every.since(2)) == [2, 3, 4]
        assert ranks(every.after(2)) == [3, 4]
        assert ranks(every.before(2)) == [0, 1]
        assert ranks(every.until(2)) == [0, 1, 2]
        assert ranks(every.between(1, 3)) == [1, 2, 3]
        assert ranks(every.since(1).before(3)) == [1, 2]
        assert ranks(every.after(1).before(2)) == []
        assert ranks(every.since(3).before(1)) == []
        assert ranks(every.newest_first()) == [4, 3, 2, 1, 0]


def test_a_query_leaves_out_other_entities_of_the_partition(table: TableClient) -> None:
    item = table.create(Item(name="Lamp", category="home"))
    table.core.put_item(
        table.name, {"pk": "x", "sk": "x", "gsi1pk": "ITEM#CATEGORY#home", "gsi1sk": "0", "entity": "Other"}
    )
    assert table.query(Item.by_category("home")).items == [item]


def test_a_range_of_a_pattern_with_one_sort_key_is_a_mistake() -> None:
    with pytest.raises(EntityError, match="no range"):
        User.by_email("a@b.c").since(datetime.now(UTC))  # pyright: ignore[reportArgumentType]  the point
    with pytest.raises(EntityError, match="no range"):
        User.by_email("a@b.c").prefix("U")
    with pytest.raises(InvalidKey, match="datetime"):
        Item.by_category("home").since("yesterday")  # pyright: ignore[reportArgumentType]  the point
    with pytest.raises(InvalidKey, match="one field has no #"):
        Item.by_category("home").prefix("2026-11-25T10:00:00.000000Z#1")


def test_a_range_needs_to_be_said_what_it_is_over() -> None:
    with pytest.raises(EntityError, match="by_owner doesn't say what it is sorted by") as caught:
        Session.by_owner("ann").since("1")  # pyright: ignore[reportArgumentType]  the point
    assert "Fix: @pattern(…, sk='{id}', sorted_by=…), with the type of id" in str(caught.value)


class State(Enum):
    OPEN = "open"
    DONE = "done"


class Errand(Entity):
    id: str
    owner: str
    state: State = State.OPEN
    due: date

    @key(pk="ERRAND#{id}", sk="ERRAND")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="OWNER#{owner}", sk="ERRAND#{state}#{due}#{id}", sorted_by=State)
    def of_owner(self, owner: str) -> None: ...

    @pattern("gsi1", pk="OWNER#{owner}", sk="ERRAND#{state}#{due}#{id}", sorted_by=date)
    def of_owner_in(self, owner: str, state: State) -> None: ...

    @pattern("gsi1", pk="OWNER#{owner}", sk="ERRAND#{state}#{due}#{id}")
    def exactly(self, owner: str, state: State, due: date, id: str) -> None: ...


def test_a_pattern_takes_fields_of_its_sort_key_and_has_a_range_over_the_next(table: TableClient) -> None:
    days = [date(2026, 11, day) for day in range(1, 7)]
    made = [
        table.create(Errand(id=f"{n}#{state.value}", owner="ann", state=state, due=day))
        for state in (State.DONE, State.OPEN)
        for n, day in enumerate(days)
    ]
    done, open_ = made[:6], made[6:]
    assert table.query(Errand.of_owner("ann")).items == made
    assert table.query(Errand.of_owner("ann").since(State.OPEN)).items == open_
    assert table.query(Errand.of_owner_in("ann", State.DONE)).items == done
    assert table.query(Errand.of_owner_in("ann", State.OPEN).between(days[1], days[3])).items == open_[1:4]
    assert table.query(Errand.of_owner_in("ann", State.OPEN).before(days[2]).newest_first()).items == open_[1::-1]
    assert table.query(Errand.of_owner_in("ann", State.DONE).after(days[3])).items == done[4:]
    assert table.query(Errand.of_owner_in("ann", State.DONE).prefix("2026-11-02")).items == [done[1]]
    assert table.query(Errand.exactly("ann", State.DONE, days[2], "2#done")).items == [done[2]]
    assert table.count(Errand.of_owner_in(owner="ann", state=State.OPEN)) == 6
    moved = table.update(Errand.by_id(open_[0].id), {"state": State.DONE})
    assert table.query(Errand.of_owner_in("ann", State.DONE), limit=2).items == [done[0], moved]


def test_a_cursor_is_good_for_the_sort_fields_that_it_was_given_for(table: TableClient) -> None:
    for n in range(4):
        table.create(Errand(id=f"{n}", owner="ann", due=date(2026, 11, 1)))
    first = table.query(Errand.of_owner_in("ann", State.OPEN), limit=2)
    rest = table.query(Errand.of_owner_in("ann", State.OPEN), cursor=first.cursor)
    assert [each.id for each in first.items + rest.items] == ["0", "1", "2", "3"]
    with pytest.raises(InvalidCursor, match="another query"):
        table.query(Errand.of_owner_in("ann", State.DONE), cursor=first.cursor)


def test_a_collection_is_of_patterns_that_find_a_whole_partition() -> None:
    with pytest.raises(EntityError, match="finds those of one state only"):
        collection(Errand.of_owner_in, Task.by_owner)


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**9])
def test_a_limit_out_of_range_is_refused(table: TableClient, limit: int) -> None:
    with pytest.raises(InvalidLimit, match="from 1 to 1000") as caught:
        table.query(Item.by_category("home"), limit=limit)
    assert isinstance(caught.value, ValueError)


def test_a_stored_item_that_does_not_fit_is_named_with_its_field(table: TableClient) -> None:
    row = {"pk": "ITEM#1", "sk": "ITEM", "id": "1", "name": 5, "category": "c", "gsi1pk": "ITEM#CATEGORY#c"}
    table.core.put_item(table.name, {**row, "gsi1sk": "0"})
    with pytest.raises(StoredItemInvalid, match=r"'ITEM#1', 'ITEM' does not fit Item: .*\$\.name"):
        table.get(Item.by_id("1"))
    with pytest.raises(StoredItemInvalid, match=r"'ITEM#1', 'ITEM' does not fit Item: .*\$\.name"):
        table.query(Item.by_category("c"))


def test_another_entity_under_the_key_is_no_item(table: TableClient) -> None:
    table.core.put_item(table.name, {"pk": "CLAIM#x", "sk": "CLAIM", "name": "x", "entity": "User"})
    with pytest.raises(StoredItemInvalid, match="holds a User, and not a Claim"):
        table.get(Claim.by_name("x"))


def test_attributes_that_the_entity_does_not_know_are_ignored(table: TableClient) -> None:
    table.core.put_item(table.name, {"pk": "CLAIM#x", "sk": "CLAIM", "name": "x", "later": [1]})
    assert table.get(Claim.by_name("x")) == Claim(name="x")


def test_an_item_over_400_kb_is_refused(table: TableClient) -> None:
    with pytest.raises(ItemTooLarge):
        table.put(User(email="a", name="x" * 410_000))


def test_a_lone_surrogate_is_refused(table: TableClient) -> None:
    with pytest.raises(InvalidItem, match="surrogate"):
        table.put(User(email="a", name="\ud800"))
    with pytest.raises(InvalidKey, match="surrogate"):
        table.put(User(email="\ud800"))


@pytest.mark.usefixtures("aws")
def test_without_a_table_name_the_error_says_what_to_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(NotConfigured, match="uses="):
        TableClient().get(Item.by_id("1"))


@pytest.mark.usefixtures("aws")
def test_an_unknown_table_is_named() -> None:
    with pytest.raises(NotConfigured, match=r"(?s)ResourceNotFoundException.*TABLE_NAME"):
        TableClient(table_name="nowhere").get(Item.by_id("1"))


def test_making_a_client_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("os.environ", None)
        TableClient()


def test_writes_survive_a_restart_of_the_engine(
    table: TableClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "12")  # for as long as a busy machine takes to start it
    table = TableClient(table_name=table.name)
    item = table.create(Item(name="Lamp", category="home"))
    engine.kill()
    restart = threading.Timer(0.1, engine.start)
    restart.start()
    try:
        changed = table.update(Item.by_id(item.id), {"name": "Chair"})
    finally:
        restart.join()
    assert table.get(Item.by_id(item.id), consistent=True) == changed


@pytest.mark.usefixtures("aws")
def test_an_engine_that_is_gone_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable):
        TableClient().get(Item.by_id("1"))


def test_items_of_a_day_ago_are_before_those_of_now(table: TableClient) -> None:
    now = datetime.now(UTC)
    old = table.put(Item(name="old", category="home", created_at=now - timedelta(days=1)))
    new = table.put(Item(name="new", category="home", created_at=now))
    assert table.query(Item.by_category("home").before(now)).items == [old]
    assert table.query(Item.by_category("home").after(old.created_at)).items == [new]


def test_a_put_that_expects_a_version_stores_the_next_one_whatever_the_object_has(table: TableClient) -> None:
    table.create(Item(id="1", name="Pen", category="x"))
    assert table.put(Item(id="1", name="Ink", category="x"), expect_version=1).version == 2
    with pytest.raises(VersionMismatch):
        table.put(Item(id="1", name="Nib", category="x"), expect_version=1)
