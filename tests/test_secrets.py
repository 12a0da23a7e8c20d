"""Secrets are asked for as AWS documents it, kept for a while, and never shown in an error."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec import Struct

from taxiway import secrets
from taxiway.secrets import SecretError, SecretInvalid, SecretMissing, SecretUnavailable

SECRET = "hunter2-never-shown"


class Extension(ThreadingHTTPServer):
    """The Parameters and Secrets extension, as far as its page says how it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.values: dict[str, str] = {}
        self.binary: set[str] = set()
        self.asked: list[str] = []
        self.not_ready = 0
        self.raw: bytes | None = None


class _Handler(BaseHTTPRequestHandler):
    server: Extension

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        url = urlsplit(self.path)
        secret_id = parse_qs(url.query)["secretId"][0]
        if self.server.not_ready:
            self.server.not_ready -= 1
            self.answer(400, b"not ready to serve traffic, please wait")
        elif self.server.raw is not None:
            self.answer(200, self.server.raw)
        elif self.headers["X-Aws-Parameters-Secrets-Token"] != "session" or url.path != "/secretsmanager/get":
            self.answer(401, b"missing or wrong token")
        elif secret_id in self.server.binary:
            self.answer(200, json.dumps({"Name": secret_id, "SecretBinary": "AAA="}).encode())
        elif secret_id in self.server.values:
            body = {"ARN": "arn", "Name": secret_id, "SecretString": self.server.values[secret_id], "VersionId": "1"}
            self.answer(200, json.dumps(body).encode())
        else:
            self.answer(400, b"an unexpected error: ResourceNotFoundException: Secrets Manager can't find it.")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> Iterator[Extension]:
    server = Extension()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", str(server.server_port))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    secrets.invalidate()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    secrets.invalidate()


def test_a_secret_is_a_dictionary_of_strings(extension: Extension) -> None:
    extension.values["items/dev"] = '{"cursorKey": "k", "password": "p"}'
    assert secrets.get("items/dev") == {"cursorKey": "k", "password": "p"}


def test_a_secret_fits_the_type_asked_for(extension: Extension) -> None:
    class Config(Struct, rename="camel"):
        cursor_key: str
        port: int = 1

    extension.values["items/dev"] = '{"cursorKey": "k", "port": 5, "more": true}'
    assert secrets.get("items/dev", Config) == Config(cursor_key="k", port=5)


def test_a_secret_can_be_plain_text(extension: Extension) -> None:
    extension.values["token"] = SECRET
    assert secrets.get("token", str) == SECRET


def test_any_id_reaches_the_extension_whole(extension: Extension) -> None:
    name = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b+c=d@e&f g-AbCdEf"
    extension.values[name] = "{}"
    assert secrets.get(name) == {}


def test_a_secret_is_asked_for_once(extension: Extension) -> None:
    extension.values["a"] = '{"v": "1"}'
    for _ in range(3):
        secrets.get("a")
    assert secrets.get("a", str) == '{"v": "1"}'
    assert len(extension.asked) == 1


def test_a_secret_is_asked_for_again_after_its_lifetime(extension: Extension, monkeypatch: pytest.MonkeyPatch) -> None:
    extension.values["a"] = '{"v": "1"}'
    monkeypatch.setattr(secrets, "LIFETIME", 0)
    secrets.get("a")
    extension.values["a"] = '{"v": "2"}'
    assert secrets.get("a") == {"v": "2"}


def test_one_secret_or_all_can_be_forgotten(extension: Extension) -> None:
    extension.values.update(a='{"v": "1"}', b='{"v": "1"}')
    secrets.get("a"), secrets.get("b")
    extension.values.update(a='{"v": "2"}', b='{"v": "2"}')
    secrets.invalidate("a")
    assert (secrets.get("a"), secrets.get("b")) == ({"v": "2"}, {"v": "1"})
    secrets.invalidate()
    secrets.invalidate("never read")
    assert secrets.get("b") == {"v": "2"}


def test_a_change_to_the_answer_stays_with_the_caller(extension: Extension) -> None:
    extension.values["a"] = '{"v": "1"}'
    secrets.get("a")["v"] = "changed"
    assert secrets.get("a") == {"v": "1"}


def test_an_extension_that_is_starting_is_waited_for(extension: Extension) -> None:
    extension.values["a"] = "{}"
    extension.not_ready = 3
    assert secrets.get("a") == {}
    assert len(extension.asked) == 4


def test_an_extension_that_never_is_ready_is_given_up(extension: Extension, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "READY_WITHIN", 0.1)
    extension.not_ready = 10**6
    with pytest.raises(SecretUnavailable, match="inside the handler"):
        secrets.get("a")


def test_a_secret_that_is_not_there_is_named(extension: Extension) -> None:
    with pytest.raises(SecretMissing, match=r"'nothing' .*ResourceNotFoundException"):
        secrets.get("nothing")
    extension.values["nothing"] = "{}"
    assert secrets.get("nothing") == {}


def test_a_wrong_token_is_refused(extension: Extension, monkeypatch: pytest.MonkeyPatch) -> None:
    extension.values["a"] = "{}"
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    with pytest.raises(SecretMissing, match="401"):
        secrets.get("a")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (f'{{"password": ["{SECRET}"]}}', r"requested type.*Expected `str`, got `array`"),
        (f'["{SECRET}"]', "requested type.*Expected `object`"),
        (f'"{SECRET}"', "requested type.*Expected `object`"),
        (SECRET, "is not valid JSON"),
        (f'{{"{SECRET}": 1}}', "requested type"),
        ("", "is not valid JSON"),
    ],
)
def test_a_secret_of_another_shape_is_named_and_not_shown(extension: Extension, value: str, problem: str) -> None:
    extension.values["items/dev"] = value
    with pytest.raises(SecretInvalid, match=problem) as caught:
        secrets.get("items/dev")
    assert "items/dev" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_binary_secret_is_refused(extension: Extension) -> None:
    extension.binary.add("a")
    with pytest.raises(SecretInvalid, match="'a' is binary"):
        secrets.get("a")


def test_an_answer_that_is_no_json_is_refused_unseen(extension: Extension) -> None:
    extension.raw = SECRET.encode()
    with pytest.raises(SecretUnavailable) as caught:
        secrets.get("a")
    assert SECRET not in str(caught.value)


@pytest.mark.usefixtures("extension")
def test_without_the_extension_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "1")
    with pytest.raises(SecretUnavailable, match=r"localhost:1.*\n.*route's uses") as caught:
        secrets.get("a")
    assert caught.value.http_status == 503
    assert isinstance(caught.value, SecretError)
