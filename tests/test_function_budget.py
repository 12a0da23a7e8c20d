"""What the template's POST /items costs as Lambda runs it: its package, its modules, its calls and its instructions."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.server import Server

ROOT = Path(__file__).parent.parent
SIZE = 1_000_000
"""Bytes of the zip; it has 0.8 million, of which msgspec is a third."""
FILES = 220
"""Files of the zip, of which half are compiled modules."""
MODULES = 192
"""Modules that are loaded when the first request is answered, the interpreter's own 26 among them, on Python 3.11."""
CALLS = 135
"""Python functions that one warm request calls, on Python 3.11."""
INSTRUCTIONS = 240
"""Millions of instructions of a cold start over those of the bare interpreter, on Python 3.11."""

NEVER = frozenset(
    {
        *("asyncio", "inspect", "dataclasses", "email", "http", "urllib", "json", "logging", "pathlib", "random"),
        *("subprocess", "tempfile", "importlib.metadata", "pydantic", "botocore", "boto3"),
    }
)

ONE_REQUEST = """
import sys
from handlers.http.create_item import create_item

EVENT = {
    "version": "2.0", "routeKey": "POST /items", "rawPath": "/items", "rawQueryString": "",
    "headers": {"content-type": "application/json", "accept": "*/*", "host": "example.com"},
    "requestContext": {"requestId": "r", "http": {"method": "POST", "path": "/items"}},
    "body": '{"name":"Fountain pen","category":"stationery","price":12.50}', "isBase64Encoded": False,
}

class Context:
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    function_name = "create-item"
    def get_remaining_time_in_millis(self): return 30000

def request():
    response = create_item(dict(EVENT), Context())
    assert response["statusCode"] == 201, response

request()
"""
WARM_CALLS = """
request()
calls = []
sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_qualname) if event == "call" else None)
request()
sys.setprofile(None)
print(*calls, sep="\\n")
"""

on_python_3_11 = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the budget was taken on Python 3.11: other versions load other modules"
)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The package of POST /items, as `taxiway package --json` tells of it, for the Python that runs here."""
    project = tmp_path_factory.mktemp("budget") / "project"
    shutil.copytree(ROOT / "template", project, ignore=shutil.ignore_patterns("__pycache__", ".taxiway"))
    (project / ".env.dev").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=123456789012\nSECRETS_ID=items/dev\n")
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    command = [sys.executable, "-m", "taxiway", "package", "--json", "--project", str(project)]
    command += ["--python", f"3.{sys.version_info.minor}", "--architecture", machine]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(each for each in json.loads(done.stdout) if each["handler"] == "handlers.http.create_item.create_item")


@pytest.fixture(scope="session")
def function(package: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked as in Lambda's /var/task."""
    directory = tmp_path_factory.mktemp("function")
    with zipfile.ZipFile(package["path"]) as archive:
        archive.extractall(directory)
    return directory


def run(code: str, function: Path, url: str = "", *, tool: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that finds the function's own modules and no others."""
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(function),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_LAMBDA_FUNCTION_NAME": "create-item",
        "TABLE_NAME": "items",
    }
    command = [*tool, sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_a_package_is_small(package):
    assert package["zipped"] <= SIZE
    with zipfile.ZipFile(package["path"]) as archive:
        assert len(archive.namelist()) <= FILES, archive.namelist()


@on_python_3_11
def test_a_cold_start_loads_few_modules(function):
    with Server() as server:
        loaded = set(run(ONE_REQUEST + "print(*sys.modules)", function, server.url).stdout.split())

    assert not {each.partition(".")[0] for each in loaded} & NEVER
    assert len(loaded) <= MODULES, sorted(loaded)


@on_python_3_11
def test_a_warm_request_calls_few_functions(function):
    with Server() as server:
        calls = run(ONE_REQUEST + WARM_CALLS, function, server.url).stdout.splitlines()

    assert len(calls) <= CALLS, calls


@on_python_3_11
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_cold_start_takes_few_instructions(function, tmp_path):
    with Server() as server:
        bare = instructions("pass", function, "", tmp_path)
        cold = instructions(ONE_REQUEST, function, server.url, tmp_path)

    assert cold - bare <= INSTRUCTIONS, f"{cold:.0f} million, of which {bare:.0f} are the interpreter's own"


def instructions(code: str, function: Path, url: str, directory: Path) -> float:
    """Millions of instructions that the interpreter takes for `code`, as callgrind counts them."""
    tool = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={directory / 'callgrind.out'}")
    told = run(code, function, url, tool=tool).stderr
    return int(told.rpartition("Collected : ")[2].split()[0]) / 1e6
