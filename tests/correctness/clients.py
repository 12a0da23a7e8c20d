"""Table clients with something done to their core: what has to happen in between, and how patient they are."""

from collections.abc import Callable
from typing import Any, cast

from taxiway.data import TableClient
from taxiway.data._core import Core, core


def secret() -> str:
    """The key that every client here signs its cursors with."""
    return "the tests' own"


class Interrupted(TableClient):
    """A client into one of whose operations another writer's falls, just before one of its calls."""

    def __init__(self, table_name: str) -> None:
        super().__init__(table_name=table_name, cursor_key=secret)
        self.between: Callable[[], None] | None = None
        self.countdown = 0

    def interrupt(self, call: int, between: Callable[[], None]) -> None:
        """Let `between` happen before the `call`-th call from here, the first being 1; forget an earlier one."""
        self.countdown, self.between = call, between

    @property
    def core(self) -> Core:
        return cast("Core", _Gate(self, super().core))


class _Gate:
    """The core, with the interruption before its calls."""

    def __init__(self, client: Interrupted, core: Core) -> None:
        self._client = client
        self._core = core

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._client.countdown -= 1
            if self._client.countdown == 0 and self._client.between is not None:
                self._client.between()
            return getattr(self._core, name)(*args, **kwargs)

        return call


class Remote(TableClient):
    """A client of another endpoint, with its own patience: `attempts` per call, and `timeout` seconds for each."""

    def __init__(self, table_name: str, endpoint: str, *, attempts: int = 1, timeout: float = 10.0) -> None:
        super().__init__(table_name=table_name, cursor_key=secret)
        self._remote = core().DynamoDBClient(
            region="eu-west-1",
            access_key="local",
            secret_key="local",
            endpoint_url=endpoint,
            connect_timeout=2.0,
            read_timeout=timeout,
            max_retries=attempts,
        )

    @property
    def core(self) -> Core:
        return self._remote


def scan(table: TableClient, *, decimals: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Every row that is stored, whatever it is; the attributes called `decimals` with all their digits."""
    rows: list[dict[str, Any]] = []
    scan_page = cast("Any", table.core).sync_scan_page
    numbers = {"fields": frozenset(decimals), "variants": {}}
    start = None
    while True:
        page, start, *_ = scan_page(table.name, exclusive_start_key=start, consistent_read=True, _number_schema=numbers)
        rows += page
        if not start:
            return rows
