"""The single table and its global secondary indexes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

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
class Table:
    """The table that every entity of the backend lives in. Its keys are strings.

    `ttl` names the attribute (epoch seconds) after which DynamoDB deletes an item.
    """

    partition_key: str = "pk"
    sort_key: str = "sk"
    indexes: Sequence[Index] = ()
    ttl: str | None = None
    source: str = field(default_factory=caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexes", tuple(self.indexes))
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
