"""What the SDK costs a function: the modules that its import brings in, and the Python calls of a warm write."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.sdk.server import Server

import taxiway
from taxiway.sdk.dynamodb import DynamoDB
from taxiway.sdk.signing import Credentials

NEVER = frozenset(
    {
        *(
            "asyncio",
            "inspect",
            "email",
            "dataclasses",
            "http",
            "urllib",
            "ssl",
            "random",
            "json",
            "pathlib",
            "logging",
        ),
        *("importlib.metadata", "calendar", "ipaddress", "subprocess", "tempfile", "pydantic", "botocore", "boto3"),
    }
)
MODULES = 40
"""How many modules may come beside msgspec's; on Python 3.11, 37 do."""
CALLS = 36
"""How many Python functions a warm put of four attributes over plain HTTP may call; on Python 3.11 it calls 32."""


@pytest.fixture(scope="module")
def function_path(tmp_path_factory):
    """A path with what ships to Lambda and nothing else."""
    packages = tmp_path_factory.mktemp("function")
    spec = find_spec("msgspec")
    (packages / "msgspec").symlink_to(Path(spec.origin).parent)
    return [str(Path(taxiway.__file__).parents[1]), str(packages)]


def run(code, path):
    program = f"import sys; sys.path += {path!r}\n{code}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_import_brings_in_little(function_path):
    brought = run(
        "import msgspec; before = set(sys.modules)\n"
        "import taxiway.sdk.dynamodb, taxiway.sdk.secretsmanager\n"
        "print(*(set(sys.modules) - before))",
        function_path,
    )

    assert not brought & NEVER
    assert not {each.partition(".")[0] for each in brought} & NEVER
    assert len(brought) <= MODULES, sorted(brought)
    assert "taxiway.sdk.dynamodb.tables" not in brought
    assert "taxiway.sdk.dynamodb.streams" not in brought


def test_a_call_over_plain_http_brings_in_nothing_more(function_path):
    with Server() as server:
        brought = run(
            "import taxiway.sdk.dynamodb as d\n"
            "from taxiway.sdk import Credentials\n"
            f"db = d.DynamoDB(region='eu-west-1', endpoint={server.url!r}, credentials=Credentials('a', 'b'))\n"
            "before = set(sys.modules)\n"
            "db.put_item('t', {'pk': 'a', 'n': 1})\n"
            "db.get_item('t', {'pk': 'a'})\n"
            "print(*(set(sys.modules) - before))",
            function_path,
        )

    assert brought <= {"atexit"}  # which is built in


def test_the_calls_of_a_warm_write():
    with Server() as server:
        db = DynamoDB(region="eu-west-1", endpoint=server.url, credentials=Credentials("AKID", "secret", "token"))
        item = {"pk": "a", "sk": "b", "name": "lamp", "stock": 3}
        db.put_item("t", item)
        calls = []
        sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_qualname) if event == "call" else None)
        try:
            db.put_item("t", item)
        finally:
            sys.setprofile(None)

    assert len(calls) <= CALLS, calls
