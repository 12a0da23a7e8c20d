"""The single table and its global secondary indexes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError
from taxiway.declare.secret import KEY
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

    `read` and `write` are the least and the most units a second; AWS keeps `target` percent (20 to 90) of them in use.
    """

    read: tuple[int, int]
    write: tuple[int, int]
    target: int = 70

    def __post_init__(self) -> None:
        for least, most in (self.read, self.write):
            if not 1 <= least <= most:
                raise DeclarationError(
                    f"Capacity(read={self.read}, write={self.write}) can't be had.",
                    fix="write the least and the most units of each, 1 or more: read=(5, 100)",
                    where=caller(),
                )
        if not 20 <= self.target <= 90:
            raise DeclarationError(
                f"Capacity(target={self.target}) is out of range.", fix="use 20 to 90 (percent)", where=caller()
            )


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table that every entity of the backend lives in. Its keys are strings.

    `ttl` names the attribute (epoch seconds) after which DynamoDB deletes an item. `capacity` is None to pay by the
    request. `encryption_key` is the ARN of a key of KMS, in place of one that DynamoDB owns. `consumers` get every
    change. The last three are for AWS alone.
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
        if self.encryption_key is not None and not KEY.fullmatch(self.encryption_key):
            self._refuse(
                f"The table's encryption key is no ARN of KMS: {self.encryption_key!r}",
                "write it like arn:aws:kms:eu-west-1:123456789012:key/1234-…",
            )
        if len(self.consumers) > 2:
            self._refuse(
                f"The table has {len(self.consumers)} consumers; a stream serves two without slowing them",
                "let one consumer do the work of several",
            )
        self._check_keys("The table", self.partition_key, self.sort_key)
        if self.ttl in self.key_attributes:
            self._refuse(
                f"The table expires items by {self.ttl!r}, which is a key: keys are strings, and DynamoDB expires by "
                "numbers",
                'name another attribute: ttl="expiresAt"',
            )
        if self.ttl is not None and not 1 <= len(self.ttl.encode()) <= _LONGEST_KEY:
            self._refuse(f"ttl={self.ttl!r} is no name of an attribute", f"use 1 to {_LONGEST_KEY} bytes")
        names = [index.name for index in self.indexes]
        for index in self.indexes:
            self._check_keys(f"The index {index.name!r}", index.partition_key, index.sort_key)
            if not _INDEX_NAME.fullmatch(index.name):
                self._refuse(
                    f"{index.name!r} is not a name for an index", "use 3 to 255 letters, digits, '_', '.' or '-'"
                )
            if names.count(index.name) > 1:
                self._refuse(f"Two indexes are called {index.name!r}", "give each index its own name")
        if len(names) > 20:
            self._refuse(
                f"The table has {len(names)} indexes; DynamoDB allows 20", "let several entities share an index"
            )

    def _check_keys(self, what: str, partition_key: str, sort_key: str) -> None:
        if partition_key == sort_key:
            self._refuse(f"{what} has {partition_key!r} for its partition key and its sort key", "name two attributes")
        for key in (partition_key, sort_key):
            if not 1 <= len(key.encode()) <= _LONGEST_KEY:
                self._refuse(f"{what} can't have the key {key!r}", f"use 1 to {_LONGEST_KEY} bytes")

    def _refuse(self, problem: str, fix: str) -> None:
        raise DeclarationError(f"{problem}.", fix=fix, where=self.source)

    @property
    def key_attributes(self) -> tuple[str, ...]:
        """The names of every attribute that is a key of the table or of an index, each once."""
        names = [self.partition_key, self.sort_key]
        for index in self.indexes:
            names += [index.partition_key, index.sort_key]
        return tuple(dict.fromkeys(names))
