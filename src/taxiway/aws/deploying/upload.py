"""The bucket that CloudFormation reads a stack from: its templates, and the packages of its functions."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError
from taxiway.aws.template.assembly import Assembly
from taxiway.declare import names

KEPT = timedelta(days=30)
"""How long the files of a stage that it no longer needs stay, to go back to without an upload."""


def ensure_bucket(account: Account, name: str, note: Callable[[str], None]) -> None:
    """Create the bucket of the account and region if it does not exist: private, encrypted, TLS only.

    A bucket without a policy, left by a command that was killed, gets one. Raises AwsError if somebody else owns a
    bucket with this name.
    """
    s3 = account.client("s3")
    if has_bucket(account, name):
        if has_policy(account, name):
            return
        note(f"The bucket {name} has no policy yet: blocking public access and requests without TLS.")
    else:
        note(f"Creating the bucket {name}, for the packages of this account and region.")
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        s3.create_bucket(Bucket=name, **({} if account.region == "us-east-1" else elsewhere))
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    partition = names.partition(account.region)
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:{partition}:s3:::{name}", f"arn:{partition}:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only_tls]}))


def has_bucket(account: Account, name: str) -> bool:
    """Whether the account has this bucket. Raises AwsError if somebody else owns it, or access is denied."""
    s3 = account.client("s3")
    try:
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=account.id)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        if error.response["Error"]["Code"] not in ("403", "AccessDenied"):
            raise
        raise AwsError(
            f"The bucket {name} can't be used: it does not belong to the account {account.id}, or access is denied.",
            fix="use a role that may list and write it; a bucket of that name in another account is an attack",
        ) from error
    return True


def has_policy(account: Account, name: str) -> bool:
    """Whether the bucket has a policy, which it is given last of all."""
    s3 = account.client("s3")
    try:
        s3.get_bucket_policy(Bucket=name, ExpectedBucketOwner=account.id)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return False
        raise
    return True


def upload(account: Account, assembly: Assembly, *, templates_only: bool = False) -> tuple[int, int]:
    """Upload what the bucket lacks; returns how many files that were, and their bytes.

    Not the stack's own template, which each step of a deployment has its own form of: `put_template`.
    """
    s3 = account.client("s3")
    sent = size = 0
    for file in assembly.files:
        if file == assembly.template or (templates_only and not file.is_template):
            continue
        if _has(s3, account, assembly.bucket, file.key):
            continue
        with file.path.open("rb") as body:
            s3.put_object(Bucket=assembly.bucket, Key=file.key, Body=body, ExpectedBucketOwner=account.id)
        sent += 1
        size += file.path.stat().st_size
    return sent, size


def sweep(
    account: Account, bucket: str, prefix: str, *, keep: Collection[str] = (), older_than: timedelta = timedelta()
) -> int:
    """Delete a stage's old files, except those to `keep`; returns how many were deleted.

    Files that the deployed stack references are kept, however old: CloudFormation needs them to roll back a failed
    update. A lifecycle rule of the bucket would only know an object's age.
    """
    s3 = account.client("s3")
    until = datetime.now(UTC) - older_than
    gone = 0
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, ExpectedBucketOwner=account.id)
    for page in pages:
        old = [
            {"Key": found["Key"]}
            for found in page.get("Contents", [])
            if found["Key"] not in keep and found["LastModified"] <= until
        ]
        if old:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": old}, ExpectedBucketOwner=account.id)
        gone += len(old)
    return gone


def put_template(account: Account, assembly: Assembly, template: Mapping[str, Any]) -> str:
    """Upload a template for the assembly's stack; returns the URL that CloudFormation reads it from.

    Letters outside ASCII are escaped: otherwise GetTemplate would return question marks for them
    (https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814), and the next deployment
    compares with what it returns.
    """
    s3 = account.client("s3")
    body = json.dumps(template, ensure_ascii=True).encode()
    key = f"{assembly.prefix}{sha256(body).hexdigest()}.json"
    s3.put_object(Bucket=assembly.bucket, Key=key, Body=body, ExpectedBucketOwner=account.id)
    return f"{s3.meta.endpoint_url}/{assembly.bucket}/{key}"


def _has(s3: Any, account: Account, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account.id)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
