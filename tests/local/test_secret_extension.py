"""The secrets extension's HTTP API, called as AWS's documentation tells a function to call it."""

import asyncio
import json
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from taxiway.local.manifest import ServedSecret
from taxiway.local.secret_extension import SecretExtension
from taxiway.local.secret_store import SecretStore

VALUE = "hunter2-the-value"
TOKEN = "the session token"
GRANTS = {TOKEN: ("list-items", ("items/dev", "empty"))}


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.text = body.decode()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text)


Ask = Callable[..., Answer]


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    store = SecretStore(tmp_path / "secrets.json", note=print)
    store.set("items/dev", {"cursorKey": VALUE})
    store.set("billing", {"key": VALUE})
    return store


@pytest.fixture
def ask(store: SecretStore) -> Ask:
    def ask(
        target: str, *, token: str | None = TOKEN, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Answer:
        async def main() -> Answer:
            extension = SecretExtension(store, GRANTS.get, region="eu-west-1", account="123456789012")
            port = await extension.start()
            try:
                return await asyncio.to_thread(request, port)
            finally:
                await extension.close()

        def request(port: int) -> Answer:
            connection = HTTPConnection("localhost", port, timeout=10)
            try:
                sent = {} if token is None else {"X-Aws-Parameters-Secrets-Token": token}
                connection.request(method, target, headers=sent | (headers or {}))
                response = connection.getresponse()
                return Answer(response.status, response.read())
            finally:
                connection.close()

        return asyncio.run(main())

    return ask


def test_a_secret_comes_as_get_secret_value_gives_it(ask: Ask, store: SecretStore) -> None:
    answer = ask("/secretsmanager/get?secretId=items%2Fdev")
    version = store.get("items/dev")
    assert version is not None
    assert answer.status == 200
    assert answer.json["ARN"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:items/dev-")
    assert answer.json["Name"] == "items/dev"
    assert json.loads(answer.json["SecretString"]) == {"cursorKey": VALUE}
    assert answer.json["VersionId"] == version.version_id
    assert answer.json["VersionStages"] == ["AWSCURRENT"]
    assert answer.json["CreatedDate"].endswith("Z")


@pytest.mark.parametrize("path", ["/secretsmanager/get", "/secretsmanager/get/"])
def test_an_id_may_be_written_plainly_and_the_path_with_a_slash(ask: Ask, path: str) -> None:
    assert ask(f"{path}?secretId=items/dev").status == 200


def test_a_secret_may_be_asked_for_by_its_arn_its_version_and_its_stage(ask: Ask) -> None:
    found = ask("/secretsmanager/get?secretId=items/dev").json
    arn, version = quote(found["ARN"], safe=""), found["VersionId"]
    assert ask(f"/secretsmanager/get?secretId={arn}&versionId={version}&versionStage=AWSCURRENT").json == found


@pytest.mark.parametrize("selector", ["versionId=3f1c", "versionStage=AWSPREVIOUS"])
def test_another_version_is_not_found(ask: Ask, selector: str) -> None:
    answer = ask(f"/secretsmanager/get?secretId=items/dev&{selector}")
    assert answer.status == 400
    assert answer.json["__type"] == "ResourceNotFoundException"
    assert selector.partition("=")[2] in answer.json["Message"]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}],
)
def test_a_web_page_is_told_nothing_whatever_it_knows(ask: Ask, headers: dict[str, str]) -> None:
    answer = ask("/secretsmanager/get?secretId=items/dev", headers=headers)
    assert answer.status == 403
    assert VALUE not in answer.text


@pytest.mark.parametrize("token", [None, "", "another token", "t\u00f6ken"])
def test_without_the_functions_session_token_nothing_is_told(ask: Ask, token: str | None) -> None:
    answer = ask("/secretsmanager/get?secretId=items/dev", token=token)
    assert answer.status == 401
    assert VALUE not in answer.text


@pytest.mark.parametrize("secret_id", ["billing", "nowhere"])
def test_a_secret_that_the_function_was_not_granted_is_denied(ask: Ask, secret_id: str) -> None:
    answer = ask(f"/secretsmanager/get?secretId={secret_id}")
    assert answer.status == 400
    assert answer.json["__type"] == "AccessDeniedException"
    assert "list-items" in answer.json["Message"]
    assert VALUE not in answer.text


def test_a_granted_secret_that_has_no_value_is_not_found(ask: Ask) -> None:
    answer = ask("/secretsmanager/get?secretId=empty")
    assert answer.status == 400
    assert answer.json["__type"] == "ResourceNotFoundException"


def test_what_is_set_meanwhile_is_served_next(ask: Ask, store: SecretStore) -> None:
    ask("/secretsmanager/get?secretId=items/dev")
    SecretStore(store.path, note=print).set("items/dev", {"cursorKey": "another"})
    assert json.loads(ask("/secretsmanager/get?secretId=items/dev").json["SecretString"]) == {"cursorKey": "another"}
    store.ensure([ServedSecret("empty", "key")])
    assert ask("/secretsmanager/get?secretId=empty").status == 200


@pytest.mark.parametrize(
    ("method", "target", "status", "says"),
    [
        ("GET", "/systemsmanager/parameters/get?name=x", 400, "Parameter Store"),
        ("GET", "/secretsmanager/get", 400, "secretId"),
        ("GET", "/secretsmanager/list", 404, "not found"),
        ("POST", "/secretsmanager/get?secretId=items/dev", 405, "GET"),
    ],
)
def test_what_it_does_not_do_is_refused_by_name(ask: Ask, method: str, target: str, status: int, says: str) -> None:
    answer = ask(target, method=method)
    assert answer.status == status
    assert says in answer.text


def test_a_damaged_store_is_an_error_that_shows_no_value(ask: Ask, store: SecretStore) -> None:
    store.path.write_text(f'{{"items/dev": "{VALUE}"}}')
    answer = ask("/secretsmanager/get?secretId=items/dev")
    assert answer.status == 500
    assert "damaged" in answer.json["Message"]
    assert VALUE not in answer.text
