"""Replaces the template's tests/conftest.py in a check: the same tests, against the stage at CHECK_URL."""

import http.client
import os
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec import UNSET

from taxiway.testing import Answer


class Stage:
    """Has the requests of `taxiway.testing.Server`. CHECK_ADDRESS is that of an emulator, which routes by the host."""

    def __init__(self, url: str, address: str | None) -> None:
        self._url = urlsplit(url)
        self._address = address

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = UNSET,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {"host": self._url.netloc, **(headers or {})}
        if json is not UNSET:
            body = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        connection = self._connection()
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            return Answer.of(response.status, response.headers.items(), response.read())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._address:
            return http.client.HTTPConnection(urlsplit(self._address).netloc, timeout=60)
        return http.client.HTTPSConnection(self._url.netloc, timeout=60)


_PATIENCE = 120.0  # seconds that a new API may take to answer


@pytest.fixture(scope="session")
def api() -> Stage:
    stage = Stage(os.environ["CHECK_URL"], os.environ.get("CHECK_ADDRESS"))
    deadline = time.monotonic() + _PATIENCE
    while not _answers(stage):
        assert time.monotonic() < deadline, "the API does not answer GET /health"
        time.sleep(2)
    return stage


def _answers(stage: Stage) -> bool:
    try:
        return stage.get("/health").status == 200
    except OSError:
        return False
