"""Tables for tests, and table clients in whose calls something happens."""

import json
from collections.abc import Callable
from typing import Any, cast

from taxiway.data import TableClient
from taxiway.sdk.client import Answer, Client
from taxiway.sdk.dynamodb import DynamoDB
from taxiway.sdk.dynamodb.tables import (
    AttributeDefinition,
    CreateTable,
    Index,
    KeySchemaElement,
    Projection,
    Tables,
)
from taxiway.sdk.errors import CallError


def create_table(dynamodb: DynamoDB, name: str, *indexes: str) -> None:
    """An empty table, with indexes whose keys are called `gsi1pk` and `gsi1sk`."""
    keys = [("pk", "sk"), *((f"{index}pk", f"{index}sk") for index in indexes)]
    schemas = [[KeySchemaElement(pk, "HASH"), KeySchemaElement(sk, "RANGE")] for pk, sk in keys]
    wanted = CreateTable(
        name,
        schemas[0],
        [AttributeDefinition(each, "S") for pair in keys for each in pair],
        "PAY_PER_REQUEST",
        global_secondary_indexes=[
            Index(index, schema, Projection("ALL")) for index, schema in zip(indexes, schemas[1:], strict=True)
        ]
        or None,
    )
    tables = Tables(dynamodb)
    tables.create(wanted)
    tables.wait_until_active(name)


def rows_of(table: TableClient) -> list[dict[str, Any]]:
    """Every row that is stored, whatever it is."""
    rows: list[dict[str, Any]] = []
    start = None
    while True:
        page = table.core.scan(table.name, exclusive_start_key=start, consistent_read=True)
        rows += page.items
        start = page.last_key
        if start is None:
            return rows


class Watched:
    """An AWS client, before each of whose calls something happens."""

    def __init__(self, client: Client, before: Callable[[str, dict[str, Any]], None]) -> None:
        self._client = client
        self._before = before

    def call(self, operation: str, body: bytes, *, timeout: float | None = None) -> Answer:
        self._before(operation, json.loads(body))
        return self._client.call(operation, body, timeout=timeout)


def watch(table: TableClient, before: Callable[[str, dict[str, Any]], None]) -> None:
    """Have `before` told of each call of a table client: its operation, and its request."""
    table.core.client = cast("Client", Watched(table.core.client, before))


class Repeating:
    """An AWS client that loses the answer to its first write, and tries again, as the retries do."""

    def __init__(self, client: Client, between: Callable[[], Any] = lambda: None) -> None:
        self._client = client
        self._between = between
        self._repeats = True

    def call(self, operation: str, body: bytes, *, timeout: float | None = None) -> Answer:
        if operation in ("GetItem", "Query") or not self._repeats:
            return self._client.call(operation, body, timeout=timeout)
        self._repeats = False
        try:
            self._client.call(operation, body, timeout=timeout)
            self._between()
            answer = self._client.call(operation, body, timeout=timeout)
        except CallError as error:
            error.may_have_run = True
            error.attempts += 1
            raise
        answer.may_have_run = True
        return answer


def losing_an_answer(table: TableClient, between: Callable[[], Any] = lambda: None) -> TableClient:
    """Another client of a table, that loses the answer to its first write; `between` happens before the retry."""
    client = TableClient(table_name=table.name)
    client.core.client = cast("Client", Repeating(client.core.client, between))
    return client
