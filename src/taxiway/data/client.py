"""The table client: every verb of the single table, on `taxiway.sdk`."""

from taxiway.data.batches import Batches
from taxiway.data.cursors import LIFETIME, CursorKey, Cursors
from taxiway.data.reads import Page

__all__ = ["Page", "TableClient"]


class TableClient(Batches):
    """The table that TABLE_NAME names, in the region and with the credentials of the AWS_* environment.

    Making one costs nothing: the environment is read, on first use. `cursor_key` gives the secret
    that signs cursors (called at each use, so that it may come from a cache that refreshes itself), or None for a
    checksum alone; `cursor_lifetime` is in seconds. `table_name` is for tools and tests.
    """

    def __init__(
        self,
        *,
        table_name: str | None = None,
        cursor_key: CursorKey | None = None,
        cursor_lifetime: int = LIFETIME,
    ) -> None:
        super().__init__(table_name)
        self._cursors = Cursors(cursor_key, lifetime=cursor_lifetime)
