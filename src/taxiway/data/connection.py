"""The way to the table: its name and the core's client, found on first use, and the core's exceptions made ours."""

import os
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from taxiway.data._core import Attributes, Core, core
from taxiway.data.errors import Conflict, InvalidItem, NotConfigured, translate
from taxiway.data.patterns import PARTITION, SORT, Key

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
"""Seconds."""
ATTEMPTS = 5
"""How often the SDK tries a call: enough for an engine that restarts, and for a short spell of throttling."""
CONFLICTS = 20
"""How often a write starts again because another writer came between: two to three seconds in all."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
"""Seconds: the first bound of the random pause before a write starts again, which doubles each time, and the last."""


class ConditionNotMet(Exception):  # noqa: N818  caught by the verbs and never seen outside
    """A condition did not hold; `stored` is the item that it was checked against, None where there was none."""

    def __init__(self, stored: Attributes | None) -> None:
        super().__init__()
        self.stored = stored or None


class Cancelled(Exception):  # noqa: N818  the same
    """A transaction was cancelled. The core gives DynamoDB's text alone, which has a code for each operation."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        listed = text.rpartition("[")[2].rpartition("]")[0]
        self.codes = [code.strip() for code in listed.split(",")] if listed else []


class Connection:
    """The table that TABLE_NAME names, in the region and with the credentials of the AWS_* environment."""

    def __init__(self, table_name: str | None) -> None:
        self._table_name = table_name
        self._core: Core | None = None

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
    def core(self) -> Core:
        """The core's own client, typed: for what the verbs here don't do. It raises the core's own exceptions."""
        if self._core is None:
            self._core = connect()
        return self._core

    def _call(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the core, and turn its exceptions into ours. Where a transaction is under way on the item, try again."""
        attempt = 0
        while True:
            try:
                return method(*args, **kwargs)
            except UnicodeEncodeError as error:
                text = "a lone surrogate is no text"
                raise InvalidItem(
                    f"DynamoDB stores Unicode: {text} ({error.reason}).", public_detail=f"{text}."
                ) from None
            except core().PydynoxException as error:
                if isinstance(error, core().ConditionalCheckFailedException):
                    raise ConditionNotMet(getattr(error, "item", None)) from None
                if isinstance(error, core().TransactionCanceledException):
                    raise Cancelled(str(error)) from None
                meaning = translate(error)
                attempt += 1
                if not isinstance(meaning, Conflict) or attempt == CONFLICTS:
                    raise meaning from error
            pause(attempt)


def connect() -> Core:
    """A client of the core, as the AWS_* environment says. It makes no request."""
    variable = os.environ.get
    return core().DynamoDBClient(
        region=variable("AWS_REGION") or variable("AWS_DEFAULT_REGION"),
        access_key=variable("AWS_ACCESS_KEY_ID"),
        secret_key=variable("AWS_SECRET_ACCESS_KEY"),
        session_token=variable("AWS_SESSION_TOKEN"),
        endpoint_url=variable("AWS_ENDPOINT_URL_DYNAMODB") or variable("AWS_ENDPOINT_URL"),
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_retries=ATTEMPTS,
    )


def pause(attempt: int, longest: float = LONGEST_PAUSE) -> None:
    """Wait before the next try: a random time up to a bound that doubles, so that writers don't meet again.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    from random import uniform

    time.sleep(uniform(0, min(longest, FIRST_PAUSE * 2**attempt)))  # noqa: S311  it spreads writers, and hides nothing


def where(key: Key[Any]) -> Attributes:
    """A key as the core takes it."""
    return {PARTITION: key.partition, SORT: key.sort}
