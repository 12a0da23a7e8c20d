"""A write whose answer was lost is told as what it was, or as unknown: never as somebody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.tables import losing_an_answer, watch

from taxiway.data import (
    AlreadyExists,
    Entity,
    Missing,
    OutcomeUnknown,
    TableClient,
    Unavailable,
    VersionMismatch,
    add,
    append,
    key,
    unique,
    version,
)


class Lock(Entity):
    """Nothing in it tells two of the same microsecond apart."""

    name: str
    created_at: Any = None
    count: int = 0
    marks: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object

    @key(pk="LOCK#{name}", sk="LOCK")
    def by_name(self, name: str) -> None:
        """One lock."""


class Document(Entity):
    id: str
    text: str = ""
    count: int = 0
    version: int = version()

    @key(pk="DOCUMENT#{id}", sk="DOCUMENT")
    def by_id(self, id: str) -> None:
        """One document."""


class Account(Entity):
    id: str
    email: str = unique()
    count: int = 0

    @key(pk="ACCOUNT#{id}", sk="ACCOUNT")
    def by_id(self, id: str) -> None:
        """One account."""


DOCUMENT = Document.by_id("1")


def test_ones_own_creation_is_known(table: TableClient) -> None:
    assert losing_an_answer(table).create(Lock(name="a")) == Lock(name="a")
    with pytest.raises(AlreadyExists):
        table.create(Lock(name="a"))


def test_an_equal_item_of_another_is_not_ones_own(table: TableClient) -> None:
    """Where the answer was lost, and the other has come between, nobody can tell; where not, it is the other's."""
    table.create(Lock(name="a"))
    with pytest.raises(AlreadyExists):
        table.create(Lock(name="a"))

    def replaced() -> None:
        table.put(Lock(name="b"))

    with pytest.raises(OutcomeUnknown) as caught:
        losing_an_answer(table, replaced).create(Lock(name="b"))
    assert caught.value.http_status == 503
    assert isinstance(caught.value, Unavailable)


def test_ones_own_put_at_a_version_is_known(table: TableClient) -> None:
    table.create(Document(id="1"))
    put = losing_an_answer(table).put(Document(id="1", text="x"), expect_version=1)
    assert put == table.get(DOCUMENT) == Document(id="1", text="x", version=2)
    assert losing_an_answer(table).put(Document(id="1", text="y")).version == 3


def test_ones_own_update_is_known_and_made_once(table: TableClient) -> None:
    table.create(Document(id="1"))
    changed = losing_an_answer(table).update(DOCUMENT, {"text": "x"}, expect_version=1)
    assert changed == table.get(DOCUMENT) == Document(id="1", text="x", version=2)
    assert losing_an_answer(table).update(DOCUMENT, {"count": add(1)}) == Document(id="1", text="x", count=1, version=3)
    assert losing_an_answer(table).update(DOCUMENT, {"text": "y"}).version == 4


@pytest.mark.parametrize("changes", [{"count": add(1)}, {"marks": append(["x"])}])
def test_what_may_have_been_added_twice_is_not_a_success(table: TableClient, changes: dict[str, Any]) -> None:
    table.create(Lock(name="a"))

    def between() -> None:
        table.update(Lock.by_name("a"), {"created_at": 1})

    with pytest.raises(OutcomeUnknown, match="made twice"):
        losing_an_answer(table, between).update(Lock.by_name("a"), changes)


def test_an_update_that_another_has_overtaken_is_unknown(table: TableClient) -> None:
    table.create(Document(id="1"))
    with pytest.raises(OutcomeUnknown):
        losing_an_answer(table, lambda: table.update(DOCUMENT, {"text": "theirs"})).update(
            DOCUMENT, {"text": "mine"}, expect_version=1
        )
    with pytest.raises(OutcomeUnknown):
        losing_an_answer(table, lambda: table.delete(DOCUMENT)).update(DOCUMENT, {"count": add(1)})
    with pytest.raises(Missing):
        table.update(DOCUMENT, {"count": add(1)})


def test_a_plain_change_is_made_again_over_what_came_between(table: TableClient) -> None:
    table.create(Document(id="1"))
    between = losing_an_answer(table, lambda: table.update(DOCUMENT, {"text": "theirs"}))
    assert between.update(DOCUMENT, {"text": "mine"}).text == "mine"


def test_a_delete_that_finds_nothing_may_have_deleted_it_itself(table: TableClient) -> None:
    table.create(Document(id="1"))
    with pytest.raises(OutcomeUnknown, match="there is none now"):
        losing_an_answer(table).delete(DOCUMENT)
    assert table.delete(DOCUMENT) is None
    table.create(Document(id="1"))
    with pytest.raises(OutcomeUnknown):
        losing_an_answer(table).delete(DOCUMENT, expect_version=1)


@pytest.mark.parametrize(
    "work",
    [
        lambda table: table.create(Account(id="2", email="b")),
        lambda table: table.delete(Account.by_id("1")),
        lambda table: table.update(Account.by_id("1"), {"email": "c"}),
    ],
    ids=["create", "delete", "update"],
)
def test_what_is_written_in_a_transaction_is_never_in_doubt(
    table: TableClient, work: Callable[[TableClient], Any]
) -> None:
    table.create(Account(id="1", email="a"))
    assert work(losing_an_answer(table)) is not None


def test_a_transaction_is_carried_out_once(table: TableClient) -> None:
    table.create(Lock(name="a"))
    client = losing_an_answer(table)
    with client.transaction():
        client.update(Lock.by_name("a"), {"count": add(1)})
        client.create(Lock(name="b"))
    assert table.get(Lock.by_name("a")) == Lock(name="a", count=1)


def test_a_version_that_was_never_met_is_a_mismatch_and_no_doubt(table: TableClient) -> None:
    table.create(Document(id="1"))
    table.update(DOCUMENT, {"text": "x"})
    with pytest.raises(VersionMismatch):
        table.update(DOCUMENT, {"text": "y"}, expect_version=1)
    with pytest.raises(VersionMismatch):
        table.put(Document(id="1"), expect_version=1)


def test_each_write_has_an_id_of_its_own(table: TableClient) -> None:
    ids = []
    watch(table, lambda _, request: ids.append(request["Item"]["_w"]["S"]))
    for name in "ab":
        table.create(Lock(name=name))
    assert len(set(ids)) == 2
    assert {len(each) for each in ids} == {12}
