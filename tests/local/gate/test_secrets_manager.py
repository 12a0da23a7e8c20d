"""Secrets Manager's API behind the gate, with boto3 as its client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.local.gate.gating import Gating, client

from taxiway.local.gate.secrets_manager import SecretsManager
from taxiway.local.secret_store import SecretStore
from taxiway.sdk import secretsmanager

VALUE = "hunter2-the-value"


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    store = SecretStore(tmp_path / "secrets.json", note=print)
    store.set("items/dev", {"cursorKey": VALUE})
    store.set("another", {"key": VALUE})
    store.set("billing", {"key": VALUE})
    return store


@pytest.fixture
def gating(store: SecretStore) -> Iterator[Gating]:
    with Gating({"secretsmanager": SecretsManager(store, region="eu-west-1", account="123456789012")}) as gating:
        yield gating


@pytest.fixture
def api(gating: Gating):
    return client("secretsmanager", gating.url, gating.admit("items/dev", "another", "empty").credentials)


def refused(call, **parameters: object) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert VALUE not in str(caught.value)
    return error["Code"], error["Message"]


def test_a_secret_comes_as_get_secret_value_gives_it(api, store: SecretStore) -> None:
    answer = api.get_secret_value(SecretId="items/dev")
    version = store.get("items/dev")
    assert version is not None
    assert answer["ARN"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:items/dev-")
    assert answer["Name"] == "items/dev"
    assert json.loads(answer["SecretString"]) == {"cursorKey": VALUE}
    assert answer["VersionId"] == version.version_id
    assert answer["VersionStages"] == ["AWSCURRENT"]
    assert answer["CreatedDate"].timestamp() == pytest.approx(version.created, abs=0.001)


def test_a_secret_may_be_asked_for_by_its_arn_its_version_and_its_stage(api) -> None:
    found = api.get_secret_value(SecretId="items/dev")
    again = api.get_secret_value(SecretId=found["ARN"], VersionId=found["VersionId"], VersionStage="AWSCURRENT")
    assert again["SecretString"] == found["SecretString"]


def test_the_sdk_reads_it_as_boto3_does(gating: Gating) -> None:
    credentials = gating.admit("items/dev").credentials
    sdk = secretsmanager.SecretsManager(region="eu-west-1", endpoint=gating.url, credentials=credentials)
    assert json.loads(sdk.get_secret_value("items/dev").text or "") == {"cursorKey": VALUE}
    with pytest.raises(secretsmanager.SecretAccessDenied):
        sdk.get_secret_value("billing")
    sdk.close()


@pytest.mark.parametrize("selector", [{"VersionId": "3" * 32}, {"VersionStage": "AWSPREVIOUS"}])
def test_another_version_is_not_found(api, selector: dict[str, str]) -> None:
    code, message = refused(api.get_secret_value, SecretId="items/dev", **selector)
    assert code == "ResourceNotFoundException"
    assert next(iter(selector.values())) in message


def test_a_version_and_a_stage_that_is_not_its_own_contradict_each_other(api) -> None:
    version = api.get_secret_value(SecretId="items/dev")["VersionId"]
    code, _ = refused(api.get_secret_value, SecretId="items/dev", VersionId=version, VersionStage="AWSPENDING")
    assert code == "InvalidRequestException"


@pytest.mark.parametrize("secret_id", ["billing", "nowhere"])
def test_a_secret_that_the_function_was_not_granted_is_denied(api, secret_id: str) -> None:
    for operation, call in (("GetSecretValue", api.get_secret_value), ("DescribeSecret", api.describe_secret)):
        code, message = refused(call, SecretId=secret_id)
        assert code == "AccessDeniedException"
        assert (
            f"list-items is not authorized to perform: secretsmanager:{operation} on resource: {secret_id}" in message
        )


def test_a_granted_secret_that_has_no_value_is_not_found(api) -> None:
    code, message = refused(api.get_secret_value, SecretId="empty")
    assert (code, message) == ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")


def test_what_is_set_meanwhile_is_served_next(api, store: SecretStore) -> None:
    api.get_secret_value(SecretId="items/dev")
    SecretStore(store.path, note=print).set("items/dev", {"cursorKey": "another"})
    assert json.loads(api.get_secret_value(SecretId="items/dev")["SecretString"]) == {"cursorKey": "another"}


def test_a_secret_is_described_without_its_value(api) -> None:
    answer = api.describe_secret(SecretId="items/dev")
    (version, stages), *_ = answer["VersionIdsToStages"].items()
    assert answer["Name"] == "items/dev"
    assert version == api.get_secret_value(SecretId="items/dev")["VersionId"]
    assert stages == ["AWSCURRENT"]
    assert VALUE not in str(answer)


def test_the_list_has_what_was_granted_and_exists_page_by_page(api) -> None:
    listed = api.list_secrets()["SecretList"]
    assert [each["Name"] for each in listed] == ["another", "items/dev"]
    assert listed[0]["SecretVersionsToStages"]
    assert VALUE not in str(listed)
    pages = list(api.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 1}))
    assert [[each["Name"] for each in page["SecretList"]] for page in pages] == [["another"], ["items/dev"]]


def test_what_it_does_not_do_is_refused_by_name(api) -> None:
    code, message = refused(api.put_secret_value, SecretId="items/dev", SecretString="x")
    assert code == "AccessDeniedException"
    assert "PutSecretValue" in message
    assert "taxiway secrets set" in message
    code, _ = refused(api.list_secrets, Filters=[{"Key": "name", "Values": ["items"]}])
    assert code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("body", "code"), [(b"{}", "ValidationException"), (b'{"SecretId": 5}', "ValidationException"), (b"{", "Seriali")]
)
def test_a_malformed_request_is_refused_as_such(gating: Gating, body: bytes, code: str) -> None:
    target = "secretsmanager.GetSecretValue"
    credentials = gating.admit("items/dev").credentials
    headers = gating.signed(credentials, service="secretsmanager", target=target, body=body)
    status, _, answer = gating.request(headers, body)
    assert status == 400
    assert json.loads(answer)["__type"].rpartition("#")[2].startswith(code)


def test_a_damaged_store_is_an_error_that_shows_no_value(api, store: SecretStore) -> None:
    store.path.write_text(f'{{"items/dev": "{VALUE}"}}')
    with pytest.raises(ClientError, match="damaged") as caught:
        api.get_secret_value(SecretId="items/dev")
    assert caught.value.response["Error"]["Code"] == "InternalServiceError"
    assert VALUE not in str(caught.value)
