"""The single table and its global secondary indexes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError
from taxiway.declare.function import Function, LambdaHandler, handler_path
from taxiway.declare.secret import KEY

_INDEX_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")


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


@dataclass(frozen=True)
class Consumer:
    """A handler that gets the table's changes, in batches of up to `batch` (1 to 10,000), through a DynamoDB stream.

    A batch that fails is tried `attempts` times in all and halved each time; what still fails is named in a queue.
    The records hold the item as it was and as it is.
    """

    handler: LambdaHandler
    function: Function
    batch: int = field(default=100, kw_only=True)
    attempts: int = field(default=5, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= 10_000 or not 1 <= self.attempts <= 10_000:
            raise DeclarationError(
                f"The consumer {self.function.name} has batch={self.batch} and attempts={self.attempts}.",
                fix="use 1 to 10000 for each",
                where=self.source,
            )
        self.handler_path  # noqa: B018  it can be imported by name, or this raises

    @property
    def handler_path(self) -> str:
        return handler_path(self.handler, where=self.source)


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
    consumers: Sequence[Consumer] = ()
    source: str = field(default_factory=caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexes", tuple(self.indexes))
        object.__setattr__(self, "consumers", tuple(self.consumers))
        if self.encryption_key is not None and not KEY.fullmatch(self.encryption_key):
            raise DeclarationError(
                f"The table's encryption key is no ARN of KMS: {self.encryption_key!r}.",
                fix="write it like arn:aws:kms:eu-west-1:123456789012:key/1234-…",
                where=self.source,
            )
        if len(self.consumers) > 2:
            raise DeclarationError(
                f"The table has {len(self.consumers)} consumers; a stream serves two without slowing them.",
                fix="let one consumer do the work of several",
                where=self.source,
            )
        names = [index.name for index in self.indexes]
        for index in self.indexes:
            if not _INDEX_NAME.fullmatch(index.name):
                raise DeclarationError(
                    f"{index.name!r} is not a name for an index.",
                    fix="use 3 to 255 letters, digits, '_', '.' or '-'",
                    where=self.source,
                )
            if names.count(index.name) > 1:
                raise DeclarationError(
                    f"Two indexes are called {index.name!r}.", fix="give each index its own name", where=self.source
                )
        if len(names) > 20:
            raise DeclarationError(
                f"The table has {len(names)} indexes; DynamoDB allows 20.",
                fix="let several entities share an index",
                where=self.source,
            )

    @property
    def key_attributes(self) -> tuple[str, ...]:
        """The names of every attribute that is a key of the table or of an index, each once."""
        names = [self.partition_key, self.sort_key]
        for index in self.indexes:
            names += [index.partition_key, index.sort_key]
        return tuple(dict.fromkeys(names))
