"""The bucket of packages: whose it is, and that it never stays without its policy."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.exceptions import ClientError

from taxiway.aws.deploying import upload
from taxiway.aws.deploying.account import Account
from taxiway.aws.errors import AwsError


class _Status(BaseHTTPRequestHandler):
    """Answers every HEAD with the status that its bucket is called by."""

    def do_HEAD(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account whose S3 answers HEAD so."""
    with HTTPServer(("127.0.0.1", 0), _Status) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")
        yield Account("111122223333", "eu-west-1", "somebody", session)
        server.shutdown()
        thread.join()


def test_a_bucket_is_there_or_it_is_not(heads: Account) -> None:
    assert upload.has_bucket(heads, "200")
    assert not upload.has_bucket(heads, "404")


def test_a_bucket_that_may_not_be_seen_may_be_another_accounts(heads: Account) -> None:
    with pytest.raises(AwsError, match="it does not belong to the account 111122223333, or access is denied"):
        upload.has_bucket(heads, "403")


def test_credentials_that_have_expired_are_not_taken_for_another_account(heads: Account) -> None:
    with pytest.raises(ClientError) as refused:
        upload.has_bucket(heads, "400")
    assert refused.value.response["Error"]["Code"] == "400"


@pytest.mark.synth
def test_a_bucket_that_was_left_without_its_policy_is_given_it_by_the_next_command(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="half-made")  # and then the command was killed
    said: list[str] = []
    upload.ensure_bucket(account, "half-made", said.append)

    (statement,) = json.loads(s3.get_bucket_policy(Bucket="half-made")["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert all(s3.get_public_access_block(Bucket="half-made")["PublicAccessBlockConfiguration"].values())
    assert len(said) == 1
    upload.ensure_bucket(account, "half-made", said.append)
    assert len(said) == 1


@pytest.mark.synth
def test_a_policy_that_somebody_gave_the_bucket_is_left_as_it_is(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="shared")
    own = {"Version": "2012-10-17", "Statement": []}
    s3.put_bucket_policy(Bucket="shared", Policy=json.dumps(own))
    upload.ensure_bucket(account, "shared", print)

    assert json.loads(s3.get_bucket_policy(Bucket="shared")["Policy"]) == own
