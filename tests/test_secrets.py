"""Secrets are read from Secrets Manager, kept for a while, and never shown in an error."""

import base64
import json
import time
from collections.abc import Iterator

import pytest
from msgspec import Struct
from tests.sdk.server import Server, answer, failure, raw

from taxiway import secrets
from taxiway.sdk.secretsmanager import SecretsManager
from taxiway.secrets import SecretError, SecretInvalid, SecretMissing, SecretUnavailable

SECRET = "hunter2-never-shown"


def value(text: str):
    return answer({"ARN": "arn", "Name": "a", "VersionId": "1", "SecretString": text})


def outage(server: Server) -> None:
    server.script.extend([failure("InternalServiceError", "m", 500)] * 3)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        for name, text in {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.url,
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "ASIA",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "session",
        }.items():
            monkeypatch.setenv(name, text)
        monkeypatch.setattr(secrets, "_client", SecretsManager())
        monkeypatch.setattr(secrets, "_kept", {})
        yield server


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """Sets the clock of `taxiway.secrets` forward, by seconds from the start of the test."""
    start = time.time()

    def move(seconds: float) -> None:
        monkeypatch.setattr(secrets, "time", type("Clock", (), {"time": staticmethod(lambda: start + seconds)}))

    move(0)
    return move


def test_a_secret_is_a_dictionary_of_strings(server: Server) -> None:
    server.default = value('{"cursorKey": "k", "password": "p"}')
    assert secrets.get("items/dev") == {"cursorKey": "k", "password": "p"}


def test_a_secret_fits_the_type_asked_for(server: Server) -> None:
    class Config(Struct, rename="camel"):
        cursor_key: str
        port: int = 1

    server.default = value('{"cursorKey": "k", "port": 5, "more": true}')
    assert secrets.get("items/dev", Config) == Config(cursor_key="k", port=5)


def test_a_secret_can_be_plain_text(server: Server) -> None:
    server.default = value(SECRET)
    assert secrets.get("token", str) == SECRET


def test_the_call_is_signed_with_the_environments_credentials(server: Server) -> None:
    server.default = value("{}")
    name = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b+c=d@e&f g-AbCdEf"
    secrets.get(name)
    (request,) = server.requests
    assert (request.operation, json.loads(request.body)) == ("GetSecretValue", {"SecretId": name})
    assert "Credential=ASIA/" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "session"


def test_a_secret_is_asked_for_once(server: Server) -> None:
    server.default = value('{"v": "1"}')
    for _ in range(3):
        secrets.get("a")
    assert secrets.get("a", str) == '{"v": "1"}'
    assert len(server.requests) == 1


def test_a_secret_is_asked_for_again_after_its_lifetime(server: Server, later) -> None:
    server.script.extend([value('{"v": "1"}'), value('{"v": "2"}')])
    secrets.get("a")
    later(secrets.LIFETIME - 1)
    assert secrets.get("a") == {"v": "1"}
    later(secrets.LIFETIME)
    assert secrets.get("a") == {"v": "2"}


def test_a_refresh_reads_at_once_and_what_it_read_is_kept(server: Server) -> None:
    server.script.extend([value('{"v": "1"}'), value('{"v": "2"}')])
    secrets.get("a")
    assert secrets.refresh("a") == {"v": "2"}
    assert secrets.get("a", str) == '{"v": "2"}'
    assert len(server.requests) == 2


def test_a_refresh_that_fails_says_so_and_leaves_the_value(server: Server) -> None:
    server.script.append(value('{"v": "1"}'))
    secrets.get("a")
    outage(server)
    with pytest.raises(SecretUnavailable, match=r"'a'.*InternalServiceError"):
        secrets.refresh("a")
    assert secrets.get("a") == {"v": "1"}


def test_a_value_serves_on_while_it_cannot_be_refreshed_and_the_log_says_so(server: Server, later, capsys) -> None:
    server.script.append(value('{"v": "1"}'))
    secrets.get("a")
    later(secrets.LIFETIME)
    outage(server)
    assert secrets.get("a") == {"v": "1"}
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["secret"]) == ("WARN", "a")
    assert "InternalServiceError" in line["reason"]


def test_during_an_outage_only_one_call_in_a_while_pays_for_asking(server: Server, later) -> None:
    server.script.append(value('{"v": "1"}'))
    secrets.get("a")
    outage(server)
    later(secrets.LIFETIME)
    secrets.get("a")
    asked = len(server.requests)
    server.default = value('{"v": "2"}')
    server.script.clear()
    later(secrets.LIFETIME + secrets.PAUSE - 1)
    assert secrets.get("a") == {"v": "1"}
    assert len(server.requests) == asked
    later(secrets.LIFETIME + secrets.PAUSE)
    assert secrets.get("a") == {"v": "2"}


def test_a_value_that_is_too_old_serves_no_longer(server: Server, later) -> None:
    server.script.append(value('{"v": "1"}'))
    secrets.get("a")
    outage(server)
    later(secrets.LONGEST)
    with pytest.raises(SecretUnavailable):
        secrets.get("a")


def test_a_grant_that_was_withdrawn_counts_at_once(server: Server, later) -> None:
    server.script.extend([value('{"v": "1"}'), failure("AccessDeniedException", "not authorized")])
    secrets.get("a")
    later(secrets.LIFETIME)
    with pytest.raises(SecretMissing, match="not authorized"):
        secrets.get("a")


def test_a_change_to_the_answer_stays_with_the_caller(server: Server) -> None:
    server.default = value('{"v": "1"}')
    secrets.get("a")["v"] = "changed"
    assert secrets.get("a") == {"v": "1"}


def test_a_secret_that_is_not_there_is_named_and_asked_for_again(server: Server) -> None:
    server.script.extend([failure("ResourceNotFoundException", "no such secret"), value("{}")])
    with pytest.raises(SecretMissing, match=r"'nothing'.*ResourceNotFoundException(?s:.*)Fix: .*route's uses"):
        secrets.get("nothing")
    assert secrets.get("nothing") == {}


def test_throttling_is_not_a_missing_secret(server: Server) -> None:
    server.script.extend([failure("ThrottlingException", "Rate exceeded")] * 3)
    with pytest.raises(SecretUnavailable, match="Rate exceeded") as caught:
        secrets.get("a")
    assert caught.value.http_status == 503
    assert isinstance(caught.value, SecretError)


def test_an_id_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(SecretMissing, match="Invalid secret id"):
        secrets.get("\ud800")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'{{"password": ["{SECRET}"]}}', r"shape.*Expected `str`, got `array`"),
        (f'["{SECRET}"]', "shape.*Expected `object`"),
        (f'"{SECRET}"', "shape.*Expected `object`"),
        (SECRET, "is not valid JSON"),
        (f'{{"{SECRET}": 1}}', "shape"),
        ("", "is not valid JSON"),
    ],
)
def test_a_secret_of_another_shape_is_named_and_not_shown(server: Server, text: str, problem: str) -> None:
    server.default = value(text)
    with pytest.raises(SecretInvalid, match=problem) as caught:
        secrets.get("items/dev")
    assert "items/dev" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_binary_secret_is_refused(server: Server) -> None:
    server.default = answer({"Name": "a", "SecretBinary": base64.b64encode(b"\0").decode()})
    with pytest.raises(SecretInvalid, match="'a' is binary"):
        secrets.get("a")


def test_an_answer_that_is_no_json_is_refused_unseen(server: Server) -> None:
    server.default = raw(f"HTTP/1.1 200 OK\r\ncontent-length: {len(SECRET)}\r\n\r\n{SECRET}".encode())
    with pytest.raises(SecretUnavailable) as caught:
        secrets.get("a")
    assert SECRET not in str(caught.value)


def test_where_nothing_answers_the_error_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    with pytest.raises(SecretUnavailable, match="No answer from secretsmanager"):
        secrets.get("a")
    assert server.requests == []
