"""A gate for these tests: on a free port, with its event loop in a thread, callers of its own and boto3 as a client."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import uvloop
from botocore.config import Config

from taxiway.local.gate.credentials import Caller, Callers
from taxiway.local.gate.dynamodb import DynamoDB
from taxiway.local.gate.gate import Gate, Service, Stage
from taxiway.sdk.signing import Credentials, Scope

PATIENCE = 20  # seconds that a test waits for what must happen
REGION = "eu-west-1"


class Gating:
    """Serves a gate while it is entered."""

    def __init__(self, services: Mapping[str, Service], stages: Sequence[Stage] = ()) -> None:
        self.callers = Callers()
        self.url = ""
        self._gate = Gate(self.callers, services, stages)
        self._services = services
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def admit(self, *secrets: str, name: str = "list-items") -> Caller:
        return self.callers.admit(object(), name, secrets)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def request(self, headers: dict[str, str], body: bytes = b"{}", *, method: str = "POST", path: str = "/"):
        """Send headers as they are; returns status, headers and body."""
        connection = HTTPConnection(self.host, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def signed(
        self,
        credentials: Credentials,
        *,
        service: str = "dynamodb",
        target: str = "DynamoDB_20120810.ListTables",
        body: bytes = b"{}",
        at: float | None = None,
    ) -> dict[str, str]:
        """The headers of a signed call of AWS's JSON protocols."""
        headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)]
        scope = Scope(service, REGION)
        added = scope.sign("POST", self.host, "/", credentials=credentials, headers=headers, body=body, at=at)
        return dict(headers) | added

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.url = await self._gate.start()
        self._started.set()
        await self._stop.wait()
        await self._gate.close()
        for service in self._services.values():
            if isinstance(service, DynamoDB):
                service.close()


def client(service: str, url: str, credentials: Credentials, **config: Any) -> Any:
    """A client of boto3's for one of AWS's services."""
    session = boto3.Session(
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        region_name=REGION,
    )
    settings = Config(retries={"total_max_attempts": 1}, **config)
    return session.client(service, endpoint_url=url, config=settings)  # pyright: ignore  boto3 has no types
