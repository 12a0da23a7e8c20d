"""DynamoDB's control plane: tables, their indexes and their TTL. No function on a request's path needs it.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from taxiway.sdk.client import Client
from taxiway.sdk.codec import decode, encode
from taxiway.sdk.dynamodb.client import DynamoDB
from taxiway.sdk.dynamodb.errors import ResourceNotFound
from taxiway.sdk.errors import SdkError

FIRST_LOOK, LONGEST_LOOK = 0.02, 5.0
"""Seconds between two looks at a table that is not ready: the first, which doubles, and the last."""


class KeySchemaElement(Struct, rename="pascal"):
    attribute_name: str
    key_type: Literal["HASH", "RANGE"]


class AttributeDefinition(Struct, rename="pascal"):
    attribute_name: str
    attribute_type: Literal["S", "N", "B"]


class Projection(Struct, rename="pascal", omit_defaults=True):
    projection_type: Literal["ALL", "KEYS_ONLY", "INCLUDE"] | None = None
    non_key_attributes: list[str] | None = None


class Throughput(Struct, rename="pascal", omit_defaults=True):
    """Provisioned capacity, in units a second."""

    read_capacity_units: int = 0
    write_capacity_units: int = 0


class Index(Struct, rename="pascal", omit_defaults=True):
    """A secondary index; `index_status` and `backfilling` are in answers, and never sent."""

    index_name: str
    key_schema: list[KeySchemaElement]
    projection: Projection
    provisioned_throughput: Throughput | None = None
    index_status: str | None = None
    backfilling: bool | None = None


class StreamSpecification(Struct, rename="pascal", omit_defaults=True):
    stream_enabled: bool
    stream_view_type: Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"] | None = None


class CreateTable(Struct, rename="pascal", omit_defaults=True):
    table_name: str
    key_schema: list[KeySchemaElement]
    attribute_definitions: list[AttributeDefinition]
    billing_mode: Literal["PAY_PER_REQUEST", "PROVISIONED"] | None = None
    provisioned_throughput: Throughput | None = None
    global_secondary_indexes: list[Index] | None = None
    local_secondary_indexes: list[Index] | None = None
    stream_specification: StreamSpecification | None = None
    deletion_protection_enabled: bool | None = None


class TableDescription(Struct, rename="pascal"):
    """What DescribeTable tells. `table_status` is CREATING, UPDATING, DELETING, ACTIVE or one of the API's others."""

    table_name: str
    table_status: str
    key_schema: list[KeySchemaElement]
    attribute_definitions: list[AttributeDefinition]
    global_secondary_indexes: list[Index] | None = None
    local_secondary_indexes: list[Index] | None = None
    stream_specification: StreamSpecification | None = None
    latest_stream_arn: str | None = None
    table_arn: str | None = None
    item_count: int | None = None
    table_size_bytes: int | None = None


class TimeToLive(Struct, rename="pascal"):
    """`time_to_live_status` is ENABLED, DISABLED, ENABLING or DISABLING."""

    time_to_live_status: str = "DISABLED"
    attribute_name: str | None = None


class TableNotReady(SdkError):  # noqa: N818  named for what happened, as its neighbours are
    """The table, or one of its indexes, did not become what was waited for in time."""


class _Described(Struct, rename="pascal"):
    table: TableDescription


class _Changed(Struct, rename="pascal"):
    table_description: TableDescription


class _Listed(Struct, rename="pascal"):
    table_names: list[str]
    last_evaluated_table_name: str | None = None


class _DescribedTtl(Struct, rename="pascal"):
    time_to_live_description: TimeToLive


class Tables:
    """The tables of an account, with the client of `DynamoDB`. Every method raises what `Client.call` does."""

    def __init__(self, dynamodb: DynamoDB) -> None:
        self._client: Client = dynamodb.client

    def create(self, table: CreateTable) -> TableDescription:
        """Begin to create a table; `wait_until_active` waits for it. Raises ResourceInUse where it exists."""
        return decode(self._call("CreateTable", table), _Changed).table_description

    def describe(self, table_name: str) -> TableDescription:
        """Raises ResourceNotFound where there is no such table."""
        return decode(self._call("DescribeTable", {"TableName": table_name}), _Described).table

    def update(self, table_name: str, **changes: Any) -> TableDescription:
        """Begin a change. `changes` are UpdateTable's parameters, with the API's names."""
        answer = self._call("UpdateTable", {"TableName": table_name, **changes})
        return decode(answer, _Changed).table_description

    def create_index(self, table_name: str, index: Index, attributes: Sequence[AttributeDefinition]) -> None:
        """Begin to add an index; DynamoDB takes one change of an index at a time."""
        changes = [{"Create": index}]
        self.update(table_name, GlobalSecondaryIndexUpdates=changes, AttributeDefinitions=attributes)

    def delete_index(self, table_name: str, index_name: str) -> None:
        """Begin to remove an index."""
        self.update(table_name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index_name}}])

    def delete(self, table_name: str) -> None:
        """Begin to delete a table with all that is in it. Raises ResourceNotFound where there is none."""
        self._call("DeleteTable", {"TableName": table_name})

    def names(self) -> Iterator[str]:
        """The names of all tables, page by page."""
        start: Mapping[str, str] = {}
        while True:
            page = decode(self._call("ListTables", start), _Listed)
            yield from page.table_names
            if page.last_evaluated_table_name is None:
                return
            start = {"ExclusiveStartTableName": page.last_evaluated_table_name}

    def time_to_live(self, table_name: str) -> TimeToLive:
        answer = self._call("DescribeTimeToLive", {"TableName": table_name})
        return decode(answer, _DescribedTtl).time_to_live_description

    def set_time_to_live(self, table_name: str, attribute_name: str, *, enabled: bool = True) -> None:
        """Let items expire by an attribute of epoch seconds, or no longer."""
        specification = {"AttributeName": attribute_name, "Enabled": enabled}
        self._call("UpdateTimeToLive", {"TableName": table_name, "TimeToLiveSpecification": specification})

    def wait_until_active(self, table_name: str, *, timeout: float = 60.0) -> TableDescription:
        """Wait until the table and its indexes are ACTIVE. Raises TableNotReady after `timeout` seconds."""
        limit = time.monotonic() + timeout
        look = FIRST_LOOK
        while True:
            table = self.describe(table_name)
            indexes = table.global_secondary_indexes or ()
            if table.table_status == "ACTIVE" and all(index.index_status in (None, "ACTIVE") for index in indexes):
                return table
            look = self._wait(look, limit, table_name, table.table_status)

    def wait_until_gone(self, table_name: str, *, timeout: float = 60.0) -> None:
        """Wait until there is no such table. Raises TableNotReady after `timeout` seconds."""
        limit = time.monotonic() + timeout
        look = FIRST_LOOK
        while True:
            try:
                status = self.describe(table_name).table_status
            except ResourceNotFound:
                return
            look = self._wait(look, limit, table_name, status)

    def _wait(self, look: float, limit: float, table_name: str, status: str) -> float:
        if time.monotonic() + look >= limit:
            raise TableNotReady(f"The table {table_name} or one of its indexes is not ready: it is {status}")
        time.sleep(look)
        return min(look * 2, LONGEST_LOOK)

    def _call(self, operation: str, request: object) -> bytes:
        return self._client.call(operation, encode(request)).body
