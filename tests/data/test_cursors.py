"""Cursors: they lead through a query to its end, and can't be made, changed, or taken elsewhere."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.conftest import signed
from tests.data.models import Item, Task

from taxiway.data import InvalidCursor, NotConfigured, TableClient
from taxiway.data.cursors import Cursors

POSITION = ("ITEM#1", "ITEM", "2026")


def details(cursors: Cursors, cursor: str, query: str = "q") -> str:
    with pytest.raises(InvalidCursor) as caught:
        cursors.read(query, cursor)
    assert caught.value.http_status == 400
    return caught.value.public_detail


@pytest.mark.parametrize("key", [None, lambda: None, lambda: "secret", lambda: b"s" * 200])
def test_a_cursor_gives_its_position_back(key: object) -> None:
    cursors = Cursors(key)  # type: ignore[arg-type]  every kind of key
    cursor = cursors.issue("q", POSITION)
    assert cursors.read("q", cursor) == POSITION
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_every_refusal_says_what_is_wrong_and_nothing_else() -> None:
    cursors = Cursors(lambda: "secret")
    cursor = cursors.issue("q", POSITION)
    assert details(cursors, cursor, "another") == "The cursor belongs to another query."
    assert details(Cursors(lambda: "other"), cursor) == "The cursor was not issued here."
    assert details(Cursors(None), cursor) == "The cursor was not issued here."
    assert details(cursors, Cursors(lambda: "secret", lifetime=-1).issue("q", POSITION)) == "The cursor has expired."
    for garbage in ("", "A", "é", "x" * 10_000, "not a cursor", "AQ", urlsafe_b64encode(b"\x02" + b"x" * 50).decode()):
        assert details(cursors, garbage) == "The cursor is malformed."


def test_a_cursor_expires() -> None:
    now = [1000.0]
    cursors = Cursors(lambda: "secret", lifetime=60, clock=lambda: now[0])
    cursor = cursors.issue("q", POSITION)
    now[0] += 60
    assert cursors.read("q", cursor) == POSITION
    now[0] += 1
    assert details(cursors, cursor) == "The cursor has expired."


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda body: b"\x01" + body))
def test_no_bytes_that_were_not_issued_are_accepted(raw: bytes) -> None:
    details(Cursors(lambda: "secret"), urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(st.text(max_size=50))
def test_no_text_breaks_the_reader(text: str) -> None:
    details(Cursors(None), text)


@given(st.data())
def test_a_cursor_with_one_bit_changed_is_refused(data: st.DataObject) -> None:
    cursors = Cursors(lambda: "secret")
    cursor = cursors.issue("q", POSITION)
    raw = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    details(cursors, urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode())


def test_the_key_is_asked_for_only_when_there_is_a_cursor(table: TableClient) -> None:
    asked: list[int] = []

    def secret() -> str:
        asked.append(1)
        return "secret"

    client = signed(secret)
    table.put(Item(name="x", category="c"))
    client.query(Item.by_category("c"))
    assert not asked
    table.put(Item(name="x", category="c"))
    client.query(Item.by_category("c"), limit=1)
    assert asked


def test_an_empty_key_is_a_mistake() -> None:
    with pytest.raises(NotConfigured, match="empty"):
        Cursors(lambda: "").issue("q", POSITION)


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_lead_through_everything_once_and_in_order(table: TableClient, newest_first: bool) -> None:
    items = [table.put(Item(name=str(n), category="c")) for n in range(25)]
    query = Item.by_category("c")
    if newest_first:
        query, items = query.newest_first(), items[::-1]
    client, seen, cursor, pages = signed(lambda: "secret"), [], None, 0
    while pages == 0 or cursor:
        page = client.query(query, limit=10, cursor=cursor)
        seen += page.items
        cursor, pages = page.cursor, pages + 1
    assert seen == items
    assert pages == 3


def test_a_page_that_ends_exactly_has_no_cursor(table: TableClient) -> None:
    for name in ("a", "b"):
        table.put(Item(name=name, category="c"))
    assert table.query(Item.by_category("c"), limit=2).cursor is None
    assert table.query(Item.by_category("nothing")).cursor is None


def test_a_range_can_be_paged(table: TableClient) -> None:
    for rank in range(6):
        table.put(Task(list_id="l", id=str(rank), owner="ann", rank=rank))
    query = Task.by_owner("ann").between(1, 4)
    first = table.query(query, limit=3)
    second = table.query(query, limit=3, cursor=first.cursor)
    assert [task.rank for task in first.items + second.items] == [1, 2, 3, 4]
    assert second.cursor is None


def test_a_cursor_of_another_query_is_refused(table: TableClient) -> None:
    for name in ("a", "b"):
        table.put(Item(name=name, category="c"))
        table.put(Item(name=name, category="d"))
        table.put(Task(list_id="c", id=name, owner="c"))
    cursor = table.query(Item.by_category("c"), limit=1).cursor
    for foreign in (Item.by_category("d"), Item.by_category("c").newest_first(), Task.by_owner("c")):
        with pytest.raises(InvalidCursor, match="another query"):
            table.query(foreign, cursor=cursor)


def test_without_a_key_a_made_up_position_stays_in_its_partition(table: TableClient) -> None:
    table.put(Item(id="1", name="x", category="mine"))
    table.put(Item(id="2", name="x", category="other"))
    query = Item.by_category("mine")
    identity = "Item.by_category True ITEM#CATEGORY#mine "
    made_up = Cursors(None).issue(identity, ("ITEM#2", "ITEM", "0"))
    assert [item.id for item in table.query(query, cursor=made_up).items] == ["1"]
    for position in (("", "", ""), ("x",), ()):
        with pytest.raises(InvalidCursor, match=r"fit the query|malformed"):
            table.query(query, cursor=Cursors(None).issue(identity, position))
