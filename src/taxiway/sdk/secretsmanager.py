"""AWS Secrets Manager: reads a secret's value.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""
# ruff: noqa: N818  named for what happened, as the errors of `taxiway.sdk.errors` are

from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Any

import msgspec
from msgspec import Struct

from taxiway.sdk.client import CONNECT_TIMEOUT, READ_TIMEOUT, Client
from taxiway.sdk.codec import decode, encode
from taxiway.sdk.errors import InvalidAnswer, ServiceError
from taxiway.sdk.services import Service
from taxiway.sdk.signing import Credentials


class SecretsManagerError(ServiceError):
    """Secrets Manager refused a call."""


class SecretNotFound(SecretsManagerError):
    """There is no such secret, or it has no such version."""


class SecretAccessDenied(SecretsManagerError):
    """The role may not read the secret, or not use the key that it is encrypted with."""


_CLASSES: dict[str, type[SecretsManagerError]] = {
    "ResourceNotFoundException": SecretNotFound,
    "AccessDeniedException": SecretAccessDenied,
    "DecryptionFailure": SecretAccessDenied,
}


def _error(code: str, message: str, **told: Any) -> SecretsManagerError:
    return _CLASSES.get(code, SecretsManagerError)(code, message, **told)


SERVICE = Service(
    name="secretsmanager",
    host_prefix="secretsmanager",
    variable="SECRETS_MANAGER",
    target_prefix="secretsmanager",
    content_type="application/x-amz-json-1.1",
    error=_error,
)


class SecretValue(Struct):
    """A version of a secret. `text` or `binary` is None: a secret is one or the other. Neither is in a repr."""

    arn: str
    name: str
    version_id: str
    version_stages: list[str]
    text: str | None
    binary: bytes | None

    def __repr__(self) -> str:
        return f"SecretValue(name={self.name!r}, version_id={self.version_id!r})"


class _Request(Struct, rename="pascal", omit_defaults=True):
    secret_id: str
    version_id: str | None = None
    version_stage: str | None = None


class _Answer(Struct, rename="pascal"):
    name: str
    arn: str = msgspec.field(name="ARN", default="")
    version_id: str = ""
    version_stages: list[str] = msgspec.field(default_factory=list[str])
    secret_string: str | None = None
    secret_binary: str | None = None


class SecretsManager:
    """A client of Secrets Manager; its arguments are those of `DynamoDB`."""

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        credentials: Credentials | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        max_attempts: int | None = None,
    ) -> None:
        self.client = Client(
            SERVICE,
            region=region,
            endpoint=endpoint,
            credentials=credentials,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_attempts=max_attempts,
        )

    def close(self) -> None:
        """Close the connections that are idle."""
        self.client.close()

    def get_secret_value(
        self,
        secret_id: str,
        *,
        version_id: str | None = None,
        version_stage: str | None = None,
        timeout: float | None = None,
    ) -> SecretValue:
        """A secret by its name or ARN, of the version AWSCURRENT by default.

        `timeout` is in seconds and holds for the whole call. Raises SecretNotFound, SecretAccessDenied, and what
        `Client.call` raises.
        """
        request = encode(_Request(secret_id, version_id, version_stage))
        told = decode(self.client.call("GetSecretValue", request, timeout=timeout).body, _Answer)
        try:
            binary = None if told.secret_binary is None else a2b_base64(told.secret_binary, strict_mode=True)
        except Base64Error:
            raise InvalidAnswer("SecretBinary is not Base64") from None
        return SecretValue(told.arn, told.name, told.version_id, told.version_stages, told.secret_string, binary)
