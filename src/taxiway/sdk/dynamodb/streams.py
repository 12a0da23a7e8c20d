"""DynamoDB Streams: the changes of a table's items, for 24 hours, as consumers outside of Lambda read them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from typing import Literal

import msgspec
from msgspec import Struct

from taxiway.sdk.client import CONNECT_TIMEOUT, READ_TIMEOUT, Client
from taxiway.sdk.codec import decode, encode
from taxiway.sdk.dynamodb.errors import error_of
from taxiway.sdk.dynamodb.values import Item, WireItem, item_from_wire
from taxiway.sdk.services import Service
from taxiway.sdk.signing import Credentials

SERVICE = Service(
    name="dynamodb",
    host_prefix="streams.dynamodb",
    variable="DYNAMODB_STREAMS",
    target_prefix="DynamoDBStreams_20120810",
    content_type="application/x-amz-json-1.0",
    attempts=4,
    scale=0.025,
    error=error_of,
)


class Stream(Struct, rename="pascal"):
    stream_arn: str
    table_name: str
    stream_label: str | None = None


class SequenceNumbers(Struct, rename="pascal"):
    """An end is None while the shard is open."""

    starting_sequence_number: str | None = None
    ending_sequence_number: str | None = None


class Shard(Struct, rename="pascal"):
    shard_id: str
    sequence_number_range: SequenceNumbers = msgspec.field(default_factory=SequenceNumbers)
    parent_shard_id: str | None = None


class StreamDescription(Struct, rename="pascal"):
    """`last_evaluated_shard_id` is where the next page of shards begins, None on the last."""

    stream_arn: str
    stream_status: str
    table_name: str | None = None
    stream_view_type: str | None = None
    shards: list[Shard] = msgspec.field(default_factory=list[Shard])
    last_evaluated_shard_id: str | None = None


class Record(Struct):
    """One change of an item; `event` is INSERT, MODIFY or REMOVE. Images are those that the stream holds."""

    event_id: str
    event: str
    sequence_number: str
    keys: Item
    old_image: Item | None
    new_image: Item | None
    created_at: float | None
    """Epoch seconds, to about a second."""
    expired: bool
    """Whether it was removed because its time to live was over."""


class Records(Struct):
    """`next_iterator` is None at the end of a shard that is closed."""

    records: list[Record]
    next_iterator: str | None


class _Identity(Struct, rename={"principal_id": "PrincipalId", "type": "Type"}):
    principal_id: str | None = None
    type: str | None = None


class _Change(Struct):
    sequence_number: str = msgspec.field(name="SequenceNumber")
    keys: WireItem = msgspec.field(name="Keys", default_factory=WireItem)
    old_image: WireItem | None = msgspec.field(name="OldImage", default=None)
    new_image: WireItem | None = msgspec.field(name="NewImage", default=None)
    created: float | None = msgspec.field(name="ApproximateCreationDateTime", default=None)


class _Record(Struct):
    event_id: str = msgspec.field(name="eventID")
    event: str = msgspec.field(name="eventName")
    change: _Change = msgspec.field(name="dynamodb")
    identity: _Identity | None = msgspec.field(name="userIdentity", default=None)


class _Records(Struct, rename="pascal"):
    records: list[_Record]
    next_shard_iterator: str | None = None


class _Streams(Struct, rename="pascal"):
    streams: list[Stream]
    last_evaluated_stream_arn: str | None = None


class _Described(Struct, rename="pascal"):
    stream_description: StreamDescription


class _Iterator(Struct, rename="pascal"):
    shard_iterator: str


class Streams:
    """A client of DynamoDB Streams; its arguments are those of `DynamoDB`, and its errors."""

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        credentials: Credentials | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.client = Client(
            SERVICE,
            region=region,
            endpoint=endpoint,
            credentials=credentials,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
        )

    def close(self) -> None:
        """Close the connections that are idle."""
        self.client.close()

    def list(self, table_name: str | None = None) -> list[Stream]:
        """The streams of a table, or of all, the newest last."""
        request = {"TableName": table_name} if table_name else {}
        found: list[Stream] = []
        while True:
            page = decode(self._call("ListStreams", request), _Streams)
            found += page.streams
            if page.last_evaluated_stream_arn is None:
                return found
            request["ExclusiveStartStreamArn"] = page.last_evaluated_stream_arn

    def describe(self, stream_arn: str, *, start_shard_id: str | None = None) -> StreamDescription:
        """A stream with a page of its shards."""
        request = {"StreamArn": stream_arn}
        if start_shard_id is not None:
            request["ExclusiveStartShardId"] = start_shard_id
        return decode(self._call("DescribeStream", request), _Described).stream_description

    def iterator(
        self,
        stream_arn: str,
        shard_id: str,
        kind: Literal["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"],
        *,
        sequence_number: str | None = None,
    ) -> str:
        """A place in a shard, good for 15 minutes."""
        request = {"StreamArn": stream_arn, "ShardId": shard_id, "ShardIteratorType": kind}
        if sequence_number is not None:
            request["SequenceNumber"] = sequence_number
        return decode(self._call("GetShardIterator", request), _Iterator).shard_iterator

    def records(self, iterator: str, *, limit: int | None = None) -> Records:
        """Up to 1,000 changes from a place on, which may be none though more come later."""
        request: dict[str, str | int] = {"ShardIterator": iterator}
        if limit is not None:
            request["Limit"] = limit
        told = decode(self._call("GetRecords", request), _Records)
        return Records([_record(each) for each in told.records], told.next_shard_iterator)

    def _call(self, operation: str, request: object) -> bytes:
        return self.client.call(operation, encode(request)).body


def _record(each: _Record) -> Record:
    change, identity = each.change, each.identity
    return Record(
        event_id=each.event_id,
        event=each.event,
        sequence_number=change.sequence_number,
        keys=item_from_wire(change.keys),
        old_image=None if change.old_image is None else item_from_wire(change.old_image),
        new_image=None if change.new_image is None else item_from_wire(change.new_image),
        created_at=change.created,
        expired=identity is not None and identity.principal_id == "dynamodb.amazonaws.com",
    )
