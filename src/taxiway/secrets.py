"""Reads secrets inside a function, from the Parameters and Secrets Lambda Extension, on AWS and locally.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
"""

import os
import time
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

LIFETIME = 15 * 60
"""Seconds for which a value is kept."""
TIMEOUT = 5.0
"""Seconds that the extension has to answer."""
READY_WITHIN = 1.0
"""Seconds for which the extension may say that it is not ready yet."""

_LARGEST = 256 * 1024
_PAUSE = 0.05

_values: dict[str, tuple[float, str]] = {}


class SecretError(Exception):
    """A secret can't be read. The message names its id, and never its value."""

    http_status = 500
    public_detail = "The request could not be served."


class SecretMissing(SecretError):  # noqa: N818  named for what happened, as the errors of `taxiway.data` are
    """The secret does not exist, or the function's role may not read it."""


class SecretUnavailable(SecretError):  # noqa: N818  the same
    """The extension or Secrets Manager did not answer."""

    http_status = 503
    public_detail = "The service is not available. Try again in a moment."


class SecretInvalid(SecretError):  # noqa: N818  the same
    """The secret's value does not fit the type asked for."""


class _Answer(msgspec.Struct):
    """The members of GetSecretValue's response that are read."""

    secret_string: str | None = msgspec.field(name="SecretString", default=None)


@overload
def get(secret_id: str) -> dict[str, str]: ...
@overload
def get(secret_id: str, type: type[T]) -> T: ...
def get(secret_id: str, type: Any = dict[str, str]) -> Any:  # noqa: A002  the word that the call reads best with
    """The value of a secret: JSON that fits `type`, or with `str` the text as it is stored.

    Kept for 15 minutes in this environment; the extension keeps its own copy for as long as
    SECRETS_MANAGER_TTL says (300 s). Raises SecretMissing, SecretInvalid, or SecretUnavailable.
    """
    found = _values.get(secret_id)
    if found is None or found[0] <= time.monotonic():
        found = (time.monotonic() + LIFETIME, _fetch(secret_id))
        _values[secret_id] = found
    if type is str:
        return found[1]
    try:
        return msgspec.json.decode(found[1], type=type)
    except msgspec.ValidationError as error:
        raise SecretInvalid(f"The secret {secret_id!r} does not fit the requested type: {error}.") from None
    except msgspec.DecodeError:
        raise SecretInvalid(
            f"The secret {secret_id!r} is not valid JSON.\nFix: read it as text, with get({secret_id!r}, str)"
        ) from None


def invalidate(secret_id: str | None = None) -> None:
    """Drop one cached secret, or all, so that the next `get` reads again: after a rotation, or a refused password."""
    if secret_id is None:
        _values.clear()
    else:
        _values.pop(secret_id, None)


def _fetch(secret_id: str) -> str:
    patience = time.monotonic() + READY_WITHIN
    while True:
        status, body = _ask(secret_id)
        if status == 200:
            break
        # Until the first invocation the extension answers 400 "not ready to serve traffic, please wait".
        if not (status == 400 and b"not ready" in body) or time.monotonic() > patience:
            raise _refusal(secret_id, status, body)
        time.sleep(_PAUSE)
    try:
        value = msgspec.json.decode(body, type=_Answer).secret_string
    except msgspec.DecodeError:
        raise SecretUnavailable(
            f"The response for the secret {secret_id!r} is not a GetSecretValue response."
        ) from None
    if value is None:
        raise SecretInvalid(f"The secret {secret_id!r} is binary.\nFix: store it as a string")
    return value


def _ask(secret_id: str) -> tuple[int, bytes]:
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import quote

    port = int(os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") or 2773)
    connection = HTTPConnection("localhost", port, timeout=TIMEOUT)
    headers = {"X-Aws-Parameters-Secrets-Token": os.environ.get("AWS_SESSION_TOKEN", "")}
    try:
        connection.request("GET", f"/secretsmanager/get?secretId={quote(secret_id, safe='')}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read(_LARGEST)
    except (OSError, HTTPException) as error:
        raise SecretUnavailable(
            f"The secret {secret_id!r} can't be read: nothing answers on localhost:{port} ({error}).\n"
            "Fix: add the Parameters and Secrets extension to the function, by naming the secret in its route's uses"
        ) from None
    finally:
        connection.close()


def _refusal(secret_id: str, status: int, body: bytes) -> SecretError:
    text = body[:300].decode(errors="replace")
    if "not ready" in text:
        return SecretUnavailable(
            f"The secret {secret_id!r} can't be read yet: the extension starts with the first invocation.\n"
            "Fix: call get inside the handler, and not at the import of its module"
        )
    problem = f"The secret {secret_id!r} can't be read: the extension answered {status}: {text}"
    if "ResourceNotFound" in text or "AccessDenied" in text or status in (401, 403, 404):
        return SecretMissing(f"{problem}\nFix: set its value, and name it in the route's uses")
    return SecretUnavailable(problem)
