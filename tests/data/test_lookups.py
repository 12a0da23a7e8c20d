"""A look-up by a unique value reads what owns the value now: never another item, and never what an index still has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from tests.counts import count
from tests.data.models import Account, Item
from tests.tables import watch

from taxiway.data import Entity, EntityError, InvalidKey, TableClient, key, lookup, pattern, unique

ONE, TWO = Account.by_id("1"), Account.by_id("2")


def calls_of(table: TableClient, work: Callable[[], Any]) -> list[str]:
    """The calls that some work makes, in order; ConsistentRead is part of the name."""
    calls: list[str] = []

    def note(operation: str, request: dict[str, Any]) -> None:
        calls.append(operation + (" consistent" if request.get("ConsistentRead") else ""))

    watch(table, note)
    work()
    return calls


def before_read(table: TableClient, position: int, do: Callable[[], Any]) -> None:
    """Do something before the read of this position (from 0), and nothing before any other."""
    reads = 0

    def act(operation: str, _: dict[str, Any]) -> None:
        nonlocal reads
        if operation in ("GetItem", "TransactGetItems"):
            reads += 1
            if reads == position + 1:
                do()

    watch(table, act)


def test_a_look_up_finds_the_owner_in_any_case_of_letters_by_two_consistent_reads(table: TableClient) -> None:
    ann = table.create(Account(id="1", email="Ann@Example.com"))
    table.create(Account(id="2", email="bob@example.com"))
    assert table.get(Account.by_email("ANN@example.COM")) == ann
    assert table.get(Account.by_email("eve@example.com")) is None
    calls = calls_of(table, lambda: table.get(Account.by_email("ann@example.com")))
    assert calls == ["GetItem consistent", "GetItem consistent"]
    assert calls_of(table, lambda: table.get(Account.by_email("eve@example.com")))[2:] == []


def test_a_value_of_several_fields_is_looked_up_by_all_of_them(table: TableClient) -> None:
    first = table.create(Account(id="1", email="a", tenant="x", handle="root"))
    second = table.create(Account(id="2", email="b", tenant="y", handle="root"))
    assert table.get(Account.by_handle(tenant="x", handle="root")) == first
    assert table.get(Account.by_handle("y", "root")) == second
    assert table.get(Account.by_handle("z", "root")) is None


def test_a_look_up_follows_the_value_as_it_moves(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    table.update(ONE, {"email": "b"})
    assert table.get(Account.by_email("a")) is None
    other = table.create(Account(id="2", email="a"))
    assert table.get(Account.by_email("a")) == other
    table.delete(TWO)
    assert table.get(Account.by_email("a")) is None


def test_an_item_that_has_expired_owns_nothing(table: TableClient) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    table.put(Account(id="1", email="a", expires_at=past))
    assert table.get(Account.by_email("a")) is None
    heir = table.create(Account(id="2", email="a"))
    assert table.get(Account.by_email("a")) == heir


def test_an_owner_that_goes_between_the_two_reads_is_not_found(table: TableClient) -> None:
    rival = TableClient()
    table.create(Account(id="1", email="a"))
    before_read(table, 1, lambda: rival.delete(ONE))
    assert table.get(Account.by_email("a")) is None


def test_a_value_that_goes_to_another_between_the_two_reads_is_that_ones(table: TableClient) -> None:
    rival = TableClient()
    table.create(Account(id="1", email="a"))
    heirs: list[Account] = []

    def hand_over() -> None:
        rival.update(ONE, {"email": "b"})
        heirs.append(rival.create(Account(id="2", email="a")))

    before_read(table, 1, hand_over)
    assert [table.get(Account.by_email("a"))] == heirs


def test_a_value_that_is_given_away_and_taken_back_is_found(table: TableClient) -> None:
    rival = TableClient()
    table.create(Account(id="1", email="a"))

    def act(operation: str, _: dict[str, Any]) -> None:
        reads.append(operation)
        if len(reads) == 2:
            rival.update(ONE, {"email": "b"})
        if len(reads) == 3:
            rival.update(ONE, {"email": "a"})

    reads: list[str] = []
    watch(table, act)
    found = table.get(Account.by_email("a"))
    assert found is not None
    assert (found.id, found.email, found.version) == ("1", "a", 3)
    assert reads == ["GetItem", "GetItem", "TransactGetItems"]


def test_a_sentinel_whose_item_was_removed_by_other_means_finds_nothing(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    table.core.delete_item(table.name, {"pk": "ACCOUNT#1", "sk": "ACCOUNT"})
    assert table.get(Account.by_email("a")) is None


@count("look-ups while the value changes hands", test=60, soak=3000)
def test_no_look_up_ever_gives_an_item_with_another_value(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    table.create(Account(id="2", email="b"))
    done = Event()

    def move() -> None:
        rival = TableClient()
        while not done.is_set():
            for steps in (((ONE, "x"), (TWO, "a"), (ONE, "b")), ((TWO, "x"), (ONE, "a"), (TWO, "b"))):
                for account, email in steps:
                    rival.update(account, {"email": email})

    mover = Thread(target=move)
    mover.start()
    try:
        found = [table.get(Account.by_email("a")) for _ in range(60)]
    finally:
        done.set()
        mover.join()
    assert {account.email for account in found if account is not None} == {"a"}


def test_a_value_that_no_key_can_hold_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidKey, match="must not be empty"):
        Account.by_email("")
    with pytest.raises(EntityError, match="every argument is needed"):
        Account.by_handle("t", None)  # pyright: ignore[reportArgumentType]  what no checker has seen


def test_a_look_up_is_of_a_unique_field_and_takes_what_its_value_needs() -> None:
    with pytest.raises(EntityError, match=r"by_name looks up 'name', which is not a unique field"):

        class Plain(Entity):
            id: str
            name: str

            @key(pk="PLAIN#{id}", sk="PLAIN")
            def by_id(self, id: str) -> None: ...

            @lookup("name")
            def by_name(self, name: str) -> None: ...

    with pytest.raises(EntityError, match=r"def by_handle\(self, shop: …, handle: …\) -> None"):

        class Shop(Entity):
            id: str
            shop: str
            handle: str = unique("{shop}#{handle}")

            @key(pk="SHOP#{id}", sk="SHOP")
            def by_id(self, id: str) -> None: ...

            @lookup("handle")
            def by_handle(self, handle: str) -> None: ...

    assert Item.__lookups__ == ()
    assert Account.__lookups__ == (Account.by_email, Account.by_handle)
    assert repr(Account.by_email) == "<Account.by_email(email)>"


def test_only_get_takes_a_look_up_and_get_takes_no_query(table: TableClient) -> None:
    found: Any = Account.by_email("a")
    with pytest.raises(TypeError, match="get takes a look-up"):
        table.delete(found)
    with pytest.raises(TypeError, match="update takes a key"):
        table.update(found, {"email": "b"})
    uncalled: Any = Account.by_email
    with pytest.raises(TypeError, match="call it"):
        table.get(uncalled)


def test_a_look_up_is_not_stored_and_keeps_no_index() -> None:
    class Login(Entity):
        id: str
        email: str = unique()
        team: str = "x"

        @key(pk="LOGIN#{id}", sk="LOGIN")
        def by_id(self, id: str) -> None: ...

        @lookup("email")
        def by_email(self, email: str) -> None: ...

        @pattern("gsi1", pk="LOGIN#TEAM#{team}", sk="{id}")
        def of_team(self, team: str) -> None: ...

    assert Login.__indexed__ == (Login.of_team,) == Login.__patterns__
