"""The values of a stage's secrets in Secrets Manager, each a JSON object of strings; a value is never shown."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError
from taxiway.declare import Secret

_MAX_SIZE = 65_536  # bytes: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html


class SecretValues(Struct, frozen=True):
    """Reads and changes secrets, one key at a time. Each change is a version; the one before it is AWSPREVIOUS.

    Concurrent changes of one secret may overwrite each other: Secrets Manager has no conditional write.
    """

    account: Account

    def list(self, ids: Iterable[str]) -> dict[str, tuple[str, ...] | None]:
        """The names of the keys that each of these secrets has; None where there is no such secret."""
        found = {secret_id: self._read(secret_id) for secret_id in ids}
        return {secret_id: None if values is None else tuple(sorted(values)) for secret_id, values in found.items()}

    def set(self, secret: Secret, key: str, value: str) -> bool:
        """Set one key and keep the others; creates a missing secret, and returns whether it did.

        Raises AwsError if the secret is not a JSON object, would exceed 64 KB, or must be created by the stack.
        """
        secret_id = str(secret.id)
        before = self._read(secret_id)
        text = json.dumps({**(before or {}), key: value})
        if len(text.encode()) > _MAX_SIZE:
            raise AwsError(
                f"The secret {secret_id} would exceed the {_MAX_SIZE} bytes that Secrets Manager allows.",
                fix="divide it into several secrets",
            )
        if before is None:
            if secret.generate is not None:
                raise AwsError(
                    f"The secret {secret_id} does not exist yet: the stack must create it.",
                    fix="deploy first",
                )
            if secret_id.startswith("arn:"):
                raise AwsError(
                    f"There is no secret {secret_id}, and none can be made by its ARN.",
                    fix="name one that exists, or its id alone, as in shop/prod",
                )
            key_arn = {} if secret.encryption_key is None else {"KmsKeyId": secret.encryption_key}
            self._client.create_secret(Name=secret_id, SecretString=text, **key_arn)
            return True
        self._client.put_secret_value(SecretId=secret_id, SecretString=text)
        return False

    def unset(self, secret_id: str, key: str | None) -> bool:
        """Remove one key, or the whole secret, which AWS keeps for 30 days more; False where there was none."""
        before = self._read(secret_id)
        if before is None or (key is not None and key not in before):
            return False
        if key is None:
            self._client.delete_secret(SecretId=secret_id, RecoveryWindowInDays=30)
            return True
        rest = {name: value for name, value in before.items() if name != key}
        self._client.put_secret_value(SecretId=secret_id, SecretString=json.dumps(rest))
        return True

    @property
    def _client(self) -> Any:
        return self.account.client("secretsmanager")

    def _read(self, secret_id: str) -> Mapping[str, Any] | None:
        client = self._client
        try:
            text: str = client.get_secret_value(SecretId=secret_id).get("SecretString", "")
        except client.exceptions.ResourceNotFoundException:
            return None
        except client.exceptions.InvalidRequestException as error:
            if "deletion" not in str(error):
                raise
            raise AwsError(
                f"The secret {secret_id} is deleted; AWS keeps it for a while yet.",
                fix=f"bring it back: aws secretsmanager restore-secret --secret-id {secret_id}",
            ) from None
        try:
            values: object = json.loads(text)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise AwsError(
                f"The secret {secret_id} is not a JSON object. It was not changed.",
                fix="change it where it is kept, or use another id",
            )
        return values  # pyright: ignore[reportUnknownVariableType]  a dict of JSON, whose keys are strings
