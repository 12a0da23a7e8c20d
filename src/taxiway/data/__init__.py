"""The single table: entities, their keys and access patterns, and the client that reads and writes them."""

from taxiway.data.client import Page, TableClient
from taxiway.data.entity import Entity
from taxiway.data.errors import (
    AccessDenied,
    AlreadyExists,
    Contended,
    DataError,
    EntityError,
    InvalidCursor,
    InvalidItem,
    InvalidKey,
    InvalidLimit,
    ItemTooLarge,
    Missing,
    NotConfigured,
    Refused,
    StoredItemInvalid,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from taxiway.data.fields import created, sortable_id, updated, version
from taxiway.data.patterns import Key, Query, key, pattern

__all__ = [
    "AccessDenied",
    "AlreadyExists",
    "Contended",
    "DataError",
    "Entity",
    "EntityError",
    "InvalidCursor",
    "InvalidItem",
    "InvalidKey",
    "InvalidLimit",
    "ItemTooLarge",
    "Key",
    "Missing",
    "NotConfigured",
    "Page",
    "Query",
    "Refused",
    "StoredItemInvalid",
    "TableClient",
    "Throttled",
    "Unavailable",
    "VersionMismatch",
    "created",
    "key",
    "pattern",
    "sortable_id",
    "updated",
    "version",
]
