"""What AWS and boto3 refuse, said in words: whose fault it is, and what to do."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from taxiway.aws.deploying import account as accounts
from taxiway.aws.errors import AwsError


def test_what_is_asked_wrongly_is_not_taken_for_a_network_that_is_down() -> None:
    logs = boto3.client("logs", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    with pytest.raises(AwsError, match=r"^boto3 can't do that: Parameter validation failed"), accounts.plainly():
        logs.filter_log_events(logGroupName="group", startTime=-1)


def test_a_network_that_is_down_is() -> None:
    nowhere = boto3.client(
        "logs",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(AwsError, match=r"^AWS can't be reached: "), accounts.plainly():
        nowhere.describe_log_groups()


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ("400", "probably because the credentials have expired"),
        ("403", "HeadBucket is not allowed"),
        ("503", "AWS throttles the requests of this account"),
    ],
)
def test_a_head_that_s3_answers_with_a_status_alone_is_understood(status: str, problem: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
    with pytest.raises(AwsError, match=problem), accounts.plainly():
        raise ClientError({"Error": {"Code": status, "Message": "It has no body"}}, "HeadBucket")
