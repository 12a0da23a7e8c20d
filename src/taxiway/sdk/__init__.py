"""What a function needs of an AWS SDK: small, exact, and quick to import. It depends on msgspec alone.

`taxiway.sdk.dynamodb` and `taxiway.sdk.secretsmanager` are the services; the modules here are what they are made of.
"""

from taxiway.sdk.errors import (
    CallError,
    CredentialsUnavailable,
    DeadlineExceeded,
    InvalidAnswer,
    InvalidValue,
    NoAnswer,
    NotConfigured,
    SdkError,
    ServiceError,
)
from taxiway.sdk.signing import Credentials

__all__ = [
    "CallError",
    "Credentials",
    "CredentialsUnavailable",
    "DeadlineExceeded",
    "InvalidAnswer",
    "InvalidValue",
    "NoAnswer",
    "NotConfigured",
    "SdkError",
    "ServiceError",
]
