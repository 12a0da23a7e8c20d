"""Secrets Manager's JSON API, answered from the local secret store: reads of what was granted to the caller.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html
"""

import uuid
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.http1 import Response
from taxiway.local.secret_store import SecretStore, SecretStoreError, SecretVersion

T = TypeVar("T", bound=Struct)

_NOT_FOUND = "Secrets Manager can't find the specified secret."
_NO_VALUE = "Secrets Manager can't find the specified secret value for"
_CURRENT = "AWSCURRENT"
_LARGEST_PAGE = 100


class _GetSecretValue(Struct, rename="pascal"):
    secret_id: str
    version_id: str | None = None
    version_stage: str | None = None


class _DescribeSecret(Struct, rename="pascal"):
    secret_id: str


class _ListSecrets(Struct, rename="pascal"):
    max_results: int | None = None
    next_token: str | None = None
    filters: list[Any] = []


class SecretsManager:
    """Answers GetSecretValue, DescribeSecret and ListSecrets; any other operation is refused."""

    def __init__(self, store: SecretStore, *, region: str, account: str) -> None:
        self._store = store
        self._account = account
        self._prefix = f"arn:aws:secretsmanager:{region}:{account}:secret:"
        self._operations: dict[str, Callable[[Call], dict[str, Any]]] = {
            "GetSecretValue": self._get_secret_value,
            "DescribeSecret": self._describe_secret,
            "ListSecrets": self._list_secrets,
        }

    async def __call__(self, call: Call) -> Response:
        """Answer a call. Raises RefusalError, with Secrets Manager's own codes."""
        operation = self._operations.get(call.operation)
        if operation is None:
            raise RefusalError(
                "AccessDeniedException",
                f"secretsmanager:{call.operation} is not available locally. Fix: change local secrets with `taxiway "
                "secrets set` and `taxiway secrets unset`",
            )
        try:
            body = operation(call)
        except SecretStoreError as error:
            raise RefusalError("InternalServiceError", str(error), status=500) from None
        headers = [("content-type", "application/x-amz-json-1.1"), ("x-amzn-requestid", str(uuid.uuid4()))]
        return Response(status=200, headers=headers, body=msgspec.json.encode(body))

    def _get_secret_value(self, call: Call) -> dict[str, Any]:
        asked = _decode(call, _GetSecretValue)
        name, version = self._find(call, asked.secret_id)
        is_current = asked.version_stage in (None, _CURRENT)
        if asked.version_id not in (None, version.version_id):
            raise _not_found(f"{_NO_VALUE} VersionId: {asked.version_id}")
        if asked.version_id is not None and not is_current:
            raise RefusalError(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        if not is_current:
            raise _not_found(f"{_NO_VALUE} staging label: {asked.version_stage}")
        return {
            "ARN": self._arn(name),
            "Name": name,
            "VersionId": version.version_id,
            "SecretString": version.secret_string,
            "VersionStages": [_CURRENT],
            "CreatedDate": version.created,
        }

    def _describe_secret(self, call: Call) -> dict[str, Any]:
        name, version = self._find(call, _decode(call, _DescribeSecret).secret_id)
        return self._entry(name, version) | {"VersionIdsToStages": {version.version_id: [_CURRENT]}}

    def _list_secrets(self, call: Call) -> dict[str, Any]:
        asked = _decode(call, _ListSecrets)
        if asked.filters:
            raise RefusalError("InvalidParameterException", "Filters are not supported locally.")
        size = asked.max_results or _LARGEST_PAGE
        if not 1 <= size <= _LARGEST_PAGE:
            raise RefusalError("InvalidParameterException", "MaxResults must be from 1 to 100.")
        names = sorted(name for name in call.caller.secrets if name > (asked.next_token or ""))
        found = [(name, version) for name in names if (version := self._store.get(name)) is not None]
        entries = [
            self._entry(name, version) | {"SecretVersionsToStages": {version.version_id: [_CURRENT]}}
            for name, version in found[:size]
        ]
        return {"SecretList": entries} | ({"NextToken": found[size - 1][0]} if len(found) > size else {})

    def _find(self, call: Call, asked: str) -> tuple[str, SecretVersion]:
        """The id and the present version of a secret that is named by its id or its ARN."""
        name = next((each for each in call.caller.secrets if asked in (each, self._arn(each))), None)
        if name is None:
            action = f"secretsmanager:{call.operation}"
            user = f"arn:aws:sts::{self._account}:assumed-role/{call.caller.name}/{call.caller.name}"
            raise RefusalError(
                "AccessDeniedException",
                f"User: {user} is not authorized to perform: {action} on resource: {asked} because no identity-based "
                f"policy allows the {action} action",
            )
        version = self._store.get(name)
        if version is None:
            raise _not_found(_NOT_FOUND)
        return name, version

    def _entry(self, name: str, version: SecretVersion) -> dict[str, Any]:
        return {
            "ARN": self._arn(name),
            "Name": name,
            "CreatedDate": version.created,
            "LastChangedDate": version.created,
        }

    def _arn(self, secret_id: str) -> str:
        """The secret's ARN, which ends, as on AWS, in six characters that are not in its name."""
        if secret_id.startswith("arn:"):
            return secret_id
        return f"{self._prefix}{secret_id}-{sha256(secret_id.encode()).hexdigest()[:6]}"


def _decode(call: Call, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(call.request.body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise RefusalError("ValidationException", f"1 validation error detected: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RefusalError("SerializationException", "The request body is not valid JSON.") from None


def _not_found(message: str) -> RefusalError:
    return RefusalError("ResourceNotFoundException", message)
