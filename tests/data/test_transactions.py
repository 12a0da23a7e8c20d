"""A transaction is done as a whole or not at all, and when it isn't says which operation stood in the way, and why."""
# ruff: noqa: PT012  it is the end of the block that raises

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.counts import count
from tests.data.models import Account, AccountWithOrders, Item, Order, Shelf, Task
from tests.data.stub import Answer, cancelled, conflict, failure, serving

from taxiway.data import (
    AlreadyExists,
    ConditionFailed,
    Conflict,
    Contended,
    DataError,
    Missing,
    NotUnique,
    Refused,
    TableClient,
    Throttled,
    TransactionFailed,
    TransactionInvalid,
    VersionMismatch,
    add,
)
from taxiway.sdk.dynamodb.actions import put

PRECISE = Decimal("12345678901234567890.123456789012345678")
ONE = Account.by_id("1")


def reasons(failed: pytest.ExceptionInfo[TransactionFailed]) -> list[tuple[int, str, str, type[DataError]]]:
    return [(each.index, each.verb, each.entity, type(each.error)) for each in failed.value.failures]


def test_nothing_is_written_before_the_end_and_everything_at_it(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=PRECISE))
    gone = table.create(Task(list_id="l", id="1"))
    with table.transaction() as transaction:
        account = table.create(Account(id="1", email="a"))
        order = table.put(Order(account="1", id="1"))
        changed = table.update(Item.by_id("1"), {"name": "Chair", "category": "garden"})
        assert table.delete(Task.by_id("l", "1")) == gone
        table.check(Task.by_id("l", "2"), absent=True)
        assert len(transaction) == 6  # with the sentinel of the e-mail address
        assert table.get(Item.by_id("1")) == item
        assert table.collect(AccountWithOrders("1")) == (None, [])
    assert changed == msgspec.structs.replace(
        item, name="Chair", category="garden", version=2, updated_at=changed.updated_at
    )
    assert table.get(Item.by_id("1")) == changed
    assert table.query(Item.by_category("garden")).items == [changed]
    assert table.query(Item.by_category("home")).items == []
    assert table.collect(AccountWithOrders("1")) == (account, [order])
    assert table.get(Task.by_id("l", "1")) is None


def test_an_exception_in_the_block_abandons_it(table: TableClient) -> None:
    with pytest.raises(ZeroDivisionError), table.transaction():
        table.create(Order(account="1", id="1"))
        _ = 1 / 0
    assert table.get(Order.by_id("1", "1")) is None
    assert table.create(Order(account="1", id="1")).id == "1"


def test_a_block_without_writes_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with TableClient().transaction() as transaction:
        pass
    assert len(transaction) == 0


def test_every_failure_is_named_with_its_reason(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=PRECISE))
    table.create(Account(id="1", email="a"))
    table.create(Order(account="1", id="1"))
    with pytest.raises(TransactionFailed) as failed, table.transaction():
        table.create(Order(account="1", id="2"))
        table.create(Order(account="1", id="1"))
        table.create(Account(id="2", email="A"))
        table.check(Item.by_id("1"), Item.name == "Chair")
        table.check(Item.by_id("2"))
        table.put(Item(id="3", name="x", category="c"), expect_version=4)
        table.put(Task(list_id="l", id="1"), condition=Task.rank == 1)
    assert reasons(failed) == [
        (1, "create", "Order", AlreadyExists),
        (2, "create", "Account", NotUnique),
        (3, "check", "Item", ConditionFailed),
        (4, "check", "Item", Missing),
        (5, "put", "Item", VersionMismatch),
        (6, "put", "Task", ConditionFailed),
    ]
    assert failed.value.http_status == 409
    third, last = failed.value.failures[2].error, failed.value.failures[5].error
    assert isinstance(third, ConditionFailed)
    assert third.current == item
    assert isinstance(last, ConditionFailed)
    assert last.current is None
    assert "operation 1, create of Order at 'ACCOUNT#1', 'ORDER#1': Order at 'ACCOUNT#1', 'ORDER#1' exists" in str(
        failed.value
    )
    assert table.get(Order.by_id("1", "2")) is None


def test_a_failure_alone_means_what_it_would_outside(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home"))
    with pytest.raises(TransactionFailed) as failed, table.transaction():
        table.put(item, expect_version=7)
    assert failed.value.http_status == 412
    assert failed.value.public_detail == VersionMismatch.public_detail


def test_what_can_be_known_at_once_is_raised_at_once(table: TableClient) -> None:
    table.create(Item(id="1", name="Lamp", category="home"))
    with table.transaction():
        with pytest.raises(VersionMismatch):
            table.update(Item.by_id("1"), {"name": "x"}, expect_version=2)
        with pytest.raises(Missing):
            table.update(Item.by_id("2"), {"name": "x"})
        with pytest.raises(VersionMismatch):
            table.delete(Item.by_id("1"), expect_version=2)
        assert table.delete(Item.by_id("2")) is None


def test_another_writer_in_between_is_no_failure_of_the_condition(table: TableClient) -> None:
    for number, write in enumerate(
        (
            lambda: table.update(Item.by_id("1"), {"name": "x"}, condition=Item.category == "home"),
            lambda: table.delete(Item.by_id("1"), condition=Item.category == "home"),
            lambda: table.update(ONE, {"email": "b"}),
        )
    ):
        table.put(Item(id="1", name="Lamp", category="home"))
        table.put(Account(id="1", email=f"a{number}"))
        other = TableClient()
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            write()
            other.update(Item.by_id("1"), {"name": "other"})
            other.update(ONE, {"tenant": "other"})
        assert [type(each.error) for each in failed.value.failures] == [Contended]
        assert failed.value.http_status == 503


def test_a_condition_that_does_not_hold_is_told_with_the_item(table: TableClient) -> None:
    shelf = table.create(Shelf(id="1"))
    for write in (
        lambda: table.update(Shelf.by_id("1"), {"stock": add(1)}, condition=Shelf.stock > 10),
        lambda: table.delete(Shelf.by_id("1"), condition=Shelf.stock > 10),
    ):
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            write()
        error = failed.value.failures[0].error
        assert isinstance(error, ConditionFailed)
        assert error.current == shelf


def test_two_operations_on_one_item_are_refused_before_the_call(table: TableClient) -> None:
    table.create(Account(id="1", email="a"))
    with (
        pytest.raises(
            TransactionInvalid, match=r"put of .*'ORDER#1' and create of .* are both on 'ACCOUNT#1', 'ORDER#1'"
        ),
        table.transaction(),
    ):
        table.create(Order(account="1", id="1"))
        table.put(Order(account="1", id="1"))
    with pytest.raises(TransactionInvalid, match="UNIQUE#Account#email#a"), table.transaction():
        table.delete(ONE)
        table.create(Account(id="2", email="a"))
    assert table.get(Order.by_id("1", "1")) is None


def test_a_hundred_operations_are_the_most(table: TableClient) -> None:
    with table.transaction() as transaction:
        for n in range(100):
            table.put(Order(account="1", id=str(n)))
        with pytest.raises(TransactionInvalid, match="more than 100 operations"):
            table.put(Order(account="1", id="x"))
        assert len(transaction) == 100
    assert table.count(Order.of_account("1")) == 100
    with table.transaction() as transaction:
        for n in range(50):
            table.create(Account(id=str(n), email=str(n)))
        with pytest.raises(TransactionInvalid, match="more than 100"):
            table.create(Account(id="x", email="x"))
        assert len(transaction) == 100


def test_a_block_inside_a_joinable_one_is_part_of_it(table: TableClient) -> None:
    with table.transaction(joinable=True) as outer:
        table.create(Order(account="1", id="1"))
        with table.transaction() as inner:
            table.create(Order(account="1", id="2"))
            assert len(inner) == len(outer) == 2
        with pytest.raises(LookupError), table.transaction():
            table.create(Order(account="1", id="3"))
            raise LookupError
        table.create(Order(account="1", id="3", paid=True))
        assert len(outer) == 3
        assert table.count(Order.of_account("1"), consistent=True) == 0
    assert [order.paid for order in table.query(Order.of_account("1")).items] == [False, False, True]


@pytest.mark.parametrize("joined", [False, True])
def test_one_is_one_blocks(table: TableClient, joined: bool) -> None:
    used = table.transaction()
    around = table.transaction(joinable=True) if joined else nullcontext()
    with around, suppress(LookupError), used:
        table.create(Order(account="1", id="1"))
        raise LookupError
    with pytest.raises(TransactionInvalid, match="is one block's"), used:
        pass
    table.create(Order(account="1", id="2"))  # at once: nothing is open any more
    assert [order.id for order in table.query(Order.of_account("1")).items] == ["2"]


def test_one_is_open_at_a_time_in_a_thread_and_others_write_at_once(table: TableClient) -> None:
    with table.transaction():
        table.create(Order(account="1", id="1"))
        with pytest.raises(TransactionInvalid, match="inside another"), table.transaction():
            pass
        thread = threading.Thread(target=table.create, args=(Order(account="1", id="2"),))
        thread.start()
        thread.join()
        assert table.get(Order.by_id("1", "2"), consistent=True) is not None
        with pytest.raises(TransactionInvalid, match="can't be part of a transaction"):
            table.put_many([Order(account="1", id="3")])
    with pytest.raises(TransactionInvalid, match="check is for a transaction"):
        table.check(Order.by_id("1", "1"))


def test_a_token_makes_a_repetition_write_once(table: TableClient) -> None:
    table.create(Item(id="1", name="Lamp", category="home"))
    order = Order(account="1", id="1")

    def write(total: float = 1.0) -> None:
        with table.transaction("token"):
            table.put(msgspec.structs.replace(order, total=total))

    write()
    table.delete(Order.by_id("1", "1"))
    write()
    assert table.get(Order.by_id("1", "1")) is None
    with pytest.raises(TransactionInvalid, match="token"):
        write(total=2.0)
    for token in ("", "x" * 37):
        with pytest.raises(TransactionInvalid, match="1 to 36 bytes"):
            table.transaction(token)


def test_an_operation_of_ones_own_takes_part(table: TableClient) -> None:
    own = put(table.name, {"pk": "X", "sk": "X"}, condition_expression="attribute_not_exists(pk)")
    with table.transaction() as transaction:
        table.put(Order(account="1", id="1"))
        transaction.add(own, label="a record", failed=Contended("it is taken"))
        assert len(transaction) == 2
    assert table.core.get_item(table.name, {"pk": "X", "sk": "X"}).item == {"pk": "X", "sk": "X"}
    with pytest.raises(TransactionFailed) as failed, table.transaction() as transaction:
        transaction.add(own, label="a record", failed=Contended("it is taken"))
    assert reasons(failed) == [(0, "Put", "a record", Contended)]
    with pytest.raises(TransactionInvalid, match="is over"):
        transaction.add(own, label="a record", failed=Contended(""))


def test_items_are_read_as_of_one_moment_with_every_digit(table: TableClient) -> None:
    item = table.create(Item(id="1", name="Lamp", category="home", price=PRECISE))
    order = table.create(Order(account="1", id="1"))
    assert table.get_all(Item.by_id("1"), Order.by_id("1", "1"), Item.by_id("2")) == (item, order, None)
    assert table.get_all(*(Order.by_id("1", str(n)) for n in range(100))).count(None) == 99
    for keys in ([], [Item.by_id("1")] * 2, [Item.by_id(str(n)) for n in range(101)]):
        with pytest.raises(TransactionInvalid, match="1 to 100 keys"):
            table.get_all(*keys)


@count("transfers", test=3, soak=300)
def test_readers_see_all_of_a_transaction_or_nothing(table: TableClient) -> None:
    def move(amount: int) -> None:
        while True:
            try:
                with table.transaction():
                    table.update(ONE, {"balance": add(-amount)})
                    table.update(Account.by_id("2"), {"balance": add(amount)})
            except TransactionFailed:
                continue
            return

    table.create(Account(id="1", email="a", balance=Decimal("0.1")))
    table.create(Account(id="2", email="b", balance=Decimal("0.2")))
    threads = [threading.Thread(target=move, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    sums: set[Any] = set()
    while any(thread.is_alive() for thread in threads):
        first, second = table.get_all(ONE, Account.by_id("2"))
        assert first is not None
        assert second is not None
        sums.add(first.balance + second.balance)
    for thread in threads:
        thread.join()
    assert sums <= {Decimal("0.3")}
    final = table.get(ONE, consistent=True)
    assert final is not None
    assert final.balance == Decimal("-5.9")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a stub, without the pauses before its answers are asked for again."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("TABLE_NAME", "stub")
    monkeypatch.setattr("taxiway.data.contention.LONGEST_PAUSE", 0.0)
    monkeypatch.setattr("taxiway.data.contention.FIRST_PAUSE", 0.0)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def answers(*given: Answer) -> Any:
    """Each of these in turn, and the last for ever."""
    left = list(given)
    return lambda _operation, _body: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.usefixtures("quick")
def test_a_transaction_in_flight_on_the_item_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(account="1", id="1")
    with serving(answers(conflict(), conflict(), (200, {}))) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        TableClient().put(order)
        assert len(stub.calls) == 3
    with serving(
        answers(cancelled("None", "TransactionConflict"), cancelled("TransactionConflict", "None"), (200, {}))
    ) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        table = TableClient()
        with table.transaction("token"):
            table.put(order)
            table.put(Order(account="1", id="2"))
        assert [body["ClientRequestToken"] for _, body in stub.calls] == ["token"] * 3


@pytest.mark.usefixtures("quick")
def test_one_that_never_ends_is_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(account="1", id="1")
    with serving(answers(conflict())) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        with pytest.raises(Conflict) as caught:
            TableClient().put(order)
        assert (caught.value.http_status, caught.value.retry_after) == (503, 1)
    with serving(answers(cancelled("TransactionConflict"))) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        table = TableClient()
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            table.put(order)
        assert reasons(failed) == [(0, "put", "Order", Conflict)]
        with pytest.raises(Conflict):
            table.get_all(Order.by_id("1", "1"), Order.by_id("1", "2"))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("code", "error"),
    [("ThrottlingError", Throttled), ("ProvisionedThroughputExceeded", Throttled), ("ValidationError", Refused)],
)
def test_each_reason_of_dynamodb_has_its_error(
    monkeypatch: pytest.MonkeyPatch, code: str, error: type[DataError]
) -> None:
    with serving(answers(cancelled("None", code))) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        table = TableClient()
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            table.put(Order(account="1", id="1"))
            table.put(Order(account="1", id="2"))
        assert reasons(failed) == [(1, "put", "Order", error)]


@pytest.mark.usefixtures("quick")
def test_a_cancellation_without_reasons_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answers(failure("TransactionCanceledException", "no reason given"))) as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.endpoint)
        table = TableClient()
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            table.put(Order(account="1", id="1"))
        assert failed.value.failures == []
        assert failed.value.http_status == 409


@pytest.mark.parametrize("changes", [{}, {"category": "work"}])
def test_a_transaction_holds_to_the_version_that_an_update_expects(table: TableClient, changes: dict[str, str]) -> None:
    place = Item.by_id("1")
    table.create(Item(id="1", name="Lamp", category="home"))
    with pytest.raises(VersionMismatch), table.transaction():
        table.update(place, changes, expect_version=9)
    with table.transaction():
        table.update(place, changes, expect_version=1)
        table.create(Task(list_id="1", id="1"))
    version = 2 if changes else 1
    stored = table.get(place)
    assert stored is not None
    assert (stored.version, stored.category) == (version, changes.get("category", "home"))
    for meanwhile, error in [
        (lambda: table.update(place, {"name": "Sun"}), VersionMismatch),
        (lambda: table.delete(place), Missing),
    ]:
        with pytest.raises(TransactionFailed) as failed, table.transaction():
            table.update(place, changes, expect_version=version)
            table.create(Task(list_id="1", id="2"))
            elsewhere(meanwhile)
        assert reasons(failed) == [(0, "update", "Item", error)]
        version += 1
    assert table.get(Task.by_id("1", "2")) is None


def elsewhere(write: Callable[[], object]) -> None:
    """In another thread, which a transaction isn't of."""
    with ThreadPoolExecutor(1) as other:
        other.submit(write).result()


def test_what_asyncio_starts_in_a_block_is_part_of_it(table: TableClient) -> None:
    async def write() -> list[bool]:
        late = asyncio.Event()

        async def outliving() -> None:
            await late.wait()
            table.create(Order(account="1", id="3"))

        with table.transaction() as transaction:
            await asyncio.to_thread(table.create, Order(account="1", id="1"))
            task = asyncio.create_task(outliving())
            await asyncio.get_running_loop().run_in_executor(None, table.create, Order(account="1", id="2"))
            assert len(transaction) == 1
            stored = [table.get(Order.by_id("1", id)) is not None for id in "12"]
        late.set()
        with pytest.raises(TransactionInvalid, match="The transaction is over"):
            await task
        return stored

    assert asyncio.run(write()) == [False, True]
    assert [table.get(Order.by_id("1", id)) is not None for id in "123"] == [True, True, False]


def test_two_changes_of_one_item_without_results_both_succeed(table: TableClient) -> None:
    table.create(Item(id="1", name="Lamp", category="home"))
    place = Item.by_id("1")
    with table.transaction():
        table.update(place, {"name": "Sun"}, result=False)
        table.create(Task(list_id="1", id="1"))
        elsewhere(lambda: table.update(place, {"price": Decimal(1)}))
    found = table.get(place)
    assert found is not None
    assert (found.name, found.price, found.version) == ("Sun", Decimal(1), 3)


def test_a_change_without_a_result_reads_nothing_first(table: TableClient) -> None:
    table.create(Shelf(id="1", stock=1))
    seen: list[str] = []
    table.core.client.hook = lambda call: seen.append(call.operation)
    with table.transaction():
        table.update(Shelf.by_id("1"), {"stock": add(1)}, result=False)
        table.delete(Task.by_id("l", "1"), result=False)
    assert seen == ["TransactWriteItems"]
    with pytest.raises(TransactionFailed) as failed, table.transaction():
        table.update(Shelf.by_id("2"), {"stock": add(1)}, result=False)
    assert reasons(failed) == [(0, "update", "Shelf", Missing)]


def test_a_block_runs_again_where_another_writer_came_between(table: TableClient) -> None:
    table.create(Shelf(id="1", stock=1))
    rivals, told = [2, 3], list[int]()

    def take(amount: int) -> int:
        stock = table.update(Shelf.by_id("1"), {"stock": add(amount)}).stock
        table.after_commit(lambda: told.append(stock))
        table.create(Task(list_id="l", id=str(stock)))
        if rivals:
            elsewhere(lambda: table.update(Shelf.by_id("1"), {"stock": add(rivals.pop())}))
        return stock

    assert table.transact(take, 1) == 7
    assert told == [7]
    assert [task.id for task in table.each(Task.by_rank("l"))] == ["7"]
    with pytest.raises(TransactionFailed):
        table.transact(take, 0)  # the task is there
    assert told == [7]


def test_what_is_called_after_a_commit_cannot_undo_it(table: TableClient, capsys: pytest.CaptureFixture[str]) -> None:
    with table.transaction(joinable=True):
        table.create(Order(account="1", id="1"))
        table.after_commit(lambda: 1 / 0)
        with suppress(LookupError), table.transaction():
            table.after_commit(lambda: pytest.fail("its block was abandoned"))
            raise LookupError
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert table.get(Order.by_id("1", "1")) is not None
    at_once: list[int] = []
    table.after_commit(lambda: at_once.append(1))
    assert at_once == [1]


def test_contention_beside_another_failure_is_contention(table: TableClient) -> None:
    table.create(Shelf(id="1", stock=1))
    table.create(Task(list_id="l", id="2"))
    with pytest.raises(TransactionFailed) as failed, table.transaction():
        stock = table.update(Shelf.by_id("1"), {"stock": add(1)}).stock
        table.create(Task(list_id="l", id=str(stock)))
        elsewhere(lambda: table.update(Shelf.by_id("1"), {"stock": add(1)}))
    assert reasons(failed) == [(0, "update", "Shelf", Contended), (1, "create", "Task", AlreadyExists)]
    assert (failed.value.http_status, failed.value.retry_after) == (503, 1)
