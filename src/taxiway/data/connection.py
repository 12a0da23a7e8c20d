"""The way to the table: its name and the AWS client, found on first use, and the client's exceptions made ours."""

import os
import time
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from taxiway.data.contention import CONFLICTS, pause
from taxiway.data.errors import Conflict, DataError, NotConfigured, OutcomeUnknown, translate
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.sdk.dynamodb import CancellationReason, ConditionalCheckFailed, DynamoDB, Item, TransactionCanceled
from taxiway.sdk.errors import CallError, InvalidAnswer, NoAnswer, SdkError

P = ParamSpec("P")
R = TypeVar("R", bound="Answered")

RESTART = 1.5
"""Seconds for which a call is tried again while nothing listens: as long as a local engine takes to come back."""


class Answered(Protocol):
    """What every answer of the AWS client tells."""

    may_have_run: bool


class ConditionNotMet(Exception):  # noqa: N818  caught by the verbs and never seen outside
    """A condition did not hold; `stored` is the item that it was checked against, None where there was none.

    `may_have_run` is whether an earlier attempt of the same request, of all its `attempts`, may have been carried out.
    """

    def __init__(self, stored: Item | None, *, may_have_run: bool, attempts: int) -> None:
        super().__init__()
        self.stored = stored
        self.may_have_run = may_have_run
        self.attempts = attempts


class Cancelled(Exception):  # noqa: N818  the same
    """A transaction was cancelled, for one reason for each action of it."""

    def __init__(self, text: str, reasons: list[CancellationReason]) -> None:
        super().__init__(text)
        self.reasons = reasons


class Connection:
    """The table that TABLE_NAME names, in the region and with the credentials of the AWS_* environment."""

    def __init__(self, table_name: str | None) -> None:
        self._table_name = table_name
        self._core: DynamoDB | None = None

    @property
    def name(self) -> str:
        """The table's name. Raises NotConfigured where TABLE_NAME is not set."""
        if not self._table_name:
            self._table_name = os.environ.get("TABLE_NAME")
        if not self._table_name:
            raise NotConfigured(
                "TABLE_NAME is not set: this function was given nothing of the table.\n"
                "Fix: name what it does in its route, as in uses=[allow.get(Item)]"
            )
        return self._table_name

    @property
    def core(self) -> DynamoDB:
        """The client of `taxiway.sdk`, for what the verbs here don't do. It raises exceptions of its own."""
        if self._core is None:
            self._core = DynamoDB()
        return self._core

    def call(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the client, with its exceptions made ours; again where a transaction is under way on the item."""
        attempt, attempts, ran, start = 0, 0, False, time.monotonic()
        while True:
            try:
                answer = method(*args, **kwargs)
            except ConditionalCheckFailed as error:
                ran, attempts = ran or error.may_have_run, attempts + error.attempts
                raise ConditionNotMet(error.item, may_have_run=ran, attempts=attempts) from None
            except TransactionCanceled as error:
                raise Cancelled(str(error), error.reasons) from None
            except SdkError as error:
                meaning = translate(error)
                if isinstance(error, CallError):
                    ran = error.may_have_run = ran or error.may_have_run
                    attempts += error.attempts
                attempt += 1
                away = isinstance(error, NoAnswer) and not ran and time.monotonic() - start < RESTART
                if attempt == CONFLICTS or not (away or isinstance(meaning, Conflict)):
                    raise meaning from error
            else:
                answer.may_have_run = ran or answer.may_have_run
                return answer
            pause(attempt)

    def row(self, key: Key[Any]) -> Item | None:
        """What is stored under a key, expired or not, as of now."""
        return self.call(self.core.get_item, self.name, where(key), consistent_read=True).item

    def write(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`call` for what changes something. Raises OutcomeUnknown where it may have been carried out all the same."""
        try:
            return self.call(method, *args, **kwargs)
        except DataError as error:
            cause = error.__cause__
            if isinstance(cause, InvalidAnswer) or (isinstance(cause, CallError) and cause.may_have_run):
                raise OutcomeUnknown(f"The answer to a write was lost: {error}") from cause
            raise


def where(key: Key[Any]) -> Item:
    """A key as the client takes it."""
    return {PARTITION: key.partition, SORT: key.sort}
