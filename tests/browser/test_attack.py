"""A page from another origin, in a real browser, attacks all that `taxiway dev` runs: it reads and changes nothing."""

import json
import shutil
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from tests.browser.browser import Page, Visit, origin, visit

from taxiway.local.gate import access_file
from taxiway.testing import Server, serve

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[1] / "template"
ENGINE_HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Where a page looks for other processes: it does not know the address that the engine was given."""

SIMPLE = {"method": "POST", "headers": {"content-type": "text/plain"}}
"""What a browser sends to anybody without asking first."""

REASONS = ("Web pages may not call this server", "Only the environment's own processes may call its Runtime API")
"""Why the gate and the Runtime API refuse a page that both would take for their own."""


class Target(NamedTuple):
    """A served template, and the origin from which it is attacked."""

    server: Server
    data: Path
    item: str
    origin_port: int

    @property
    def api_port(self) -> int:
        return urlsplit(self.server.url).port or 0

    def rows(self) -> list[dict[str, Any]]:
        """All items of the table, asked as a person's own tools ask."""
        access = access_file.find(self.data)
        assert access is not None
        client = boto3.client(
            "dynamodb",
            endpoint_url=access.endpoint,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            aws_session_token=access.token,
        )
        found = client.scan(TableName="items-dev")["Items"]
        return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))

    def secret_values(self) -> list[str]:
        kept = json.loads((self.data / "secrets.json").read_text())
        return list(_texts(kept))


def _texts(value: object) -> Generator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, str) and len(value) > 20:
        yield value


def ports_of(pid: int) -> set[int]:
    """Every port on which a process and its descendants listen."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return {
        connection.laddr.port
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.fixture(scope="module")
def target(path_with_engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Target]:
    """The template, whose API one other origin may read, with an item and a warm environment."""
    project = tmp_path_factory.mktemp("attacked") / "project"
    shutil.copytree(TEMPLATE, project, ignore=shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache"))
    data = project / ".taxiway"
    (project / ".env.local").write_text("SECRETS_ID=items/dev\n")
    with origin() as port:
        declared = project / "backend.py"
        text = declared.read_text()
        allowed = text.replace('origins=["*"]', f'origins=["http://friend.test:{port}"]')
        assert allowed != text
        declared.write_text(allowed)
        with serve(project, data=data, environment=path_with_engine) as server:
            made = server.request("POST", "/items", json={"name": "Kept", "category": "safe"})
            assert made.status == 201
            yield Target(server, data, made.json()["id"], port)


def requests_to(port: int) -> list[tuple[str, dict[str, Any]]]:
    """What a page would send to a port of which it does not know what listens there."""
    found: list[tuple[str, dict[str, Any]]] = []
    calls = [
        ("DynamoDB_20120810.Scan", {"TableName": "items-dev"}),
        ("DynamoDB_20120810.DeleteTable", {"TableName": "items-dev"}),
        ("secretsmanager.GetSecretValue", {"SecretId": "items/dev"}),
    ]
    for host in ENGINE_HOSTS:
        url = f"http://{host}:{port}"
        for action, body in calls:
            content = json.dumps(body)
            found.append((f"{url}/", {**SIMPLE, "body": content}))
            found.append((f"{url}/", {**SIMPLE, "mode": "no-cors", "body": content}))
            own = {"x-amz-target": action, "content-type": "application/x-amz-json-1.0", "authorization": "AWS4 x"}
            found.append((f"{url}/", {"method": "POST", "headers": own, "body": content}))
        for mode in ("cors", "no-cors"):
            found.append((f"{url}/2018-06-01/runtime/invocation/next", {"mode": mode}))
            found.append((f"{url}/2018-06-01/runtime/init/error", {**SIMPLE, "mode": mode, "body": "{}"}))
    return found


def test_a_page_of_another_origin_reads_and_changes_nothing(target: Target, tmp_path: Path) -> None:
    before, secrets = target.rows(), target.secret_values()
    assert before
    assert secrets
    ports = ports_of(target.server.process.pid)
    assert target.api_port in ports
    assert len(ports) >= 4  # the API, the gate, the engine, and the Runtime API of an environment
    requests = [request for port in sorted(ports) for request in requests_to(port)]

    (came,) = visit([Page(f"http://attacker.test:{target.origin_port}/", requests)], tmp_path)

    assert came.status == 200
    assert len(came.seen) == len(requests)
    readable = [seen for seen in came.seen if seen.type not in ("error", "opaque")]
    assert readable == []
    assert not any(secret in seen.body for seen in came.seen for secret in secrets)
    answering = {urlsplit(url).port for url, _ in came.answered}
    assert len(answering) >= 3, "the requests reached nobody: the test attacks nothing"
    assert [(url, status) for url, status in came.answered if status < 400] == []
    assert target.rows() == before
    assert target.server.get(f"/items/{target.item}").json()["name"] == "Kept"  # no event was stolen


def _api_requests(target: Target) -> list[tuple[str, dict[str, Any]]]:
    item = f"{target.server.url}/items/{target.item}"
    return [(item, {}), (item, {"method": "DELETE"}), (f"{target.server.url}/health", {})]


def test_the_api_answers_a_page_as_its_cors_says(target: Target, tmp_path: Path) -> None:
    before = target.rows()
    friend, stranger = visit(
        [
            Page(f"http://friend.test:{target.origin_port}/", _api_requests(target)[::2]),
            Page(f"http://attacker.test:{target.origin_port}/", _api_requests(target)),
        ],
        tmp_path,
    )
    assert [(seen.type, seen.status) for seen in friend.seen] == [("cors", 200), ("cors", 200)]
    assert json.loads(friend.seen[0].body)["name"] == "Kept"
    assert {seen.type for seen in stranger.seen} == {"error"}
    assert target.rows() == before


def test_a_name_that_was_pointed_here_gets_nothing(target: Target, tmp_path: Path) -> None:
    """DNS rebinding: the page's own name is this machine's address, so that the browser sees one origin."""
    before = target.rows()
    others = sorted(ports_of(target.server.process.pid) - {target.api_port})
    name = f"http://rebound.test:{target.api_port}"
    same_origin: list[tuple[str, dict[str, Any]]] = [
        (f"{name}/items/{target.item}", {}),
        (f"{name}/items/{target.item}", {"method": "DELETE"}),
    ]
    pages: list[Visit] = visit([Page(f"{name}/health", same_origin)], tmp_path)
    assert pages[0].status == 421
    assert [(seen.type, seen.status) for seen in pages[0].seen] == [("basic", 421), ("basic", 421)]
    reached = 0
    reasons: set[str] = set()
    for port in others:
        if not _answers(port):
            continue
        reached += 1
        url = f"http://rebound.test:{port}/2018-06-01/runtime/invocation/next"
        (own,) = visit([Page(url, [(url, {}), (f"http://rebound.test:{port}/", {**SIMPLE, "body": "{}"})])], tmp_path)
        assert own.status >= 400
        assert all(seen.type == "basic" and seen.status >= 400 for seen in own.seen)
        reasons |= {reason for reason in REASONS for seen in own.seen if reason in seen.body}
    assert reached >= 2  # the gate and the Runtime API
    assert reasons == set(REASONS)
    assert target.rows() == before


def _answers(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1: the engine does not."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
