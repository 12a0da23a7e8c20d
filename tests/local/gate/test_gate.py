"""The gate from outside: who gets in, who doesn't, and what every other AWS service is told."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from tests.local.gate.gating import Gating, client

from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.http1 import Response
from taxiway.sdk.signing import Credentials

CORS = "access-control-"


async def echo(call: Call) -> Response:
    """A service that answers with what the gate knows of a call."""
    told = {"caller": call.caller.name, "request": call.caller.request_id(), "operation": call.operation}
    headers = [("content-type", "application/x-amz-json-1.0")]
    return Response(status=200, headers=headers, body=json.dumps(told).encode())


@pytest.fixture
def gating():
    with Gating({"dynamodb": echo}) as gating:
        yield gating


def code_of(answer) -> str:
    status, headers, body = answer
    assert status in (400, 403)
    assert not [name for name in headers if name.startswith(CORS)]
    return json.loads(body)["__type"].rpartition("#")[2]


def test_a_signed_call_is_answered_and_its_caller_is_known(gating: Gating) -> None:
    caller = gating.callers.admit("environment", "list-items", (), lambda: "the-request")
    status, headers, body = gating.request(gating.signed(caller.credentials))
    assert status == 200
    assert json.loads(body) == {"caller": "list-items", "request": "the-request", "operation": "ListTables"}
    assert not [name for name in headers if name.startswith(CORS)]


def test_credentials_end_with_their_environment(gating: Gating) -> None:
    caller = gating.callers.admit("environment", "list-items", ())
    other = gating.admit()
    gating.callers.dismiss("environment")
    gating.callers.dismiss("never admitted")
    assert code_of(gating.request(gating.signed(caller.credentials))) == "UnrecognizedClientException"
    assert gating.request(gating.signed(other.credentials))[0] == 200


def test_each_environment_has_a_pair_of_its_own(gating: Gating) -> None:
    pairs = [gating.admit().credentials for _ in range(10)]
    assert len({each.access_key for each in pairs} | {each.secret_key for each in pairs}) == 20


def test_an_unsigned_request_is_refused(gating: Gating) -> None:
    answer = gating.request({"x-amz-target": "DynamoDB_20120810.ListTables"})
    assert code_of(answer) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "authorization", ["Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, x=y", "\xff"]
)
def test_another_authorization_is_refused(gating: Gating, authorization: str) -> None:
    answer = gating.request({"x-amz-target": "x.y", "authorization": authorization})
    assert code_of(answer) == "IncompleteSignatureException"


def test_a_wrong_key_secret_or_token_is_refused(gating: Gating) -> None:
    right = gating.admit().credentials
    for wrong, code in (
        (Credentials("local", right.secret_key, right.token), "UnrecognizedClientException"),
        (Credentials(right.access_key, "local", right.token), "InvalidSignatureException"),
        (Credentials(right.access_key, right.secret_key, "another"), "UnrecognizedClientException"),
        (Credentials(right.access_key, right.secret_key), "UnrecognizedClientException"),
    ):
        assert code_of(gating.request(gating.signed(wrong))) == code


def test_a_request_that_was_changed_on_the_way_is_refused(gating: Gating) -> None:
    credentials = gating.admit().credentials
    signed = gating.signed(credentials)
    for changed in (
        signed | {"x-amz-target": "DynamoDB_20120810.DeleteTable"},
        signed | {"content-type": "application/json"},
        signed | {"authorization": signed["authorization"].replace("/eu-west-1/", "/us-east-1/")},
        signed | {"authorization": signed["authorization"].replace("/dynamodb/", "/secretsmanager/")},
    ):
        assert code_of(gating.request(changed)) == "InvalidSignatureException"
    assert code_of(gating.request(signed, b'{"Limit": 1}')) == "InvalidSignatureException"
    assert code_of(gating.request(signed, path="/?Action=x")) == "InvalidSignatureException"


def test_the_operation_must_be_among_the_signed_headers(gating: Gating) -> None:
    credentials = gating.admit().credentials
    signed = gating.signed(credentials)
    without = signed["authorization"].replace(";x-amz-target", "")
    assert code_of(gating.request(signed | {"authorization": without})) == "InvalidSignatureException"


@pytest.mark.parametrize(("service", "window"), [("dynamodb", 900), ("secretsmanager", 300)])
def test_a_signature_is_good_for_minutes(gating: Gating, service: str, window: int) -> None:
    credentials = gating.admit().credentials
    for off in (-window - 5, window + 5):
        signed = gating.signed(credentials, service=service, at=time.time() + off)
        answer = gating.request(signed)
        assert code_of(answer) == "InvalidSignatureException"
        assert f"{window // 60} min." in json.loads(answer[2])["message"]
    for off in (-window + 5, window - 5):
        signed = gating.signed(credentials, service=service, at=time.time() + off)
        assert b"InvalidSignature" not in gating.request(signed)[2]


@pytest.mark.parametrize(
    "header",
    [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8000"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-site", "same-origin"),
    ],
)
def test_a_web_page_is_refused_even_with_a_right_signature(gating: Gating, header: tuple[str, str]) -> None:
    signed = gating.signed(gating.admit().credentials)
    answer = gating.request(signed | dict([header]))
    assert code_of(answer) == "AccessDeniedException"
    assert "Web pages may not call this server" in json.loads(answer[2])["message"]


def test_a_preflight_gets_no_permission(gating: Gating) -> None:
    asking = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    status, headers, _ = gating.request(asking, b"", method="OPTIONS")
    assert status == 403
    assert not [name for name in headers if name.startswith(CORS)]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80"])
def test_a_foreign_host_is_refused(gating: Gating, host: str) -> None:
    status, _, body = gating.request({"host": host, "x-amz-target": "x.y"})
    assert status == 400
    assert b"AccessDeniedException" in body


def test_a_body_that_no_service_takes_is_refused(gating: Gating) -> None:
    body = bytes(21 * 1024 * 1024)
    status, _, answer = gating.request(gating.signed(gating.admit().credentials, body=body), body)
    assert status == 400
    assert b"RequestEntityTooLargeException" in answer


def test_stages_stand_in_their_order_between_the_signature_and_the_service() -> None:
    passed: list[str] = []

    async def authorize(call: Call, onward) -> Response:
        passed.append(f"authorize {call.caller.name}")
        if call.operation == "DeleteTable":
            raise RefusalError("AccessDeniedException", "not granted")
        return await onward(call)

    async def record(call: Call, onward) -> Response:
        answer = await onward(call)
        passed.append(f"record {answer.status}")
        return answer

    with Gating({"dynamodb": echo}, [authorize, record]) as gating:
        credentials = gating.admit().credentials
        assert gating.request(gating.signed(credentials))[0] == 200
        denied = gating.signed(credentials, target="DynamoDB_20120810.DeleteTable")
        assert code_of(gating.request(denied)) == "AccessDeniedException"
        gating.request({"x-amz-target": "x.y"})
    assert passed == ["authorize list-items", "record 200", "authorize list-items"]


REFUSED = {
    "ssm": lambda api: api.get_parameter(Name="x"),
    "sqs": lambda api: api.send_message(QueueUrl="http://127.0.0.1:1/1/q", MessageBody="x"),
    "sts": lambda api: api.get_caller_identity(),
    "sns": lambda api: api.publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:t", Message="x"),
    "iam": lambda api: api.list_users(),
    "ec2": lambda api: api.describe_instances(),
    "s3": lambda api: api.list_buckets(),
    "lambda": lambda api: api.invoke(FunctionName="x"),
    "scheduler": lambda api: api.get_schedule(Name="x"),
    "events": lambda api: api.put_events(Entries=[{"Source": "x", "DetailType": "x", "Detail": "{}"}]),
    "kms": lambda api: api.list_keys(),
    "route53": lambda api: api.list_hosted_zones(),
    "cloudfront": lambda api: api.list_distributions(),
    "codedeploy": lambda api: api.list_applications(),
    "cloudwatch": lambda api: api.list_metrics(),
    "kinesis": lambda api: api.list_streams(),
    "logs": lambda api: api.describe_log_groups(),
    "apigatewayv2": lambda api: api.get_apis(),
    "cognito-idp": lambda api: api.list_user_pools(MaxResults=1),
    "bedrock-runtime": lambda api: api.invoke_model(modelId="x", body=b"{}"),
}


@pytest.mark.parametrize("service", REFUSED)
def test_every_other_service_is_refused_by_name_in_its_own_protocol(gating: Gating, service: str) -> None:
    api = client(service, gating.url, gating.admit().credentials)
    with pytest.raises(ClientError, match="is not available locally") as caught:
        REFUSED[service](api)
    response = caught.value.response
    assert response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    assert response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert f"{api.meta.service_model.signing_name!r}" in response["Error"]["Message"]


@pytest.mark.parametrize("payload", ["signed in pieces", "unsigned"])
def test_an_upload_to_s3_is_refused_by_name_too(gating: Gating, payload: str) -> None:
    config = {"s3": {"payload_signing_enabled": payload == "signed in pieces"}}
    api = client("s3", gating.url, gating.admit().credentials, **config)
    with pytest.raises(ClientError, match="is not available locally"):
        api.put_object(Bucket="bucket", Key="a b/../ä", Body=b"content")


@pytest.mark.parametrize(
    ("service", "code"), [("sts", "InvalidClientTokenId"), ("s3", "InvalidAccessKeyId"), ("ssm", "Unrecognized")]
)
def test_foreign_credentials_are_refused_in_each_protocols_words(gating: Gating, service: str, code: str) -> None:
    api = client(service, gating.url, Credentials("AKIA", "secret"))
    with pytest.raises(ClientError) as caught:
        REFUSED[service](api)
    assert caught.value.response["Error"]["Code"].startswith(code)
