"""Connects to the account and region of a stage, and refuses any other."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from msgspec import Struct

from taxiway.aws.errors import AwsError
from taxiway.declare import Stage

_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "503"}
)
_UNKNOWN = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"})


class Account(Struct, frozen=True):
    """An account, a region, and who we are in it. Only `connect` makes one, after it has compared them with a stage."""

    id: str
    region: str
    caller: str
    """The ARN of the identity that the credentials belong to."""
    session: Any
    """A boto3 Session; boto3 has no types of its own."""

    def client(self, service: str) -> Any:
        """A boto3 client, which retries what AWS throttles."""
        from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]  boto3 has no types

        return _client(self.session, service, config=Config(retries={"mode": "adaptive", "max_attempts": 8}))


def connect(stage: Stage) -> Account:
    """The stage's account, with the credentials that boto3 finds. Changes nothing.

    Raises AwsError if there are no credentials, if they belong to another account, and if the shell or the profile
    names another region than the stage.
    """
    with plainly():
        region, said_by = configured_region()
        if region is not None and region != stage.region:
            raise AwsError(
                f"The stage {stage.name} is in {stage.region}, and {said_by} says {region}.",
                fix=f"set AWS_REGION={stage.region}, or correct AWS_REGION in {stage.source or 'the stage file'}",
            )
        session = new_session(stage.region)
        identity: dict[str, str] = _client(session, "sts").get_caller_identity()
    if identity["Account"] != stage.account:
        raise AwsError(
            f"The stage {stage.name} is in the account {stage.account}, but these credentials belong to the account "
            f"{identity['Account']} ({identity['Arn']}).",
            fix=f"use credentials of {stage.account}, as with AWS_PROFILE=…, or correct AWS_ACCOUNT in "
            f"{stage.source or 'the stage file'}",
        )
    return Account(identity["Account"], stage.region, identity["Arn"], session)


def configured_region() -> tuple[str | None, str]:
    """The region of the shell or the profile, where either has one, and which of them says so."""
    for variable in _REGION_VARIABLES:
        if value := os.environ.get(variable):
            return value, variable
    return new_session(None).region_name, f"the profile {os.environ.get('AWS_PROFILE', 'default')}"


def new_session(region: str | None) -> Any:
    """A boto3 Session. Raises AwsError where boto3 is not installed."""
    try:
        import boto3  # pyright: ignore[reportMissingTypeStubs]  boto3 has no types
    except ModuleNotFoundError:
        raise missing("boto3") from None
    return boto3.Session(region_name=region)


def _client(session: Any, service: str, **how: Any) -> Any:
    """A client of a session. Raises AwsError if a setting of the shell or of the profile is invalid."""
    try:
        return session.client(service, **how)
    except JSONDecodeError as error:
        profile = os.environ.get("AWS_PROFILE", "default")
        raise AwsError(
            f"The credential_process of the profile {profile} prints no JSON: {error}.",
            fix="run it by itself, and see what it prints",
        ) from error
    except ValueError as error:  # what boto3 has of AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS and their like
        raise AwsError(
            f"Invalid configuration of boto3: {error}.",
            fix="correct what that names, among the variables AWS_… of the shell or in ~/.aws/config",
        ) from error


def missing(package: str) -> AwsError:
    """The error where a package of the extra `aws` is not installed."""
    return AwsError(f"{package} is not installed.", fix='install what AWS needs: pip install "taxiway[aws]"')


@contextmanager
def plainly() -> Generator[None, None, None]:
    """Turns what boto3 raises into an AwsError."""
    try:
        from botocore import exceptions  # pyright: ignore[reportMissingTypeStubs]  boto3 has no types
    except ModuleNotFoundError:
        raise missing("boto3") from None
    try:
        yield
    except exceptions.ClientError as error:
        failed: Any = error
        raise _of_service(failed.response.get("Error", {}), failed.operation_name) from error
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
            raise AwsError(
                f"There are no credentials for AWS: {error}.",
                fix="run `aws configure sso` or `aws login`, or set AWS_PROFILE to a profile that has them",
            ) from error
        if kind in ("ProfileNotFound", "ConfigParseError"):
            raise AwsError(f"{error}.", fix="set AWS_PROFILE to a profile of ~/.aws/config") from error
        if "SSO" in kind or "Token" in kind:
            raise AwsError(f"{error}", fix="run `aws sso login`") from error
        if isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError)):
            raise AwsError(f"AWS can't be reached: {error}", fix="check the network, and try again") from error
        raise AwsError(f"boto3 can't do that: {error}", fix="correct that, and try again") from error


def _of_service(said: dict[str, str], operation: str) -> AwsError:
    code, message = said.get("Code", ""), said.get("Message", "")
    if code in _EXPIRED:
        return AwsError(f"The credentials have expired: {message}", fix="log in again, as with `aws sso login`")
    if code == "400":  # S3 answers HEAD with a status alone
        return AwsError(
            f"{operation} was refused, probably because the credentials have expired: {message}",
            fix="log in again, as with `aws sso login`",
        )
    if code in _UNKNOWN:
        return AwsError(f"AWS does not know these credentials: {message}", fix="set AWS_PROFILE, or log in again")
    if code in _THROTTLED:
        return AwsError(f"AWS throttles the requests of this account: {operation}: {message}", fix="try again later")
    if code == "403" or code.startswith(("AccessDenied", "Unauthorized")):
        return AwsError(
            f"{operation} is not allowed: {message}",
            fix="use a role with this permission, or have it added to this one",
        )
    return AwsError(f"{operation} failed: {code}: {message}", fix="correct that, and try again")
