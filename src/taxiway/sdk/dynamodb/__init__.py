"""DynamoDB, as a function calls it. Tables and streams are in modules that a function need not import."""

from taxiway.sdk.dynamodb.answers import (
    BatchGetAnswer,
    BatchWriteAnswer,
    ConsumedCapacity,
    ItemAnswer,
    Page,
    TransactGetAnswer,
    TransactWriteAnswer,
)
from taxiway.sdk.dynamodb.client import DynamoDB, new_token
from taxiway.sdk.dynamodb.errors import (
    CancellationReason,
    ConditionalCheckFailed,
    DynamoDBError,
    IdempotentParameterMismatch,
    Invalid,
    ResourceInUse,
    ResourceNotFound,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    TransactionInProgress,
)
from taxiway.sdk.dynamodb.values import Item, from_wire, item_from_wire, item_to_wire, to_wire

__all__ = [
    "BatchGetAnswer",
    "BatchWriteAnswer",
    "CancellationReason",
    "ConditionalCheckFailed",
    "ConsumedCapacity",
    "DynamoDB",
    "DynamoDBError",
    "IdempotentParameterMismatch",
    "Invalid",
    "Item",
    "ItemAnswer",
    "Page",
    "ResourceInUse",
    "ResourceNotFound",
    "Throttled",
    "TransactGetAnswer",
    "TransactWriteAnswer",
    "TransactionCanceled",
    "TransactionConflict",
    "TransactionInProgress",
    "from_wire",
    "item_from_wire",
    "item_to_wire",
    "new_token",
    "to_wire",
]
