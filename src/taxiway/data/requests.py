"""Writes that more than one item takes part in: what each asks of DynamoDB, and what it means when one fails."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from taxiway.data._core import Attributes
from taxiway.data.encoding import Codec
from taxiway.data.errors import DataError
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.sizes import LARGEST_ITEM, size

Explain: TypeAlias = Callable[[Attributes | None], DataError]
"""Why a condition failed, from the item that is there now."""


class Request(msgspec.Struct, frozen=True):
    """One of a transaction's operations, as the core takes it without its table.

    `explain` gives the error that it means when its condition fails; it is given the item as it is then, where `reads`
    says that it looks at it. `result` is the item as it will be, where the body doesn't have it; `takes` says that it
    takes a unique value.
    """

    body: dict[str, Any]
    explain: Explain
    codec: Codec | None = None
    reads: bool = False
    result: Attributes | None = None
    takes: bool = False

    @property
    def is_too_large(self) -> bool:
        """Whether it makes an item that DynamoDB doesn't take."""
        made = self.result or self.body.get("item")
        return made is not None and size(made) > LARGEST_ITEM

    @property
    def key(self) -> tuple[str, str]:
        """Which item it is on."""
        found = self.body.get("key") or self.body["item"]
        return found[PARTITION], found[SORT]


class Write(msgspec.Struct, frozen=True):
    """One verb: the request on the item itself, and those on the sentinels of its unique values."""

    verb: str
    entity: str
    key: str
    requests: list[Request]
