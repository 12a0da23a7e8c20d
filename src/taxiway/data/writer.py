"""The verbs that write one item, and the transactions that they become part of."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from taxiway.data.arguments import check_expected, check_item, check_key
from taxiway.data.changes import Changes
from taxiway.data.conditions import Condition, condition_of
from taxiway.data.connection import Connection, where
from taxiway.data.deletes import Deletion
from taxiway.data.entity import Entity
from taxiway.data.errors import EntityError, TransactionInvalid
from taxiway.data.executor import Executor
from taxiway.data.expressions import Expression
from taxiway.data.guards import Guard
from taxiway.data.patterns import Key
from taxiway.data.puts import Creation, Replacement
from taxiway.data.requests import Plan, Request
from taxiway.data.rewriter import Rewriter
from taxiway.data.updates import Modification

if TYPE_CHECKING:
    from taxiway.data.transactions import Transaction

E = TypeVar("E", bound=Entity)
P = ParamSpec("P")
T = TypeVar("T")


class Writer:
    """Inside `with table.transaction():` each of these becomes part of the transaction; outside it happens at once."""

    def __init__(self, connection: Connection, executor: Executor, rewriter: Rewriter) -> None:
        self._connection = connection
        self._executor = executor
        self._rewriter = rewriter

    def create(self, item: E) -> E:
        """Store a new item, and return it with its timestamps and its version, 1. Raises AlreadyExists and NotUnique.

        One that has expired counts as none.
        """
        check_item("create", item)
        return self._executor.settle(Creation(item))

    def put(self, item: E, *, condition: Condition | bool | None = None, expect_version: int | None = None) -> E:
        """Store an item whether or not there is one, and return it as stored: updated now, its version one higher.

        The version is one higher than the object's, or than that of what it replaces where that is not lower: as long
        as the item is there no version is given twice, and an ETag that was read before fits nothing else.

        Raises ConditionFailed where `condition` isn't true of the item that it replaces, VersionMismatch where that is
        not at `expect_version`, and NotUnique. An item with unique values is read first, for those that it gives up; in
        a transaction one with a version too.
        """
        check_item("put", item)
        check_expected("put", type(item), expect_version)
        required = _condition(condition, type(item))
        return self._executor.settle(Replacement(self._connection, item, required, expect_version))

    @overload
    def update(
        self,
        key: Key[E],
        changes: Changes,
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: Literal[True] = True,
    ) -> E: ...
    @overload
    def update(
        self,
        key: Key[E],
        changes: Changes,
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: Literal[False],
    ) -> None: ...
    def update(
        self,
        key: Key[E],
        changes: Changes,
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: bool = True,
    ) -> E | None:
        """Change fields of an item in one atomic write, index keys included, and return it as it then is.

        `changes` names fields as Python does; UNSET leaves one as it is, None removes it, and `add(1)`, `append([…])`,
        `add_to_set({…})` and the like change what is there. Raises Missing where there is no item, VersionMismatch
        where it is not at `expect_version`, ConditionFailed where `condition` isn't true of it or a counter would leave
        its bounds, NotUnique, and InvalidItem where a value doesn't fit its field.

        It reads first where the write depends on what doesn't change: another part of an index key, a Decimal, a unique
        value that is given up. Then the write holds only if that still is what was read, and else starts again;
        Contended after twenty times.

        In a transaction the result is the item as it will be. It is read for that, and the transaction fails by
        Contended if anything in it has changed by its end. With `result=False` nothing is returned, and the change
        depends on nothing else: two transactions can change two fields of an item, or add to the same, at once.
        """
        check_key("update", key)
        check_expected("update", key.entity, expect_version)
        required = _condition(condition, key.entity)
        return self._executor.settle(
            Modification(self._connection, self._rewriter, key, changes, required, expect_version, result=result)
        )

    @overload
    def delete(
        self,
        key: Key[E],
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: Literal[True] = True,
    ) -> E | None: ...
    @overload
    def delete(
        self,
        key: Key[E],
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: Literal[False],
    ) -> None: ...
    def delete(
        self,
        key: Key[E],
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
        result: bool = True,
    ) -> E | None:
        """Delete an item, and return what it was, or None where there was none, whatever was asked of it.

        Raises ConditionFailed where `condition` isn't true of it, VersionMismatch where it is not at `expect_version`,
        and StoredItemInvalid where it is another entity's or of a form that this code doesn't know: then it stays. An
        entity with unique values is read first, and deleted only as it was read; in a transaction every one is, unless
        with `result=False` nothing is returned.
        """
        check_key("delete", key)
        check_expected("delete", key.entity, expect_version)
        required = _condition(condition, key.entity)
        return self._executor.settle(Deletion(self._connection, key, required, expect_version, result=result))

    def check(self, key: Key[Any], condition: Condition | bool | None = None, *, absent: bool = False) -> None:
        """In a transaction: do it only if there is an item that it doesn't write, and a condition is true of it.

        With `absent`, only if there is none; one that has expired is none. Raises TransactionInvalid outside of a
        transaction, and EntityError where both are asked for; the transaction fails by Missing, ConditionFailed or
        AlreadyExists.
        """
        transaction = self._executor.open
        if transaction is None:
            raise TransactionInvalid("check is for a transaction: with table.transaction(): …")
        check_key("check", key)
        required = _condition(condition, key.entity)
        if absent and required is not None:
            raise EntityError(key.entity.__name__, "check can't ask something of an item that is to be absent")
        guard = Guard(key, "absent" if absent else "present", required=required)
        request = Request("check", where(key), guard.arguments(Expression()), guard.explain)
        transaction.enqueue(Plan("check", key.entity.__name__, str(key), [request]))

    def transaction(self, token: str | None = None, *, joinable: bool = False) -> "Transaction":
        """The writes of this client in a `with` block, done together at its end; an exception in it abandons them all.

        Reads go straight through and see nothing of it. It is of this thread (and of this task, in async code) alone.
        At its end it raises TransactionFailed, whose `failures` say what stood in its way; while it is open
        TransactionInvalid, for a second operation on an item or a 101st. A lost answer is made good by the core. With a
        `token` a repetition of one's own within ten minutes writes once too, if it writes the very same: a timestamp or
        an id that is made anew is another transaction, and TransactionInvalid. In a `joinable` one another block is
        part of it: it is done, and fails, at the outer end.
        """
        from taxiway.data.transactions import Transaction

        return Transaction(self._executor.transactions, self._executor.commit, token, joinable=joinable)

    def transact(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a transaction, and return its result; call it again where other writers came between.

        It is called 100 times at most, and for 20 seconds or what the invocation has left, with random pauses. So it
        must read anew what it depends on, and have no effect but its writes: see `after_commit`. Raises what the last
        call raised: TransactionFailed, with status 503 where that was other writers.
        """
        from taxiway.data.transactions import run

        deadline = self._connection.core.deadline
        remaining = None if deadline is None else deadline - time.monotonic()
        return run(self._joinable, lambda _: function(*args, **kwargs), remaining=remaining)

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function after the open transaction is committed, in this process and before the response.

        At most once: it is dropped where the transaction fails or runs again, and lost in a crash. What it raises is
        logged, because the writes are done. Outside of a transaction it is called at once.
        """
        transaction = self._executor.open
        if transaction is None:
            function()
        else:
            transaction.after_commit(function)

    def _joinable(self) -> "Transaction":
        return self.transaction(joinable=True)


def _condition(given: Condition | bool | None, entity: type[Entity]) -> Condition | None:
    return None if given is None else condition_of(given, entity.__name__)
