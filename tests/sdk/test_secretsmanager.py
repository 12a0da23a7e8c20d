"""A secret's value, over a real socket."""

import base64
import json

import pytest
from tests.sdk.server import Server, answer, failure

from taxiway.sdk import InvalidAnswer, InvalidValue
from taxiway.sdk.secretsmanager import (
    SecretAccessDenied,
    SecretNotFound,
    SecretsManager,
    SecretsManagerError,
    SecretValue,
)
from taxiway.sdk.signing import Credentials

VALUE = {
    "ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:app-AbCdEf",
    "Name": "app",
    "VersionId": "v1",
    "VersionStages": ["AWSCURRENT"],
    "CreatedDate": 1.5,
}


def of(server):
    return SecretsManager(region="eu-west-1", endpoint=server.url, credentials=Credentials("AKID", "secret"))


def test_a_text():
    with Server(answer({**VALUE, "SecretString": '{"password": "p"}'})) as server:
        value = of(server).get_secret_value("app")

    assert (value.name, value.version_id, value.version_stages) == ("app", "v1", ["AWSCURRENT"])
    assert (value.text, value.binary) == ('{"password": "p"}', None)
    (request,) = server.requests
    assert request.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    assert request.headers["content-type"] == "application/x-amz-json-1.1"
    assert "/eu-west-1/secretsmanager/aws4_request" in request.headers["authorization"]
    assert json.loads(request.body) == {"SecretId": "app"}


def test_a_binary():
    with Server(answer({**VALUE, "SecretBinary": base64.b64encode(b"\x00\xff").decode()})) as server:
        value = of(server).get_secret_value("app", version_stage="AWSPENDING", version_id="v")

    assert (value.text, value.binary) == (None, b"\x00\xff")
    assert json.loads(server.requests[0].body) == {"SecretId": "app", "VersionStage": "AWSPENDING", "VersionId": "v"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceNotFoundException", SecretNotFound),
        ("AccessDeniedException", SecretAccessDenied),
        ("DecryptionFailure", SecretAccessDenied),
        ("InvalidRequestException", SecretsManagerError),
    ],
)
def test_each_code_has_its_exception(code, error):
    with Server(failure(code, "told")) as server, pytest.raises(SecretsManagerError) as raised:
        of(server).get_secret_value("app")

    assert type(raised.value) is error
    assert raised.value.code == code


def test_three_attempts():
    with (
        Server(*[failure("InternalServiceError", "m", 500)] * 5) as server,
        pytest.raises(SecretsManagerError) as raised,
    ):
        of(server).get_secret_value("app")

    assert raised.value.attempts == len(server.requests) == 3


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"Name": 5, "SecretString": "hidden"}', b'{"Name": "a", "SecretBinary": "!"}']
)
def test_an_answer_that_is_none_is_told_without_its_secret(body):
    with Server(answer(body)) as server, pytest.raises(InvalidAnswer) as raised:
        of(server).get_secret_value("app")

    assert "hidden" not in str(raised.value)


def test_a_name_that_can_not_be_sent_is_told():
    with pytest.raises(InvalidValue, match="lone surrogate"):
        SecretsManager(region="eu-west-1").get_secret_value("\ud800")


def test_no_value_is_in_a_repr():
    shown = repr(SecretValue("arn", "app", "v1", [], "hidden", b"hidden"))
    assert "app" in shown
    assert "hidden" not in shown
