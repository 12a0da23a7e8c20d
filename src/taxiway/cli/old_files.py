"""Deletes the uploaded files that a stage no longer needs."""

from collections.abc import Collection
from datetime import timedelta

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying import upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError


def delete(
    account: Account, bucket: str, prefix: str, *, keep: Collection[str] = (), older_than: timedelta = timedelta()
) -> None:
    """As `upload.sweep`, but only prints an error, because the stage itself was deployed or deleted."""
    try:
        with accounts.plainly():
            upload.sweep(account, bucket, prefix, keep=keep, older_than=older_than)
    except AwsError as error:
        print(f"Files that are no longer needed stay in {bucket}: {error}")
