"""What DynamoDB's data plane answers, with items as Python values.

Every answer has `attempts`, and `may_have_run`: whether an attempt before the one that was answered may have been
carried out as well.
"""

import msgspec
from msgspec import Struct

from taxiway.sdk.dynamodb.requests import DeleteRequest, PutRequest
from taxiway.sdk.dynamodb.values import Item, WireItem


class Units(Struct, rename="pascal"):
    """Capacity units that a table or an index was billed."""

    capacity_units: float = 0.0
    read_capacity_units: float | None = None
    write_capacity_units: float | None = None


class ConsumedCapacity(Units, rename="pascal"):
    """Those of a call, for one table. `table` and the indexes are there where INDEXES was asked for."""

    table_name: str = ""
    table: Units | None = None
    local_secondary_indexes: dict[str, Units] | None = None
    global_secondary_indexes: dict[str, Units] | None = None


class ItemAnswer(Struct):
    """`item` is None where there is none; of a write, it is what `return_values` asked for."""

    item: Item | None
    capacity: ConsumedCapacity | None
    attempts: int
    may_have_run: bool


class Page(Struct):
    """A page of a query or scan. `last_key` is where the next one begins, None after the last."""

    items: list[Item]
    count: int
    scanned_count: int
    last_key: Item | None
    capacity: ConsumedCapacity | None
    attempts: int
    may_have_run: bool


class BatchGetAnswer(Struct):
    """`items` are in no order. `unprocessed` are the keys of each table to ask for again, after a pause."""

    items: dict[str, list[Item]]
    unprocessed: dict[str, list[Item]]
    capacity: list[ConsumedCapacity]
    attempts: int
    may_have_run: bool


class BatchWriteAnswer(Struct):
    """`unprocessed` are the writes of each table to send again, after a pause."""

    unprocessed: dict[str, list[PutRequest | DeleteRequest]]
    capacity: list[ConsumedCapacity]
    attempts: int
    may_have_run: bool


class TransactGetAnswer(Struct):
    """`items` has one for each read, in their order; None where there is none."""

    items: list[Item | None]
    capacity: list[ConsumedCapacity]
    attempts: int
    may_have_run: bool


class TransactWriteAnswer(Struct):
    capacity: list[ConsumedCapacity]
    attempts: int
    may_have_run: bool


class WireItemAnswer(Struct, rename="pascal"):
    """GetItem's answer, or a write's, as it comes."""

    item: WireItem | None = None
    attributes: WireItem | None = None
    consumed_capacity: ConsumedCapacity | None = None


class WirePage(Struct, rename="pascal"):
    items: list[WireItem] = msgspec.field(default_factory=list[WireItem])
    count: int = 0
    scanned_count: int = 0
    last_evaluated_key: WireItem | None = None
    consumed_capacity: ConsumedCapacity | None = None


class WireKeys(Struct, rename="pascal"):
    keys: list[WireItem]


class WireBatchGet(Struct, rename="pascal"):
    responses: dict[str, list[WireItem]] = msgspec.field(default_factory=dict[str, list[WireItem]])
    unprocessed_keys: dict[str, WireKeys] = msgspec.field(default_factory=dict[str, WireKeys])
    consumed_capacity: list[ConsumedCapacity] = msgspec.field(default_factory=list[ConsumedCapacity])


class WireWrite(Struct, rename="pascal"):
    put_request: dict[str, WireItem] | None = None
    delete_request: dict[str, WireItem] | None = None


class WireBatchWrite(Struct, rename="pascal"):
    unprocessed_items: dict[str, list[WireWrite]] = msgspec.field(default_factory=dict[str, list[WireWrite]])
    consumed_capacity: list[ConsumedCapacity] = msgspec.field(default_factory=list[ConsumedCapacity])


class WireTransaction(Struct, rename="pascal"):
    responses: list[WireItemAnswer] = msgspec.field(default_factory=list[WireItemAnswer])
    consumed_capacity: list[ConsumedCapacity] = msgspec.field(default_factory=list[ConsumedCapacity])
