"""What DynamoDB refuses with, as exceptions: one class, and a subclass where a caller does something else about it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""
# ruff: noqa: N818  they are named as DynamoDB names them, without the ending

from typing import Any

import msgspec
from msgspec import Struct

from taxiway.sdk.dynamodb.values import Item, item_from_wire
from taxiway.sdk.errors import InvalidAnswer, ServiceError
from taxiway.sdk.retries import Kind


class CancellationReason(Struct):
    """Why one action of a transaction failed; code "None" is that it did not.

    `item` is the item that a condition was checked against, where the action asked for it.
    """

    code: str
    message: str
    item: Item | None


class DynamoDBError(ServiceError):
    """DynamoDB refused a call."""

    @property
    def item(self) -> Item | None:
        """The item that a condition was checked against, where ReturnValuesOnConditionCheckFailure asked for it."""
        return _item(_told(self.body).item)

    @property
    def reasons(self) -> list[CancellationReason]:
        """Of a transaction that was cancelled: one reason for each action, in their order."""
        return [
            CancellationReason(reason.code, reason.message or "", _item(reason.item))
            for reason in _told(self.body).reasons
        ]


class ConditionalCheckFailed(DynamoDBError):
    """A write's condition did not hold; `item` is what it was checked against, where that was asked for."""


class TransactionCanceled(DynamoDBError):
    """A transaction was cancelled; no part of it was stored. `reasons` says why."""


class TransactionConflict(DynamoDBError):
    """A transaction on the same item was under way, at each attempt."""


class TransactionInProgress(DynamoDBError):
    """A transaction with the same token was still being carried out, at each attempt."""


class IdempotentParameterMismatch(DynamoDBError):
    """The token was used in the last ten minutes for another transaction."""


class ResourceNotFound(DynamoDBError):
    """There is no such table, index or stream; or it is not ready yet."""


class ResourceInUse(DynamoDBError):
    """The table exists, or is being changed."""


class Throttled(DynamoDBError):
    """The table's or the account's throughput was exceeded, at each attempt."""


class Invalid(DynamoDBError):
    """The request is not valid: ValidationException, or what could not be read at all."""


_CLASSES: dict[str, type[DynamoDBError]] = {
    "ConditionalCheckFailedException": ConditionalCheckFailed,
    "TransactionCanceledException": TransactionCanceled,
    "TransactionConflictException": TransactionConflict,
    "TransactionInProgressException": TransactionInProgress,
    "IdempotentParameterMismatchException": IdempotentParameterMismatch,
    "ResourceNotFoundException": ResourceNotFound,
    "TableNotFoundException": ResourceNotFound,
    "ResourceInUseException": ResourceInUse,
    "ProvisionedThroughputExceededException": Throttled,
    "RequestLimitExceeded": Throttled,
    "ThrottlingException": Throttled,
    "ValidationException": Invalid,
    "SerializationException": Invalid,
}

_CONTENTION: dict[str, Kind | None] = {
    "None": None,
    "TransactionConflict": "transient",
    "ThrottlingError": "throttling",
    "ProvisionedThroughputExceeded": "throttling",
}


def error_of(code: str, message: str, **told: Any) -> DynamoDBError:
    """The exception of an error's code."""
    return _CLASSES.get(code, DynamoDBError)(code, message, **told)


def contention(code: str, body: bytes) -> Kind | None:
    """Why a call that met other writers may be tried again, which AWS's standard mode doesn't do by itself.

    A transaction may where contention is all that is wrong with it: a condition that failed fails again.
    """
    if code == "TransactionConflictException":
        return "transient"
    if code != "TransactionCanceledException":
        return None
    codes = {reason.code for reason in _told(body).reasons}
    if not codes <= _CONTENTION.keys():
        return None
    kinds = {_CONTENTION[each] for each in codes}
    return "throttling" if "throttling" in kinds else "transient" if "transient" in kinds else None


class _Reason(Struct):
    code: str = msgspec.field(name="Code", default="None")
    message: str | None = msgspec.field(name="Message", default=None)
    item: dict[str, dict[str, Any]] | None = msgspec.field(name="Item", default=None)


class _Told(Struct):
    item: dict[str, dict[str, Any]] | None = msgspec.field(name="Item", default=None)
    reasons: list[_Reason] = msgspec.field(name="CancellationReasons", default_factory=list[_Reason])


def _told(body: bytes) -> _Told:
    """What an error's body holds beside its code; nothing where it is not as it should be."""
    try:
        return msgspec.json.decode(body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Told()


def _item(wire: dict[str, dict[str, Any]] | None) -> Item | None:
    try:
        return item_from_wire(wire) if wire else None
    except InvalidAnswer:
        return None
