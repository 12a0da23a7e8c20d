"""Shards: several partitions are read as one, whatever moves between them meanwhile."""

import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from tests.counts import count
from tests.data.conftest import signed
from tests.data.models import Task

from taxiway.data import (
    Entity,
    EntityError,
    InvalidCursor,
    Query,
    Shards,
    TableClient,
    attr,
    collection,
    key,
    pattern,
)


def note(shards: int | Shards) -> Any:
    """An entity `Note` with so many shards: the same items, under another declaration."""

    class Note(Entity):
        id: str
        list_id: str = "l"
        rank: int = 0
        text: str | None = None

        @key(pk="NOTE#{id}", sk="NOTE")
        def by_id(self, id: str) -> None:
            """One note."""

        @pattern("gsi1", pk="NOTES#{list_id}", sk="{rank:03}#{id}", sorted_by=int, shards=shards)
        def of_list(self, list_id: str) -> None:
            """Notes of a list, by rank."""

        @pattern("gsi2", pk="NOTES", sk="{rank:03}", shards=shards)
        def all(self) -> None:
            """Every note; several have one sort key."""

    return Note


One, Five = note(1), note(5)


def fill(table: TableClient, kind: Any, count: int) -> list[Any]:
    return sorted(
        table.put_many([kind(id=f"{n:03}", rank=n * 7 % 100, text=f"t{n % 3}") for n in range(count)]),
        key=lambda each: (each.rank, each.id),
    )


def pages(table: TableClient, query: Query[Any], limit: int) -> list[list[Any]]:
    found, cursor = list[list[Any]](), None
    while not found or cursor:
        page = table.query(query, limit=limit, cursor=cursor)
        found.append(page.items)
        cursor = page.cursor
    return found


def stored(table: TableClient, id: str) -> dict[str, Any]:
    row = table.core.get_item(table.name, {"pk": f"NOTE#{id}", "sk": "NOTE"}).item
    return row or {}


def test_one_shard_is_stored_as_none_were(table: TableClient) -> None:
    table.put(One(id="1", rank=5))
    assert stored(table, "1")["gsi1pk"] == "NOTES#l"
    assert One.of_list.sharding is None
    assert One.of_list("l").partition == "NOTES#l"


def test_items_are_spread_by_their_own_key(table: TableClient) -> None:
    fill(table, Five, 100)
    places = Counter(stored(table, f"{n:03}")["gsi1pk"] for n in range(100))
    assert places.keys() == {f"NOTES#l#{shard}of5" for shard in range(5)}
    assert min(places.values()) >= 8


def test_an_update_keeps_the_shard(table: TableClient) -> None:
    table.put(Five(id="1"))
    shard = stored(table, "1")["gsi1pk"].rpartition("#")[2]
    table.update(Five.by_id("1"), {"list_id": "other", "rank": 9})
    assert stored(table, "1")["gsi1pk"] == f"NOTES#other#{shard}"
    with table.transaction():
        table.update(Five.by_id("1"), {"list_id": "third"})
    assert stored(table, "1")["gsi1pk"] == f"NOTES#third#{shard}"


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("name", ["of_list", "all"])
def test_pages_lead_through_all_shards_once_in_order_with_the_exact_limit(
    table: TableClient, newest_first: bool, name: str
) -> None:
    made = fill(table, Five, 83)
    query = Five.of_list("l") if name == "of_list" else Five.all()
    query = query.newest_first() if newest_first else query
    ranks = sorted((each.rank for each in made), reverse=newest_first)
    for limit in (10, 82, 83, 84):
        found = pages(table, query, limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert len(found) == -(-83 // limit)
        everything = [each for page in found for each in page]
        assert [each.rank for each in everything] == ranks
        assert len({each.id for each in everything}) == 83
    assert [each.rank for each in table.each(query, page=7)] == ranks
    assert table.count(query) == 83


def test_equal_sort_keys_are_paged_through_once_each(table: TableClient) -> None:
    table.put_many([Five(id=str(n), rank=n // 20) for n in range(60)])
    for query in (Five.all(), Five.all().newest_first()):
        ids = [each.id for page in pages(table, query, 7) for each in page]
        assert sorted(ids, key=int) == [str(n) for n in range(60)]


@pytest.mark.parametrize("newest_first", [False, True])
def test_equal_sort_keys_are_paged_through_while_they_are_of_two_layouts(
    table: TableClient, newest_first: bool
) -> None:
    growing = note(Shards(3, was=1))
    table.put_many([One(id=f"old{n}", rank=n // 8) for n in range(16)])
    table.put_many([growing(id=f"new{n}", rank=n // 8) for n in range(16)])
    query = growing.all().newest_first() if newest_first else growing.all()
    for limit in (1, 3, 40):
        ids = [each.id for page in pages(table, query, limit) for each in page]
        assert sorted(ids) == sorted(f"{age}{n}" for age in ("old", "new") for n in range(16))


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_shard_of_large_items_under_one_sort_key_holds_no_other_up(table: TableClient, newest_first: bool) -> None:
    two = note(2)
    made = [two(id=f"{n:03}", rank=n // 90, text="x" * 90_000) for n in range(110)]
    table.put_many(made)
    query = two.all().newest_first() if newest_first else two.all()
    found = [each.id for page in pages(table, query, 2) for each in page]
    assert sorted(found) == [each.id for each in made]


def test_ranges_filters_and_shapes_work_as_without_shards(table: TableClient) -> None:
    class Card(Struct):
        id: str

    made = fill(table, Five, 60)
    query = Five.of_list("l")
    for backwards in (False, True):
        for range_, low, high in (
            (query.since(20), 20, 999),
            (query.after(21), 22, 999),
            (query.before(42), 0, 41),
            (query.until(42), 0, 42),
            (query.between(14, 70), 14, 70),
            (query.prefix("04"), 40, 49),
        ):
            wanted = [each for each in made if low <= each.rank <= high]
            found = pages(table, range_.newest_first() if backwards else range_, 4)
            assert [each for page in found for each in page] == (wanted[::-1] if backwards else wanted)
    filtered = query.where(attr(Five.text) == "t1")
    wanted = [each for each in made if each.text == "t1"]
    assert [each for page in pages(table, filtered, 3) for each in page] == wanted
    assert [card.id for card in table.query(filtered.only(Card), limit=3).items] == [each.id for each in wanted[:3]]
    assert table.count(filtered) == len(wanted)
    assert table.query(query.between(50, 40)).items == []
    assert table.query(Five.of_list("nothing")).cursor is None


def test_a_filter_that_finds_nothing_ends_and_goes_on_where_it_was(
    table: TableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxiway.data.reads.CALLS", 1)
    made = fill(table, Five, 90)
    for kind in (Five, note(Shards(5, was=2))):
        query = kind.of_list("l").where(attr(kind.id) == made[-1].id)
        found = pages(table, query, 1)
        assert found[0] == []
        assert len(found) < 90
        assert [each.id for page in found for each in page] == [made[-1].id]


def test_a_cursor_is_bound_and_can_not_be_made(table: TableClient) -> None:
    fill(table, Five, 10)
    client = signed(lambda: "secret")
    cursor = client.query(Five.of_list("l"), limit=3, caller="ann").cursor
    assert len(client.query(Five.of_list("l"), cursor=cursor, caller="ann", limit=10).items) == 7
    for other, caller in ((Five.of_list("m"), "ann"), (Five.of_list("l").newest_first(), "ann"), (Five.all(), "ann")):
        with pytest.raises(InvalidCursor, match="another query"):
            client.query(other, cursor=cursor, caller=caller)
    with pytest.raises(InvalidCursor, match="another query"):
        client.query(Five.of_list("l"), cursor=cursor)


def test_what_can_not_be_is_said() -> None:
    for wrong in (0, 257, Shards(8, was=8), Shards(8, was=1, next=2), Shards(2, was=0), "3", True):
        with pytest.raises(EntityError, match="of_list can't have"):
            note(wrong)  # type: ignore[arg-type]  the point
    with pytest.raises(EntityError, match="a collection is of one partition"):
        collection(Five.of_list, Task.by_rank)
    with pytest.raises(EntityError, match="reads the table itself"):

        class Own(Entity):  # pyright: ignore[reportUnusedClass]  making it is the test
            id: str

            @key(pk="OWN#{id}", sk="OWN")
            def by_id(self, id: str) -> None:
                """One."""

            @pattern(pk="OWN#{id}", sk="OWN", shards=2)
            def of_one(self, id: str) -> None:
                """Several."""


@pytest.mark.parametrize(
    ("shards", "template", "templates"),
    [
        (1, "NOTES#{list_id}", "NOTES"),
        (5, "NOTES#{list_id}#{shard}", "NOTES#{shard}"),
        (Shards(5, was=1), "NOTES#{list_id}", "NOTES{shard}"),
        (Shards(1, next=5), "NOTES#{list_id}", "NOTES{shard}"),
        (Shards(5, was=2), "NOTES#{list_id}#{shard}", "NOTES#{shard}"),
    ],
)
def test_a_grant_covers_every_partition(shards: Any, template: str, templates: str) -> None:
    kind = note(shards)
    assert (kind.of_list.partition_key, kind.all.partition_key) == (template, templates)


@pytest.mark.parametrize(("old", "new"), [(1, 4), (4, 6), (5, 1)])
def test_both_numbers_are_read_while_they_change(table: TableClient, old: int, new: int) -> None:
    table.put_many([note(old)(id=f"{n:03}", rank=n) for n in range(0, 60, 2)])
    table.put_many([note(new)(id=f"{n:03}", rank=n) for n in range(1, 60, 2)])
    for shards in (Shards(old, next=new), Shards(new, was=old)):
        kind = note(shards)
        for query in (kind.of_list("l"), kind.of_list("l").newest_first(), kind.all()):
            ids = [int(each.id) for page in pages(table, query, 7) for each in page]
            assert ids == (sorted(range(60), reverse=not query.forward))
            assert table.count(query) == 60
        table.put(kind(id="x", list_id="new"))
        assert table.query(note(shards.count).of_list("new")).items != []
        table.delete(kind.by_id("x"))


def test_a_cursor_stays_good_through_every_step(table: TableClient) -> None:
    fill(table, One, 40)
    cursor, ids = None, list[int]()
    steps: list[Any] = [1, Shards(1, next=3), Shards(3, was=1), 3, Shards(3, next=1), Shards(1, was=3), 1]
    for step in steps:
        kind = note(step)
        page = table.query(kind.of_list("l"), limit=4, cursor=cursor)
        ids += [each.rank for each in page.items]
        cursor = page.cursor
        table.put_many(
            [kind(**{name: getattr(each, name) for name in each.__struct_fields__}) for each in fill_of(table)]
        )
    assert ids == sorted(n * 7 % 100 for n in range(40))[:28]


def fill_of(table: TableClient) -> list[Any]:
    return [each for each in table.get_many([One.by_id(f"{n:03}") for n in range(40)]) if each is not None]


@count("orders", test=6, soak=600)
@given(
    layouts=st.sampled_from([(1, 3), (3, 2), (2, 4)]),
    order=st.permutations(range(24)),
    limit=st.integers(1, 9),
    backwards=st.booleans(),
)
def test_items_that_move_between_the_pages_are_neither_missed_nor_doubled(
    table: TableClient, layouts: tuple[int, int], order: list[int], limit: int, backwards: bool
) -> None:
    before, after = note(layouts[0]), note(layouts[1])
    table.put_many([before(id=f"{n:03}", rank=n) for n in range(24)])
    kind, moving, found = note(Shards(layouts[1], was=layouts[0])), list(order), list[int]()
    query = kind.of_list("l").newest_first() if backwards else kind.of_list("l")
    cursor, first = None, True
    while first or cursor:
        page = table.query(query, limit=limit, cursor=cursor)
        found, cursor, first = found + [each.rank for each in page.items], page.cursor, False
        for _ in range(min(4, len(moving))):
            n = moving.pop()
            table.put(after(id=f"{n:03}", rank=n))
    assert found == sorted(range(24), reverse=backwards)


@count("moves", test=100, soak=10_000)
def test_readers_see_every_item_once_while_writers_move_them(table: TableClient) -> None:
    count, kind = 100, note(Shards(4, was=1))
    table.put_many([note(1)(id=f"{n:03}", rank=n) for n in range(count)])

    def move() -> None:
        client, after = TableClient(), note(4)
        for n in range(count):
            client.put(after(id=f"{n:03}", rank=n))
        moved.set()

    moved = threading.Event()
    writer = threading.Thread(target=move)
    writer.start()
    rounds = 0
    try:
        while not moved.is_set() or rounds < 2:
            for query in (kind.of_list("l"), kind.of_list("l").newest_first()):
                expected = sorted(range(count), reverse=not query.forward)
                assert [each.rank for page in pages(table, query, 40) for each in page] == expected
                assert [each.rank for each in table.each(query, page=20)] == expected
                assert table.count(query) == count
            rounds += 1
    finally:
        writer.join()
