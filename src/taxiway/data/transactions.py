"""Transactions: the writes of a block, done together at its end or not at all.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Protocol

from taxiway.data.errors import DataError, TransactionInvalid
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.requests import Request, Write
from taxiway.sdk.dynamodb.requests import Action, ConditionCheck, Delete, Put, Update

LARGEST = 100
"""How many operations DynamoDB takes in one transaction."""
LONGEST_TOKEN = 36


class Committing(Protocol):
    """What carries a transaction out."""

    def __call__(self, writes: list[Write], token: str | None) -> None: ...


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
        self.writes: list[Write] = []
        self._keys: dict[tuple[str, str], tuple[Write, bool]] = {}
        self._outer: Token[Transaction | None] | None = None
        self._joined: tuple[Transaction, int] | None = None
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
            self._joined = around, len(around.writes)
            return self
        self._outer = self._current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._joined is not None:
            around, count = self._joined
            self._joined = None
            if error is not None:  # the handler may catch it, and then nothing of this block is to be written
                around.keep_first(count)
            return
        if self._outer is not None:
            self._current.reset(self._outer)
            self._outer = None
        if error is None and self.writes:
            self._commit(self.writes, self.token)

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
        place = action.item if isinstance(action, Put) else action.key
        missing = [each for each in (PARTITION, SORT) if not isinstance(place, Mapping) or each not in place]
        if missing:
            raise TransactionInvalid(f"{label} has no {' and no '.join(missing)}, so it is on no item.")
        self.enqueue(Write(type(action).__name__, label, label, [Request(action, lambda _: failed)]))

    def enqueue(self, write: Write) -> None:
        """Add a verb's operations, all or none. Raises TransactionInvalid where they don't fit in."""
        if self._joined is not None:
            self._joined[0].enqueue(write)
            return
        if self._outer is None:
            raise TransactionInvalid("The transaction is over: write inside its block.")
        for request in write.requests:
            other, taken = self._keys.get(request.key, (None, False))
            if other is not None:
                if taken and request.takes:
                    raise request.explain(None)
                raise TransactionInvalid(
                    f"A transaction can do one thing to an item: {write.verb} of {write.key} and {other.verb} of "
                    f"{other.key} are both on {request.key[0]!r}, {request.key[1]!r}.\nFix: make one change of the two"
                )
        if len(self) + len(write.requests) > LARGEST:
            raise TransactionInvalid(
                f"{write.verb} of {write.key} makes more than {LARGEST} operations in one transaction, where each "
                "unique value is one.\nFix: split what need not be done together"
            )
        self._keys |= {request.key: (write, request.takes) for request in write.requests}
        self.writes.append(write)

    def keep_first(self, count: int) -> None:
        """Abandon all of the writes but the first `count`."""
        self.writes = self.writes[:count]
        self._keys = {request.key: (write, request.takes) for write in self.writes for request in write.requests}
