"""Writes that more than one item takes part in: what each asks of DynamoDB, and what it means when one fails."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, TypedDict, cast

import msgspec

from taxiway.data.encoding import Codec
from taxiway.data.errors import DataError
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.sizes import LARGEST_ITEM, size
from taxiway.sdk.dynamodb import Item, item_from_wire
from taxiway.sdk.dynamodb.requests import Action, Put

Explain: TypeAlias = Callable[[Item | None], DataError]
"""Why a condition failed, from the item that is there now."""


class Checked(TypedDict):
    return_values_on_condition_check_failure: Literal["ALL_OLD"]


CHECKED: Checked = {"return_values_on_condition_check_failure": "ALL_OLD"}
"""Has a condition that fails tell what it was checked against."""


class Request(msgspec.Struct, frozen=True):
    """One of a transaction's actions.

    `explain` gives the error that it means when its condition fails, from the item as it is then. `result` is the item
    as it will be, where the action doesn't have it; `takes` says that it takes a unique value.
    """

    action: Action
    explain: Explain
    codec: Codec | None = None
    result: Item | None = None
    takes: bool = False

    @property
    def is_too_large(self) -> bool:
        """Whether it makes an item that DynamoDB doesn't take."""
        if self.result is not None:
            return size(self.result) > LARGEST_ITEM
        return isinstance(self.action, Put) and size(item_from_wire(self._place)) > LARGEST_ITEM

    @property
    def key(self) -> tuple[str, str]:
        """Which item it is on."""
        place = self._place
        return place[PARTITION]["S"], place[SORT]["S"]

    @property
    def _place(self) -> Mapping[str, Any]:
        return cast("Mapping[str, Any]", self.action.item if isinstance(self.action, Put) else self.action.key)


class Write(msgspec.Struct, frozen=True):
    """One verb: the request on the item itself, and those on the sentinels of its unique values."""

    verb: str
    entity: str
    key: str
    requests: list[Request]
