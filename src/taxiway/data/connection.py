"""The way to the table: its name and the AWS client, found on first use, and the client's exceptions made ours."""

import os
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from taxiway.data.errors import Conflict, NotConfigured, translate
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.sdk.dynamodb import CancellationReason, ConditionalCheckFailed, DynamoDB, Item, TransactionCanceled
from taxiway.sdk.errors import SdkError

P = ParamSpec("P")
R = TypeVar("R")

CONFLICTS = 20
"""How often a write starts again because another writer came between: two to three seconds in all."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
"""Seconds: the first bound of the random pause before a write starts again, which doubles each time, and the last."""


class ConditionNotMet(Exception):  # noqa: N818  caught by the verbs and never seen outside
    """A condition did not hold; `stored` is the item that it was checked against, None where there was none."""

    def __init__(self, stored: Item | None) -> None:
        super().__init__()
        self.stored = stored


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

    def _call(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the client, with its exceptions made ours; again where a transaction is under way on the item."""
        attempt = 0
        while True:
            try:
                return method(*args, **kwargs)
            except ConditionalCheckFailed as error:
                raise ConditionNotMet(error.item) from None
            except TransactionCanceled as error:
                raise Cancelled(str(error), error.reasons) from None
            except SdkError as error:
                meaning = translate(error)
                attempt += 1
                if not isinstance(meaning, Conflict) or attempt == CONFLICTS:
                    raise meaning from error
            pause(attempt)


def pause(attempt: int, longest: float = LONGEST_PAUSE) -> None:
    """Wait before the next try: a random time up to a bound that doubles, so that writers don't meet again.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    from random import uniform

    time.sleep(uniform(0, min(longest, FIRST_PAUSE * 2**attempt)))  # noqa: S311  it spreads writers, and hides nothing


def where(key: Key[Any]) -> Item:
    """A key as the client takes it."""
    return {PARTITION: key.partition, SORT: key.sort}
