"""Secrets, as a function reads them: from Secrets Manager, kept for 15 minutes in each environment.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

import time
from typing import Any, TypeVar, overload

import msgspec

from taxiway import log
from taxiway.sdk.errors import InvalidValue, SdkError, ServiceError
from taxiway.sdk.retries import kind_of
from taxiway.sdk.secretsmanager import SecretsManager

T = TypeVar("T")

LIFETIME = 15 * 60
"""Seconds for which a value is kept."""
LONGEST = 60 * 60
"""Seconds for which a value serves on while Secrets Manager can't be reached."""
PAUSE = 30
"""Seconds between attempts to refresh a value that serves on."""
TIMEOUT = 5.0
"""Seconds for a read, with its retries, without which there is no value."""
REFRESH_TIMEOUT = 1.0
"""Seconds for a read while a value is at hand."""


class SecretError(Exception):
    """A secret can't be read. The message names its id, and never its value."""

    http_status = 500
    public_detail = "The request could not be served."


class SecretMissing(SecretError):  # noqa: N818  named for what happened, as the errors of `taxiway.data` are
    """There is no such secret, or the function's role may not read it."""


class SecretUnavailable(SecretError):  # noqa: N818  the same
    """Secrets Manager did not answer, or could not serve the call."""

    http_status = 503
    public_detail = "The service is not available. Try again in a moment."


class SecretInvalid(SecretError):  # noqa: N818  the same
    """The secret's value does not fit the type asked for."""


class _Kept(msgspec.Struct):
    """A secret's text. Times are of the wall clock: a restored snapshot's monotonic clock does not show its age."""

    text: str
    read: float
    due: float
    """When it is to be read again."""


_client = SecretsManager()
_kept: dict[str, _Kept] = {}


@overload
def get(secret_id: str) -> dict[str, str]: ...
@overload
def get(secret_id: str, type: type[T]) -> T: ...
def get(secret_id: str, type: Any = dict[str, str]) -> Any:  # noqa: A002  the word that the call reads best with
    """The value of a secret: JSON that fits `type`, or with `str` the text as it is stored.

    It is kept for 15 minutes in this environment. While Secrets Manager can't be reached, it serves on until it is an
    hour old, with a warning in the log. Raises SecretMissing, SecretInvalid, or SecretUnavailable.
    """
    now = time.time()
    kept = _kept.get(secret_id)
    if kept is None:
        kept = _read(secret_id, now, TIMEOUT)
    elif now >= kept.due:
        kept = _renew(secret_id, kept, now)
    return _value(secret_id, kept.text, type)


@overload
def refresh(secret_id: str) -> dict[str, str]: ...
@overload
def refresh(secret_id: str, type: type[T]) -> T: ...
def refresh(secret_id: str, type: Any = dict[str, str]) -> Any:  # noqa: A002  as in `get`
    """The value of a secret, read now, whatever is kept.

    For a password that was just refused, since a rotation may have replaced it: call it once, and try once more with
    what it returns. Raises what `get` does; where it raises, the value that is kept stays.
    """
    return _value(secret_id, _read(secret_id, time.time(), TIMEOUT).text, type)


def _renew(secret_id: str, kept: _Kept, now: float) -> _Kept:
    """Read a value again, or let the one at hand serve on where that can't be done."""
    try:
        return _read(secret_id, now, REFRESH_TIMEOUT)
    except SecretUnavailable as error:
        age = now - kept.read
        if age >= LONGEST:
            raise
        kept.due = now + PAUSE
        log.warning("The secret was not refreshed; its last value serves on.", secret=secret_id, reason=str(error))
        return kept


def _read(secret_id: str, now: float, timeout: float) -> _Kept:
    try:
        text = _client.get_secret_value(secret_id, timeout=timeout).text
    except InvalidValue as error:
        raise SecretMissing(f"Invalid secret id {secret_id!r}: {error.problem}.") from None
    except ServiceError as error:
        if kind_of(error.status, error.code) is not None:
            raise SecretUnavailable(f"Cannot read the secret {secret_id!r}: {error}") from error
        raise SecretMissing(
            f"Cannot read the secret {secret_id!r}: {error.problem}\n"
            "Fix: store the secret in this account and region, and name it in the route's uses"
        ) from error
    except SdkError as error:
        raise SecretUnavailable(f"Cannot read the secret {secret_id!r}: {error}") from error
    if text is None:
        raise SecretInvalid(f"The secret {secret_id!r} is binary.\nFix: store it as a string")
    kept = _kept[secret_id] = _Kept(text, now, now + LIFETIME)
    return kept


def _value(secret_id: str, text: str, type: Any) -> Any:  # noqa: A002  as in `get`
    if type is str:
        return text
    try:
        return msgspec.json.decode(text, type=type)
    except msgspec.ValidationError as error:
        raise SecretInvalid(f"The secret {secret_id!r} does not have the shape asked for: {error}.") from None
    except msgspec.DecodeError:
        raise SecretInvalid(
            f"The secret {secret_id!r} is not valid JSON.\nFix: ask for the text with get({secret_id!r}, str)"
        ) from None
