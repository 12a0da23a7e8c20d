"""What can go wrong with the table: one small hierarchy, each with the HTTP status that it means.

`http_status` and `public_detail` are read by `taxiway.http`, so an error that nobody catches still becomes the right
problem. The message is for the log; `public_detail` is for the caller and tells nothing of how things are stored.
"""
# ruff: noqa: N818  they are named for what happened, as `except Missing` reads

from typing import Any

import msgspec

from taxiway.sdk import dynamodb as sdk
from taxiway.sdk import errors as sdk_errors
from taxiway.sdk.errors import CredentialsUnavailable, InvalidValue, SdkError, ServiceError


class EntityError(TypeError):
    """A mistake in an entity's class, or in how its patterns are called: found at import, or by the first test."""

    def __init__(self, entity: str, problem: str, *, fix: str = "") -> None:
        super().__init__(f"{entity}: {problem}." + (f"\nFix: {fix}" if fix else ""))


class DataError(Exception):
    """The base of every error of a read or a write."""

    http_status: int = 500
    public_detail: str = "The request could not be served."
    retry_after: int | None = None
    """Seconds after which a client may try again, where that makes sense."""

    def __init__(self, message: str, *, public_detail: str | None = None) -> None:
        super().__init__(message)
        if public_detail is not None:
            self.public_detail = public_detail


class AlreadyExists(DataError):
    """`create` found an item under the key."""

    http_status = 409
    public_detail = "It exists already."


class Missing(DataError):
    """There is no item under the key."""

    http_status = 404
    public_detail = "It does not exist."


class VersionMismatch(DataError):
    """The item is no longer at the version that the caller expected; `actual` is the one it has, where it has one."""

    http_status = 412
    public_detail = "It has changed since it was read."

    def __init__(self, message: str, *, actual: int | None) -> None:
        super().__init__(message)
        self.actual = actual


class ConditionFailed(DataError):
    """A write's condition did not hold; `current` is the item that there is, or None."""

    http_status = 409
    public_detail = "It is not in a state that allows this."

    def __init__(self, message: str, *, current: Any, public_detail: str | None = None) -> None:
        super().__init__(message, public_detail=public_detail)
        self.current = current


class NotUnique(DataError):
    """Another item has the value already of `field`, which is its name in Python."""

    http_status = 409

    def __init__(self, message: str, *, field: str, public_detail: str) -> None:
        super().__init__(message, public_detail=public_detail)
        self.field = field


class Conflict(DataError):
    """Another transaction is changing the item at this moment, and was at each try."""

    http_status = 503
    retry_after = 1
    public_detail = "It is being changed by another request. Try again in a moment."


class Failure(msgspec.Struct, frozen=True):
    """One operation of a transaction that stood in its way: the how manyth (from 0), on what, and why."""

    index: int
    verb: str
    entity: str
    key: str
    error: DataError

    def __str__(self) -> str:
        return f"operation {self.index}, {self.verb} of {self.key}: {self.error}"


class TransactionFailed(DataError):
    """A transaction was cancelled, and nothing of it was written; `failures` says which operations failed, and why.

    Its status and public detail are those of the failures where they agree on one status, or of one that other writers
    caused, as the rest may follow from that; else 409.
    """

    http_status = 409
    public_detail = "It could not be done as a whole, so nothing of it was."

    def __init__(self, failures: list[Failure], message: str = "") -> None:
        super().__init__("\n".join(["The transaction was cancelled.", *map(str, failures)]) + message)
        self.failures = failures
        errors = [failure.error for failure in failures]
        contention = [error for error in errors if isinstance(error, Contended | Conflict)]
        if contention or len({error.http_status for error in errors}) == 1:
            first = (contention or errors)[0]
            self.http_status, self.public_detail = first.http_status, first.public_detail
            self.retry_after = first.retry_after


class TransactionInvalid(DataError):
    """What a transaction can't be: more than 100 operations, two on one item, or one inside another."""


class CollectionTooLarge(DataError):
    """A partition has more items than `collect` was to read."""


class InvalidKey(DataError):
    """A value can't be part of a key: it is empty, of the wrong type, or too long."""

    http_status = 400


class InvalidItem(DataError):
    """A value can't be stored in its field."""

    http_status = 400


class InvalidLimit(DataError, ValueError):
    """A page size outside 1 to 1000."""

    http_status = 400


class InvalidCursor(DataError):
    """A cursor that is malformed, was not issued here, belongs to another query, or has expired."""

    http_status = 400


class ItemTooLarge(DataError):
    """The item would exceed DynamoDB's 400 KB."""

    http_status = 413
    public_detail = "It is too large to be stored."


class StoredItemInvalid(DataError):
    """What is stored under the key does not fit the entity's type."""


class UnknownVersion(StoredItemInvalid):
    """What is stored was written by newer code than this; `found` is the version of its form."""

    def __init__(self, message: str, *, found: int) -> None:
        super().__init__(message)
        self.found = found


class Refused(DataError):
    """DynamoDB refused the request as malformed: a mistake in the code or in the table's declaration."""


class AccessDenied(DataError):
    """The function's role or its credentials don't allow the call."""


class NotConfigured(DataError):
    """The environment doesn't name the table."""


class Throttled(DataError):
    """DynamoDB is throttling, and went on after the retries. It says nothing of the caller's own rate: hence no 429."""

    http_status = 503
    retry_after = 1
    public_detail = "The service is busy. Try again in a moment."


class Unavailable(DataError):
    """DynamoDB did not answer, or failed, and went on after the retries."""

    http_status = 503
    retry_after = 1
    public_detail = "The service is not available. Try again in a moment."


class OutcomeUnknown(Unavailable):
    """A write may have been carried out or not: the answer to it was lost, and what is stored now doesn't tell."""

    public_detail = "It is not known whether the request was carried out. Look before you send it again."


class Contended(Unavailable):
    """Other writers changed the item in the meantime, and again at each try."""

    public_detail = "It is being changed by other requests. Try again in a moment."


class HeldByAnother(DataError):
    """A unique value that an item was to give up is another's: it was both items' before it was unique.

    Outside a transaction the write is then done without that, and nobody sees this.
    """

    http_status = 409
    public_detail = "It could not be done together with the rest."

    def __init__(self, message: str, *, place: tuple[str, str]) -> None:
        super().__init__(message)
        self.place = place


def translate(error: SdkError) -> DataError:
    """The error of ours that one of the AWS client means. Its own text stays in the message."""
    text = f"DynamoDB: {error}"
    match error:
        case sdk.Invalid() if "Item size" in error.message:
            return ItemTooLarge(text)
        case sdk.IdempotentParameterMismatch():
            return TransactionInvalid(
                "The transaction's token was used before, within ten minutes, for other operations."
            )
        case sdk.ResourceNotFound():
            return NotConfigured(f"{text}. Does TABLE_NAME name a table of this account, region and stage?")
        case InvalidValue():
            return InvalidItem(text, public_detail="It holds a value that can't be stored.")
        case ServiceError() if error.code in _DENIED:
            return AccessDenied(text)
        case _:
            return next((ours for theirs, ours in _MEANING if isinstance(error, theirs)), Unavailable)(text)


_DENIED = frozenset(
    {
        *("AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException"),
        *("InvalidSignatureException", "MissingAuthenticationTokenException", "UnrecognizedClientException"),
    }
)
_MEANING: tuple[tuple[type[SdkError], type[DataError]], ...] = (
    (sdk.TransactionConflict, Conflict),
    (sdk.Throttled, Throttled),
    (sdk.Invalid, Refused),
    (CredentialsUnavailable, AccessDenied),
    (sdk_errors.NotConfigured, NotConfigured),
)
