"""A unique value is one item's at most, through every verb and however many claim it at once."""

import threading
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from tests.counts import count
from tests.data.models import Account
from tests.tables import rows_of

from taxiway.data import (
    AlreadyExists,
    ConditionFailed,
    Entity,
    EntityError,
    InvalidKey,
    NotUnique,
    TableClient,
    VersionMismatch,
    add,
    key,
    unique,
    version,
)

ONE, TWO = Account.by_id("1"), Account.by_id("2")


def sentinels(table: TableClient) -> dict[str, str]:
    """Every unique value that is held, and by whom."""
    sentinels = [row for row in rows_of(table) if row["pk"].startswith("UNIQUE#")]
    return {row["pk"].removeprefix("UNIQUE#Account#"): row["holderPk"] for row in sentinels}


def test_two_cannot_have_one_value_in_any_case_of_letters(table: TableClient) -> None:
    first = table.create(Account(id="1", email="Ann@Example.com"))
    with pytest.raises(NotUnique) as taken:
        table.create(Account(id="2", email="ann@example.COM"))
    assert (taken.value.field, taken.value.http_status, taken.value.public_detail) == (
        "email",
        409,
        "email: it is taken.",
    )
    assert table.get(TWO) is None
    assert table.get(ONE) == first
    assert first.email == "Ann@Example.com"


def test_a_value_may_be_unique_within_another(table: TableClient) -> None:
    table.create(Account(id="1", email="a", tenant="x", handle="root"))
    table.create(Account(id="2", email="b", tenant="y", handle="root"))
    with pytest.raises(NotUnique, match="can't have this handle"):
        table.create(Account(id="3", email="c", tenant="x", handle="root"))
    with pytest.raises(NotUnique, match="handle"):
        table.update(TWO, {"tenant": "x"})
    table.update(ONE, {"tenant": "z"})
    assert table.update(TWO, {"tenant": "x"}).tenant == "x"


def test_none_is_no_value(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    table.create(Account(id="2", email="b"))
    assert sentinels(table) == {"email#a": "ACCOUNT#1", "email#b": "ACCOUNT#2"}


def test_an_item_that_exists_is_that_before_anything_else(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    with pytest.raises(AlreadyExists):
        table.create(Account(id="1", email="a"))
    with pytest.raises(AlreadyExists):
        table.create(Account(id="1", email="b"))
    assert sentinels(table) == {"email#a": "ACCOUNT#1"}


def test_a_change_takes_the_new_value_and_frees_the_old(table: TableClient) -> None:
    account = table.create(Account(id="1", email="a", handle="h", balance=Decimal("0.1")))
    changed = table.update(ONE, {"email": "b"})
    assert changed == msgspec.structs.replace(account, email="b", version=2) == table.get(ONE)
    assert sentinels(table) == {"email#b": "ACCOUNT#1", "handle#t#h": "ACCOUNT#1"}
    table.create(Account(id="2", email="a"))
    with pytest.raises(NotUnique):
        table.update(ONE, {"email": "A"})
    assert table.get(ONE) == changed
    table.update(ONE, {"handle": None})
    assert sentinels(table) == {"email#b": "ACCOUNT#1", "email#a": "ACCOUNT#2"}


def test_a_change_of_letters_alone_or_of_something_else_takes_nothing(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    assert table.update(ONE, {"email": "A"}).email == "A"
    assert table.update(ONE, {"balance": Decimal(5)}).version == 3
    assert sentinels(table) == {"email#a": "ACCOUNT#1"}


def test_put_takes_and_frees(table: TableClient) -> None:
    first = table.put(Account(id="1", email="a", handle="h"))
    second = table.put(msgspec.structs.replace(first, email="b", handle=None))
    assert table.get(ONE) == second
    assert sentinels(table) == {"email#b": "ACCOUNT#1"}
    table.put(Account(id="2", email="a"))
    with pytest.raises(NotUnique):
        table.put(Account(id="2", email="b"))
    with pytest.raises(VersionMismatch):
        table.put(second, expect_version=1)
    with pytest.raises(ConditionFailed):
        table.put(second, condition=Account.email == "x")
    assert table.put(second, expect_version=2).version == 3


def test_delete_frees(table: TableClient) -> None:
    account = table.create(Account(id="1", email="a", handle="h", balance=Decimal("0.1")))
    with pytest.raises(ConditionFailed):
        table.delete(ONE, condition=Account.email == "x")
    with pytest.raises(VersionMismatch):
        table.delete(ONE, expect_version=7)
    assert table.delete(ONE, expect_version=1) == account
    assert table.delete(ONE) is None
    assert sentinels(table) == {}
    table.create(Account(id="2", email="a", handle="h"))


def test_a_swap_in_one_transaction_is_refused_and_one_after_the_other_works(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    table.update(ONE, {"email": "c"})
    table.create(Account(id="2", email="a"))
    assert sentinels(table) == {"email#c": "ACCOUNT#1", "email#a": "ACCOUNT#2"}


def test_an_update_keeps_its_conditions(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    with pytest.raises(ConditionFailed):
        table.update(ONE, {"email": "b"}, condition=Account.tenant == "x")
    with pytest.raises(VersionMismatch):
        table.update(ONE, {"email": "b"}, expect_version=7)
    changed = table.update(ONE, {"email": "b", "balance": add(1)}, condition=Account.tenant == "t", expect_version=1)
    assert (changed.email, changed.balance) == ("b", 1)


def together(work: Callable[[int], None], threads: int = 4) -> None:
    running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


@count("claims", test=24, soak=2_400)
def test_of_many_who_claim_a_value_one_has_it(table: TableClient) -> None:
    won: list[tuple[int, str]] = []

    def work(n: int) -> None:
        for value in "abcdef":
            try:
                table.create(Account(id=f"{n}{value}", email=value))
                won.append((n, value))
            except NotUnique:
                pass

    together(work)
    assert sorted(value for _, value in won) == list("abcdef")
    assert sentinels(table) == {f"email#{value}": f"ACCOUNT#{n}{value}" for n, value in won}


def test_of_many_who_change_one_item_none_leaves_a_value_behind(table: TableClient) -> None:
    table.create(Account(id="1", email="start"))

    def work(n: int) -> None:
        for turn in range(4):
            table.update(ONE, {"email": f"{n}-{turn}"})

    together(work, 3)
    final = table.get(ONE, consistent=True)
    assert final is not None
    assert final.version == 13
    assert sentinels(table) == {f"email#{final.email}": "ACCOUNT#1"}


def test_a_unique_value_must_fit_a_key(table: TableClient) -> None:
    with pytest.raises(InvalidKey, match=r"Account\.email"):
        table.create(Account(id="1", email=""))


def test_batches_cannot_keep_values_unique(table: TableClient) -> None:
    with pytest.raises(EntityError, match="email, handle is unique, and put_many can't keep it so"):
        table.put_many([Account(id="1", email="a")])
    with pytest.raises(EntityError, match="delete_many"):
        table.delete_many([ONE])


def declared(form: str) -> type[Entity]:
    class Thing(Entity):
        id: str
        name: str = unique(form)
        number: int = 0
        version: int = version()

        @key(pk="THING#{id}", sk="THING")
        def by_id(self, id: str) -> None:
            """One thing."""

    return Thing


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("{id}", "doesn't name name"),
        ("{name}#{nothing}", "which is not a field"),
        ("{name}#{number}", "can't be part of the key"),
        ("{name}#{version:08}", "holds what each write changes"),
    ],
)
def test_a_mistake_in_a_form_is_found_with_the_class(form: str, problem: str) -> None:
    with pytest.raises(EntityError, match=problem):
        declared(form)


def test_a_unique_field_is_required_unless_it_has_a_default() -> None:
    with pytest.raises(TypeError, match="email"):
        Account(id="1")  # type: ignore[call-arg]  the point
    assert Account(id="1", email="a").handle is None
