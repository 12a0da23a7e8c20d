"""What a verb asks of DynamoDB: its requests, what it means when one fails, and what comes back."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from taxiway.data.errors import DataError
from taxiway.data.patterns import PARTITION, SORT
from taxiway.data.sizes import LARGEST_ITEM, size
from taxiway.sdk.dynamodb import DynamoDB, Item, ItemAnswer, actions
from taxiway.sdk.dynamodb.requests import Action

Explain: TypeAlias = Callable[[Item | None], DataError]
"""Why a condition failed, from the item that is there now."""
Returns: TypeAlias = Literal["NONE", "ALL_OLD", "ALL_NEW"]


class Request(msgspec.Struct, frozen=True):
    """One thing to do to one item: `target` is the item of a put, and the key of anything else.

    `arguments` are the expressions as the AWS client takes them, and `explain` gives the error that it means when its
    condition fails. `result` is the item as it will be, where that is known and `target` isn't it; `takes` says that it
    takes a unique value. `given` is the action, where the caller has made one: then the kind and the arguments are not
    looked at.
    """

    kind: Literal["put", "update", "delete", "check"]
    target: Item
    arguments: dict[str, Any]
    explain: Explain
    result: Item | None = None
    takes: bool = False
    given: Action | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Which item it is on."""
        return self.target[PARTITION], self.target[SORT]

    @property
    def is_too_large(self) -> bool:
        """Whether it makes an item that DynamoDB doesn't take."""
        made = self.target if self.kind == "put" else self.result
        return made is not None and size(made) > LARGEST_ITEM

    def action(self, table: str) -> Action:
        """It as a part of a transaction, which tells the item that its condition failed on."""
        if self.given is not None:
            return self.given
        make: Callable[..., Action] = getattr(actions, self.kind)
        return make(table, self.target, return_values_on_condition_check_failure="ALL_OLD", **self.arguments)

    def call(self, core: DynamoDB) -> Callable[..., ItemAnswer]:
        """The client's method that carries it out by itself."""
        methods = {"put": core.put_item, "update": core.update_item, "delete": core.delete_item}
        return methods[self.kind]


class Done(msgspec.Struct, frozen=True):
    """The result of a verb that needs no further request."""

    result: Any


class Refusal(msgspec.Struct, frozen=True):
    """A request that was sent by itself, and whose condition didn't hold.

    `ran` is whether an earlier attempt may have been carried out, and `sure` whether it was one at most.
    """

    stored: Item | None
    ran: bool
    sure: bool


def _nothing(_refusal: Refusal) -> Done | None:
    return None


def _fine(_row: Item | None) -> None:
    return None


class Plan(msgspec.Struct, frozen=True):
    """What one verb does: the request on the item itself, and those on the sentinels of its unique values.

    `result` is what the verb returns once it is done, or in a transaction will be. The rest is of a plan of one request
    that is sent by itself: `read` makes the result of the item that it `returns`, `refused` settles a refusal that
    isn't a failure, or raises OutcomeUnknown, `repeated` raises that where it may have been done twice, and `rejected`
    raises what is wrong where DynamoDB rejects the request itself.
    """

    verb: str
    entity: str
    key: str
    requests: list[Request]
    result: Any = None
    returns: Returns = "NONE"
    read: Callable[[Item | None], Any] | None = None
    refused: Callable[[Refusal], Done | None] = _nothing
    repeated: Callable[[Item | None], None] = _fine
    rejected: Callable[[], None] | None = None
