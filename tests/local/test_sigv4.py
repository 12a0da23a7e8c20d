"""Signatures: the same, to the letter, as botocore's."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from taxiway.local.sigv4 import Credentials, sign


@pytest.mark.parametrize("token", ["", "a/session+token=="])
@pytest.mark.parametrize("body", [b"{}", '{"TableName":"größe"}'.encode()])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/", "https://dynamodb.eu-west-1.amazonaws.com/"])
def test_a_request_is_signed_as_botocore_signs_it(url: str, body: bytes, token: str) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.DescribeTable"}
    theirs = AWSRequest("POST", url, data=body, headers=headers)
    SigV4Auth(BotocoreCredentials("AKID", "the secret", token or None), "dynamodb", "eu-west-1").add_auth(theirs)
    ours = sign(
        host=url.split("/")[2],
        headers=headers,
        body=body,
        at=datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        credentials=Credentials("AKID", "the secret", token),
        region="eu-west-1",
        service="dynamodb",
    )
    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == theirs.headers.get("X-Amz-Security-Token")


def test_credentials_do_not_show_their_secrets() -> None:
    shown = repr(Credentials("AKID", "the secret", "the token"))
    assert "AKID" in shown
    assert "the" not in shown
