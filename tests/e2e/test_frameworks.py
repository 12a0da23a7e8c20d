"""Mangum, apig-wsgi and Powertools run inside unchanged, under Taxiway's runtime and under AWS's own."""

import http.client
import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from taxiway.testing import Server, serve

PROJECT = Path(__file__).with_name("frameworks")


@pytest.fixture(
    scope="module",
    params=[
        [],
        pytest.param(
            ["--awslambdaric"],
            marks=pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is built for Linux"),
        ),
    ],
    ids=["taxiway", "awslambdaric"],
)
def api(
    request: pytest.FixtureRequest, path_with_engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    project = shutil.copytree(PROJECT, tmp_path_factory.mktemp("frameworks") / "project")
    with serve(project, *request.param, environment=path_with_engine) as server:
        yield server


@pytest.mark.parametrize("framework", ["mangum", "wsgi", "powertools"])
def test_a_framework_sees_the_request_and_its_response_arrives(api: Server, framework: str) -> None:
    answer = api.request(
        "POST", f"/{framework}/caf%C3%A9?a=1&a=2", body="né".encode(), headers={"content-type": "text/plain"}
    )
    assert answer.status == 201
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.body.decode().endswith("?a=1&a=2 né")
    assert answer.body.startswith(b"POST /")
    if framework == "powertools":
        assert answer.headers["x-length"] == "4"


@pytest.mark.parametrize("framework", ["mangum", "wsgi"])
def test_a_binary_body_and_several_cookies_go_through(api: Server, framework: str) -> None:
    sent = bytes(range(256))
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=30)
    connection.request("POST", f"/{framework}/x", body=sent, headers={"content-type": "image/png"})
    with connection.getresponse() as answer:
        assert answer.status == 201
        assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert answer.read().endswith(sent)
    connection.close()


@pytest.mark.parametrize("path", ["/object", "/method"])
def test_objects_and_bound_methods_are_handlers(api: Server, path: str) -> None:
    answer = api.get(path)
    assert (answer.status, answer.body) == (202, b"called")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-function"] == f"frameworks-dev_{path[1:]}"
