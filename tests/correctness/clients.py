"""Table clients with something done to their calls: what has to happen in between, and how patient they are."""

from collections.abc import Callable
from typing import Any

from tests.tables import watch

from taxiway.data import TableClient
from taxiway.sdk import Credentials
from taxiway.sdk.dynamodb import DynamoDB
from taxiway.sdk.dynamodb.hooks import TableCall, observe


def secret() -> str:
    """The key that every client here signs its cursors with."""
    return "the tests' own"


class Interrupted(TableClient):
    """A client into one of whose operations another writer's falls, just before one of its calls."""

    def __init__(self, table_name: str) -> None:
        super().__init__(table_name=table_name, cursor_key=secret)
        self._between: Callable[[], None] | None = None
        self._countdown = 0
        watch(self, self._come_between)

    def interrupt(self, call: int, between: Callable[[], None]) -> None:
        """Let `between` happen before the `call`-th call from here, the first being 1; forget an earlier one."""
        self._countdown, self._between = call, between

    def _come_between(self, *_: Any) -> None:
        self._countdown -= 1
        if self._countdown == 0 and self._between is not None:
            self._between()


class Remote(TableClient):
    """A client of another endpoint, with its own patience: `attempts` per call, and `timeout` seconds for each.

    `sent` counts the requests that it has sent, every attempt.
    """

    def __init__(self, table_name: str, endpoint: str, *, attempts: int = 1, timeout: float = 10.0) -> None:
        super().__init__(table_name=table_name, cursor_key=secret)
        self.sent = 0
        dynamodb = DynamoDB(
            region="eu-west-1",
            endpoint=endpoint,
            credentials=Credentials("local", "local"),
            read_timeout=timeout,
            max_attempts=attempts,
        )
        self._connection._core = dynamodb  # noqa: SLF001  no verb asks for a client of another endpoint
        observe(dynamodb, self._count)

    def _count(self, call: TableCall) -> None:
        self.sent += call.attempts
