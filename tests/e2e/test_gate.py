"""The gate of a running `taxiway dev`: what functions reach through it, and that a web page reaches nothing."""

import json
import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.e2e.test_dev import edit, until

from taxiway.sdk import Credentials, ServiceError
from taxiway.sdk.dynamodb import DynamoDB
from taxiway.testing import Server, serve

HANDLER = """
import os, boto3
from botocore.exceptions import ClientError

def probe(event, context):
    told = {}
    for service, call in {"s3": "list_buckets", "dynamodb": "list_tables", "sts": "get_caller_identity"}.items():
        try:
            told[service] = getattr(boto3.client(service), call)().get("TableNames")
        except ClientError as error:
            told[service] = str(error)
    boto3.client("ses").send_email(Source="a@example.com", Destination={"ToAddresses": ["you@example.com"]},
                                   Message={"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "there"}}})
    return told | {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
"""


@pytest.fixture
def probed(project: Path) -> Path:
    """The template with a route that calls AWS by boto3 and tells how that went."""
    (project / "handlers" / "http" / "probe.py").write_text(HANDLER)
    edit(project / "backend.py", "from models.item", "from handlers.http.probe import probe\nfrom models.item")
    edit(
        project / "backend.py",
        '    api.get("/health"',
        '    api.get("/probe", probe, timeout=29)\n    api.get("/health"',
    )
    return project


def credentials_of(told: dict[str, str]) -> Credentials:
    return Credentials(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"], told["AWS_SESSION_TOKEN"])


def ask_as_a_page(url: str, **headers: str) -> tuple[int, list[str]]:
    """What a page's request is answered, and the names of the headers that came."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    sent = {"content-type": "text/plain", "x-amz-target": "DynamoDB_20120810.ListTables", **headers}
    connection.request("POST", "/", b"{}", sent)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert b"items-dev" not in body
    return response.status, [name.lower() for name in response.headers]


def gate_of(server: Server) -> str:
    """The gate's URL, as the banner tells it, which may come a moment after the server answers."""

    def found() -> list[str]:
        return re.findall(r"^ +(http://127\.0\.0\.1:\d+)  for the functions", "\n".join(server.output), re.MULTILINE)

    until(found, "the address of the gate")
    return found()[0]


def test_functions_reach_the_table_and_mail_and_nothing_of_aws(probed: Path, path_with_engine: dict[str, str]) -> None:
    with serve(probed, data=probed / ".taxiway", environment=path_with_engine) as server:
        answer = server.get("/probe")
        assert answer.status == 200, answer.body
        told = answer.json()
        assert told["dynamodb"] == ["items-dev"]
        assert "The AWS service 's3' is not available locally" in told["s3"]
        assert "The AWS service 'sts' is not available locally" in told["sts"]
        assert told["AWS_ENDPOINT_URL"] == told["AWS_ENDPOINT_URL_DYNAMODB"] == gate_of(server)
        until(lambda: any("Captured mail to you@example.com: Hi" in line for line in server.output), "the mail's line")
        (mail,) = (probed / ".taxiway" / "mail").glob("*.eml")
        assert "there" in mail.read_text()


def test_credentials_are_an_environments_own_and_end_with_it(probed: Path, path_with_engine: dict[str, str]) -> None:
    with serve(probed, environment=path_with_engine) as server:
        first = server.get("/probe").json()
        gate = gate_of(server)
        database = DynamoDB(region=first["AWS_REGION"], endpoint=gate, credentials=credentials_of(first))
        key = {"pk": "none", "sk": "none"}
        database.get_item("items-dev", key)
        edit(probed / "handlers" / "http" / "probe.py", "told = {}", "told = dict()")
        second = server.get("/probe").json()
        assert second["AWS_ACCESS_KEY_ID"] != first["AWS_ACCESS_KEY_ID"]

        def is_refused() -> bool:
            try:
                database.get_item("items-dev", key)
            except ServiceError as error:
                return error.code == "UnrecognizedClientException"
            return False

        until(is_refused, "the end of the first environment's credentials")
        database.close()


def test_a_web_page_reaches_neither_table_nor_engine(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, environment=path_with_engine) as server:
        gate = gate_of(server)
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": server.url},
            {"sec-fetch-mode": "no-cors"},
            {"host": "evil.example"},
            {"authorization": "AWS4-HMAC-SHA256 Credential=local/20261129/eu-west-1/dynamodb/aws4_request"},
        ):
            status, names = ask_as_a_page(gate, **headers)
            assert status == 400, json.dumps(headers)
            assert not [name for name in names if name.startswith("access-control-")]
