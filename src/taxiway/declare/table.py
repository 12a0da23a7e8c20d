"""The single table and its global secondary indexes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxiway.declare import arns
from taxiway.declare._source import caller
from taxiway.declare.errors import refuse
from taxiway.declare.stream import StreamConsumer

_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_LONGEST_KEY = 255
"""Bytes of an attribute's name, where it is a key or the ttl:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""


@dataclass(frozen=True)
class Index:
    """A global secondary index, which projects every attribute. Its keys are strings.

    Entities look for an index's keys under `<name>pk` and `<name>sk`, so those are the defaults.
    """

    name: str
    partition_key: str = ""
    sort_key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "partition_key", self.partition_key or f"{self.name}pk")
        object.__setattr__(self, "sort_key", self.sort_key or f"{self.name}sk")


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Provisioned capacity of a table and of each of its indexes, in place of paying by the request.

    `read` and `write` are the minimum and maximum units a second; AWS keeps `target` percent (20 to 90) of them in use.
    """

    read: tuple[int, int]
    write: tuple[int, int]
    target: int = 70

    def __post_init__(self) -> None:
        for least, most in (self.read, self.write):
            if not 1 <= least <= most:
                refuse(
                    f"Capacity(read={self.read}, write={self.write}) is out of range.",
                    fix="write the minimum and maximum units of each, 1 or more: read=(5, 100)",
                )
        if not 20 <= self.target <= 90:
            refuse(f"Capacity(target={self.target}) is out of range.", fix="use 20 to 90 (percent)")


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table of all entities of the backend. Its keys are strings.

    `ttl` names the attribute (epoch seconds) after which DynamoDB deletes an item. `capacity` is None for on-demand
    mode. `encryption_key` is the ARN of a KMS key, instead of one that DynamoDB owns. `consumers` get every change. The
    last three only apply to AWS.
    """

    partition_key: str = "pk"
    sort_key: str = "sk"
    indexes: Sequence[Index] = ()
    ttl: str | None = None
    capacity: Capacity | None = None
    encryption_key: str | None = None
    consumers: Sequence[StreamConsumer] = ()
    source: str = field(default_factory=caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexes", tuple(self.indexes))
        object.__setattr__(self, "consumers", tuple(self.consumers))
        if self.encryption_key is not None and not arns.KMS_KEY.fullmatch(self.encryption_key):
            refuse(
                f"Invalid encryption key of the table {self.encryption_key!r}: it must be the ARN of a KMS key.",
                fix="write it like arn:aws:kms:eu-west-1:123456789012:key/1234-…",
                where=self.source,
            )
        if len(self.consumers) > 2:
            refuse(
                f"The table has {len(self.consumers)} consumers; a stream supports two without throttling.",
                fix="let one consumer do the work of several",
                where=self.source,
            )
        self._check_keys("The table", self.partition_key, self.sort_key)
        if self.ttl in self.key_attributes:
            refuse(
                f"The ttl of the table is the key {self.ttl!r}: keys are strings, and a ttl must be a number.",
                fix='name another attribute: ttl="expiresAt"',
                where=self.source,
            )
        if self.ttl is not None and not 1 <= len(self.ttl.encode()) <= _LONGEST_KEY:
            refuse(
                f"Table(ttl={self.ttl!r}) is not a valid attribute name.",
                fix=f"use 1 to {_LONGEST_KEY} bytes",
                where=self.source,
            )
        names = [index.name for index in self.indexes]
        for index in self.indexes:
            self._check_keys(f"The index {index.name!r}", index.partition_key, index.sort_key)
            if not _INDEX_NAME.fullmatch(index.name):
                refuse(
                    f"Invalid index name {index.name!r}.",
                    fix="use 3 to 255 letters, digits, '_', '.' or '-'",
                    where=self.source,
                )
            if names.count(index.name) > 1:
                refuse(f"Two indexes are called {index.name!r}.", fix="give each index its own name", where=self.source)
        if len(names) > 20:
            refuse(
                f"The table has {len(names)} indexes; DynamoDB allows 20.",
                fix="let several entities share an index",
                where=self.source,
            )

    def _check_keys(self, what: str, partition_key: str, sort_key: str) -> None:
        if partition_key == sort_key:
            refuse(
                f"{what} uses {partition_key!r} as both its partition key and its sort key.",
                fix="name two attributes",
                where=self.source,
            )
        for key in (partition_key, sort_key):
            if not 1 <= len(key.encode()) <= _LONGEST_KEY:
                refuse(
                    f"{what} has the key {key!r}, which is not a valid attribute name.",
                    fix=f"use 1 to {_LONGEST_KEY} bytes",
                    where=self.source,
                )

    @property
    def key_attributes(self) -> tuple[str, ...]:
        """The names of every attribute that is a key of the table or of an index, each once."""
        names = [self.partition_key, self.sort_key]
        for index in self.indexes:
            names += [index.partition_key, index.sort_key]
        return tuple(dict.fromkeys(names))
