"""Credentials of the environment, and of a container's endpoint: asked for, kept, refreshed ahead of their end."""

import datetime
import threading
import time

import pytest
from tests.sdk.server import Server, answer, cut, stall

from taxiway.sdk import CredentialsUnavailable, NotConfigured, credentials
from taxiway.sdk.client import Client
from taxiway.sdk.credentials import AHEAD, LATEST, provider
from taxiway.sdk.dynamodb.service import SERVICE

NOW = 1_764_374_400.0


def given(number, *, valid=3600.0):
    """The endpoint's answer, of credentials that are good for so many seconds."""
    expiration = datetime.datetime.fromtimestamp(NOW + valid, datetime.UTC).isoformat().replace("+00:00", "Z")
    return answer(
        {
            "AccessKeyId": f"AKID{number}",
            "SecretAccessKey": f"secret{number}",
            "Token": f"token{number}",
            "Expiration": expiration,
            "RoleArn": "arn",
        }
    )


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(credentials, "PAUSE", 0.0)


@pytest.fixture
def container(monkeypatch):
    """A container's endpoint with a script."""

    def serve(*steps):
        server = Server(*steps)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/v2/credentials?x=1")
        return server

    return serve


def test_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert provider().get(NOW, None) == credentials.Credentials("AKID", "secret", "")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert provider().get(NOW, None).token == "token"


def test_there_may_be_none():
    with pytest.raises(CredentialsUnavailable, match=r"credentials are missing(?s:.*)Fix: export AWS_ACCESS_KEY_ID="):
        provider()


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_a_line_break_in_them_is_refused(monkeypatch, variable):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "a")
    monkeypatch.setenv(variable, "a\r\nx-evil: 1")
    with pytest.raises(CredentialsUnavailable, match="a character that no credentials have"):
        provider()


def test_the_endpoint_is_asked_once_while_they_are_good(container, monkeypatch):
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc=")
    with container(given(1)) as server:
        ours = provider()
        assert ours.get(NOW, None) == credentials.Credentials("AKID1", "secret1", "token1")
        ours.get(NOW + 3600 - AHEAD - 1, None)

    (request,) = server.requests
    assert request.start == "GET /v2/credentials?x=1 HTTP/1.1"
    assert request.headers["authorization"] == "Basic abc="


def test_the_tokens_file_goes_before_the_variable_and_is_read_each_time(container, monkeypatch, tmp_path):
    path = tmp_path / "token"
    path.write_text("one")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "other")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(path))
    with container(given(1), given(2)) as server:
        ours = provider()
        ours.get(NOW, None)
        path.write_text("two")
        ours.get(NOW + 3600, None)

    assert [request.headers["authorization"] for request in server.requests] == ["one", "two"]


def test_without_a_token_none_is_sent(container):
    with container(given(1)) as server:
        provider().get(NOW, None)

    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("token", ["one\n", "one\r\nx: y", "ä"])
def test_a_token_that_is_not_valid_is_refused(container, monkeypatch, token):
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
    with container() as server, pytest.raises(CredentialsUnavailable, match="token is not valid"):
        provider().get(NOW, None)

    assert server.requests == []


def test_a_tokens_file_that_is_not_there_is_told(container, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "none"))
    with container(), pytest.raises(CredentialsUnavailable, match="Cannot read the container's token"):
        provider().get(NOW, None)


def test_they_are_refreshed_ahead_of_their_end(container):
    with container(given(1), given(2, valid=7200)):
        ours = provider()
        ours.get(NOW, None)

        assert ours.get(NOW + 3600 - AHEAD + 1, None).access_key == "AKID2"


def test_where_a_refresh_fails_those_at_hand_serve_on_until_ten_minutes_before_their_end(container):
    with container(given(1), cut, *[answer({}, 500)] * 3) as server:
        ours = provider()
        ours.get(NOW, None)
        assert ours.get(NOW + 3600 - AHEAD + 1, None).access_key == "AKID1"
        assert len(server.requests) == 2  # once, so that a call isn't held up

        with pytest.raises(CredentialsUnavailable, match="status 500"):
            ours.get(NOW + 3600 - LATEST + 1, None)
        assert len(server.requests) == 5


def test_short_lived_ones_are_not_asked_for_by_each_call(container, monkeypatch):
    monkeypatch.setattr(credentials, "PAUSE", 1.0)
    with container(given(1, valid=AHEAD - 60)) as server:
        ours = provider()
        for _ in range(3):
            ours.get(NOW, None)

    assert len(server.requests) == 1


def test_the_endpoint_is_asked_again_where_it_fails_at_first(container):
    with container(cut, answer({}, 503), given(1)):
        assert provider().get(NOW, None).access_key == "AKID1"


@pytest.mark.parametrize(
    "step",
    [
        answer(b"not json"),
        answer(b"\xff"),
        answer([]),
        answer({"AccessKeyId": "AKID"}),
        answer({"AccessKeyId": "", "SecretAccessKey": "secret"}),
        answer({"AccessKeyId": "AKID", "SecretAccessKey": "hidden", "Token": "a\r\nb"}),
        answer({"AccessKeyId": "AKID", "SecretAccessKey": "hidden", "Expiration": "soon"}),
        answer(b"x" * 70_000),
    ],
)
def test_an_answer_that_is_not_valid_is_told_without_its_secrets(container, step):
    with container(*[step] * 3), pytest.raises(CredentialsUnavailable) as raised:
        provider().get(NOW, None)

    assert "hidden" not in str(raised.value)


def test_no_secret_is_in_a_repr():
    shown = repr(credentials.ContainerAnswer("AKID", "secret", "2026", "token"))
    assert "secret" not in shown
    assert "token" not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/x",
        "http://example.org/x",
        "http://10.0.0.1/x",
        "http://[fd00:ec2::24]/x",
        "http://127.x/x",
    ],
)
def test_a_host_that_may_not_be_asked_over_plain_http_is_refused(monkeypatch, uri):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
    with pytest.raises(CredentialsUnavailable, match="may not be asked for credentials over plain HTTP"):
        provider().get(NOW, None)


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.170.23/x",
        "http://[fd00:ec2::23]/x",
        "http://localhost/x",
        "http://127.1.2.3/x",
        "https://e.org/x",
    ],
)
def test_the_hosts_that_may_be_asked(monkeypatch, uri):
    asked = []

    def ask(_pool, request, _deadline):
        asked.append(request)
        raise CredentialsUnavailable("asked")

    monkeypatch.setattr(credentials, "_ask", ask)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
    with pytest.raises(CredentialsUnavailable, match="asked"):
        provider().get(NOW, None)
    assert asked


def test_a_relative_uri_is_of_the_containers_own_address(monkeypatch):
    asked = []

    def ask(_pool, request, _deadline):
        asked.append(request)
        raise CredentialsUnavailable("asked")

    monkeypatch.setattr(credentials, "_ask", ask)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://example.org/")
    with pytest.raises(CredentialsUnavailable, match="asked"):
        provider().get(NOW, None)
    assert asked[0].startswith(b"GET /v2/x HTTP/1.1\r\nhost: 169.254.170.2\r\n")


def test_a_uri_that_is_not_valid_is_told(monkeypatch):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "nonsense")
    with pytest.raises(NotConfigured, match="AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        provider().get(NOW, None)


def test_threads_ask_once_and_share(container):
    with container(given(1)) as server:
        ours = provider()
        got = []
        threads = [threading.Thread(target=lambda: got.append(ours.get(NOW, None))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.requests) == 1
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_the_deadline_holds_for_the_endpoint_too(container):
    with container(stall):
        started = time.monotonic()
        with pytest.raises(CredentialsUnavailable):
            provider().get(NOW, started + 0.1)

        assert time.monotonic() - started < credentials.TIMEOUT


def test_a_call_is_signed_with_the_containers(container, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with container(answer({"AccessKeyId": "AKID1", "SecretAccessKey": "s", "Token": "t"})), Server() as server:
        Client(SERVICE, endpoint=server.url).call("GetItem", b"{}")

    assert server.requests[0].headers["x-amz-security-token"] == "t"
    assert "Credential=AKID1/" in server.requests[0].headers["authorization"]
