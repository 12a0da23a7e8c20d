"""An environment without any AWS of its own, and the engine that the calls are tried on."""

import os
import ssl
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sdk.server import make_certificate

from taxiway.sdk.client import Client
from taxiway.sdk.dynamodb.service import SERVICE
from taxiway.sdk.signing import Credentials

CREDENTIALS = Credentials("AKID", "secret", "token")


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's AWS settings reaches a test."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """Makes a client of DynamoDB's calls on a server."""

    def make(url: str, **settings: float) -> Client:
        return Client(SERVICE, region="eu-west-1", endpoint=url, credentials=CREDENTIALS, **settings)

    return make


@pytest.fixture
def name() -> str:
    """A table's name that no other test has."""
    return f"t-{uuid.uuid4().hex}"
