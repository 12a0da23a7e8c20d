"""Transactions: the writes of a block, done together at its end or not at all.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from taxiway import log
from taxiway.data.contention import pause
from taxiway.data.errors import Conflict, Contended, DataError, TransactionFailed, TransactionInvalid
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.requests import Plan, Request
from taxiway.sdk.dynamodb.requests import Action, ConditionCheck, Delete, Put, Update

LARGEST = 100
"""How many operations DynamoDB takes in one transaction."""
LONGEST_TOKEN = 36
RUNS = 100
"""How often a block is run at most."""
PATIENCE = 20.0
"""Seconds for which it is run again, where the invocation has that much left."""
MARGIN = 1.0
"""Seconds that are kept of what the invocation has left, for the last run and the response."""
LONGEST_PAUSE = 1.0
"""Seconds, at most, between two runs."""

T = TypeVar("T")


class Committing(Protocol):
    """What carries a transaction out."""

    def __call__(self, plans: list[Plan], token: str | None, /) -> None: ...


class Transaction:
    """The writes of one `with` block. `len` of it is how many operations DynamoDB would be given: 0 writes nothing.

    A block inside a `joinable` one is part of it, in place of being refused.
    """

    def __init__(
        self,
        current: "ContextVar[Transaction | None]",
        commit: Committing,
        token: str | None,
        *,
        joinable: bool = False,
    ) -> None:
        if token is not None and not (isinstance(token, str) and 1 <= len(token.encode()) <= LONGEST_TOKEN):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
            raise TransactionInvalid(f"A transaction's token has 1 to {LONGEST_TOKEN} bytes, and this is {token!r}.")
        self.token = token
        self.joinable = joinable
        self._current = current
        self._commit = commit
        self.plans: list[Plan] = []
        self._keys: dict[tuple[str, str], tuple[Plan, bool]] = {}
        self._outer: Token[Transaction | None] | None = None
        self._joined: tuple[Transaction, int, int] | None = None
        self.callbacks: list[Callable[[], object]] = []
        self._entered = False

    def __len__(self) -> int:
        return len(self._keys if self._joined is None else self._joined[0])

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> "Transaction":
        if self._entered:
            raise TransactionInvalid("A transaction is one block's: begin another by table.transaction().")
        self._entered = True
        around = self._current.get()
        if around is not None:
            if not around.joinable:
                raise TransactionInvalid("A transaction can't be inside another: use the one that is open.")
            self._joined = around, len(around.plans), len(around.callbacks)
            return self
        self._outer = self._current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._joined is not None:
            around, plans, callbacks = self._joined
            self._joined = None
            if error is not None:  # the handler may catch it, and then nothing of this block is to be done
                around.keep_first(plans, callbacks)
            return
        if self._outer is not None:
            self._current.reset(self._outer)
            self._outer = None
        if error is not None:
            return
        if self.plans:
            self._commit(self.plans, self.token)
        for callback in self.callbacks:
            try:
                callback()
            except Exception as failed:
                log.exception("an after_commit function failed; the transaction was committed", failed)

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function once the transaction is committed; never if it fails."""
        (self if self._joined is None else self._joined[0]).callbacks.append(function)

    def add(self, action: Action, *, label: str, failed: DataError) -> None:
        """One action of `taxiway.sdk.dynamodb.actions`, for what no verb does.

        `label` names it in a TransactionFailed, and `failed` is the error there where its condition doesn't hold.
        Raises TransactionInvalid where it doesn't say which item it is on.
        """
        if not isinstance(action, Put | Update | Delete | ConditionCheck):  # pyright: ignore[reportUnnecessaryIsInstance]  for who has no checker
            raise TransactionInvalid(
                f"{label}: it is a {type(action).__name__}, and not an action.\n"
                "Fix: make it by taxiway.sdk.dynamodb.actions.put, update, delete or check"
            )
        wire = cast("Mapping[str, Any]", action.item if isinstance(action, Put) else action.key)
        missing = [each for each in (PARTITION, SORT) if each not in wire]
        if missing:
            raise TransactionInvalid(f"{label} has no {' and no '.join(missing)}, so it is on no item.")
        place = {name: wire[name]["S"] for name in (PARTITION, SORT)}
        request = Request("check", place, {}, lambda _: failed, given=action)
        self.enqueue(Plan(type(action).__name__, label, label, [request]))

    def enqueue(self, plan: Plan) -> None:
        """Add a verb's operations, all or none. Raises TransactionInvalid where they don't fit in."""
        if self._joined is not None:
            self._joined[0].enqueue(plan)
            return
        if self._outer is None:
            raise TransactionInvalid("The transaction is over: write inside its block.")
        for request in plan.requests:
            other, taken = self._keys.get(request.key, (None, False))
            if other is not None:
                if taken and request.takes:
                    raise request.explain(None)
                raise TransactionInvalid(
                    f"A transaction can do one thing to an item: {plan.verb} of {plan.key} and {other.verb} of "
                    f"{other.key} are both on {request.key[0]!r}, {request.key[1]!r}.\nFix: make one change of the two"
                )
        if len(self) + len(plan.requests) > LARGEST:
            raise TransactionInvalid(
                f"{plan.verb} of {plan.key} makes more than {LARGEST} operations in one transaction, where each "
                "unique value is one.\nFix: split what need not be done together"
            )
        self._keys |= {request.key: (plan, request.takes) for request in plan.requests}
        self.plans.append(plan)

    def keep_first(self, plans: int, callbacks: int) -> None:
        """Abandon what came after the first of its plans and callbacks."""
        self.plans = self.plans[:plans]
        self.callbacks = self.callbacks[:callbacks]
        self._keys = {request.key: (plan, request.takes) for plan in self.plans for request in plan.requests}


def run(begin: Callable[[], Transaction], block: Callable[[Transaction], T], *, remaining: float | None) -> T:
    """Run a block in a transaction, and again in a new one where other writers came between.

    It is run 100 times at most, and for 20 seconds or what the invocation has `remaining`, with random pauses. Raises
    what the last run raised.
    """
    patience = PATIENCE if remaining is None else min(PATIENCE, remaining - MARGIN)
    deadline = time.monotonic() + patience
    for attempt in range(RUNS - 1):
        try:
            with begin() as transaction:
                result = block(transaction)
        except DataError as error:
            if not is_contention(error) or time.monotonic() > deadline:
                raise
        else:
            return result
        pause(attempt, LONGEST_PAUSE)
    with begin() as transaction:
        return block(transaction)


def is_contention(error: DataError) -> bool:
    """Whether other writers are why, so that another run may succeed.

    One failure of theirs is enough: the block may have read what has changed, and the others may follow from that.
    """
    errors = [each.error for each in error.failures] if isinstance(error, TransactionFailed) else [error]
    return any(isinstance(each, Contended | Conflict) for each in errors)
