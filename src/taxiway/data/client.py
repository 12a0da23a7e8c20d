"""The table client: every verb of the single table, on `taxiway.sdk`."""

from taxiway.data.batches import Batches
from taxiway.data.connection import Connection
from taxiway.data.cursors import LIFETIME, CursorKey, Cursors
from taxiway.data.executor import Executor
from taxiway.data.reads import Page, Reader
from taxiway.data.rewriter import Rewriter
from taxiway.data.writer import Writer
from taxiway.sdk.dynamodb import DynamoDB

__all__ = ["Page", "TableClient"]


class TableClient:
    """The table that TABLE_NAME names, in the region and with the credentials of the AWS_* environment.

    Making one costs nothing: the environment is read on first use. `cursor_key` gives the secret that signs cursors
    (called at each use, so that it may come from a cache that refreshes itself), or None for a checksum alone;
    `cursor_lifetime` is in seconds. `table_name` is for tools and tests.
    """

    def __init__(
        self,
        *,
        table_name: str | None = None,
        cursor_key: CursorKey | None = None,
        cursor_lifetime: int = LIFETIME,
    ) -> None:
        self._connection = connection = Connection(table_name)
        executor = Executor(connection)
        reader = Reader(connection, Cursors(cursor_key, lifetime=cursor_lifetime))
        rewriter = Rewriter(connection, executor)
        writer = Writer(connection, executor, rewriter)
        batches = Batches(connection, executor)
        self.get = reader.get
        self.query = reader.query
        self.each = reader.each
        self.count = reader.count
        self.collect = reader.collect
        self.get_all = reader.get_all
        self.get_many = batches.get_many
        self.create = writer.create
        self.put = writer.put
        self.update = writer.update
        self.delete = writer.delete
        self.put_many = batches.put_many
        self.delete_many = batches.delete_many
        self.transaction = writer.transaction
        self.transact = writer.transact
        self.check = writer.check
        self.after_commit = writer.after_commit
        self.rewrite = rewriter.rewrite
        self.needs_rewrite = rewriter.needs_rewrite

    @property
    def name(self) -> str:
        """The table's name. Raises NotConfigured where TABLE_NAME is not set."""
        return self._connection.name

    @property
    def core(self) -> DynamoDB:
        """The client of `taxiway.sdk`, for what the verbs here don't do. It raises exceptions of its own."""
        return self._connection.core
