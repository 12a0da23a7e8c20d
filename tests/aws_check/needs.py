"""What a check needs before it starts: credentials that AWS accepts, an account, and a region."""

import os

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

NEEDS = """\
`make aws-check` deploys a stage of the template to an AWS account, runs its tests against it, and destroys it.
It needs:

- credentials, as boto3 finds them: AWS_PROFILE=NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
  They must be allowed to deploy and to destroy a stage (docs/how-to/deploying.md).
- a region: AWS_REGION=eu-west-1.

Use an account for tests. It makes a stack, a table, functions, an API, a secret and log groups, all named after
the stage, and a bucket for packages that stays in the account. One check costs a few cents."""


class Missing(Exception):  # noqa: N818 - it is raised to say what is missing
    """The check can't start, and why."""


class Target(Struct, frozen=True):
    """Where the check deploys to."""

    account: str
    region: str
    endpoint: str | None
    """The URL of an emulator of AWS; None for AWS itself."""


def target() -> Target:
    """Where the credentials of this process lead. Raises Missing."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    session = boto3.Session(region_name=region)
    if session.get_credentials() is None:
        raise Missing("No AWS credentials found.")
    if not session.region_name:
        raise Missing("No AWS region is set.")
    try:
        account = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise Missing(f"AWS does not accept the credentials: {error}") from error
    return Target(account, session.region_name, os.environ.get("AWS_ENDPOINT_URL"))
