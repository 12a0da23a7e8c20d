"""POST /items inside a function: CPU time of the first request of a process and of the ones after it.

The template's handler runs beside one that does the same work with Powertools, pydantic and boto3, each in an
environment of its own that holds what would ship to Lambda. DynamoDB is a local stub that answers at once, so what is
measured is the function. The two take turns, and the medians are compared.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".taxiway" / "benchmarks"
COLD_RUNS = 15
WARM_REQUESTS = 2000

EVENT = {
    "version": "2.0",
    "routeKey": "POST /items",
    "rawPath": "/items",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "accept": "*/*", "host": "example.com", "user-agent": "bench"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api",
        "domainName": "example.com",
        "http": {
            "method": "POST",
            "path": "/items",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "bench",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "POST /items",
        "stage": "$default",
        "time": "12/Mar/2026:19:03:58 +0000",
        "timeEpoch": 1773342238000,
    },
    "body": '{"name":"Fountain pen","category":"stationery","price":12.50}',
    "isBase64Encoded": False,
}


class Contender(NamedTuple):
    """A handler, what it needs installed, and where its source is."""

    name: str
    requirements: tuple[str, ...]
    handler: str
    path: tuple[Path, ...]


TAXIWAY = Contender(
    "Taxiway",
    ("msgspec",),
    "handlers.http.create_item.create_item",
    (ROOT / "src", ROOT / "template"),
)
POWERTOOLS = Contender(
    "Powertools + pydantic + boto3",
    ("aws-lambda-powertools", "pydantic", "boto3"),
    "create_item.handler",
    (ROOT / "benchmarks" / "peer",),
)

PROBE = """
import time, sys, json
module, _, name = {handler!r}.rpartition(".")
event = json.loads({event!r})
handler = getattr(__import__(module, fromlist=[name]), name)
class Context:
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    function_name = "create-item"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:create-item"
    def get_remaining_time_in_millis(self): return 30000
answer = handler(dict(event), Context())
cold = time.process_time()
assert answer["statusCode"] == 201, answer
for _ in range({warm} // 10):
    handler(dict(event), Context())
begin = time.process_time()
for _ in range({warm}):
    handler(dict(event), Context())
print(json.dumps([cold * 1e3, (time.process_time() - begin) / max({warm}, 1) * 1e6]))
"""


def run() -> None:
    pythons = {contender: _environment(contender) for contender in (TAXIWAY, POWERTOOLS)}
    with _stub() as endpoint:
        cold: dict[Contender, list[float]] = {TAXIWAY: [], POWERTOOLS: []}
        warm: dict[Contender, list[float]] = {TAXIWAY: [], POWERTOOLS: []}
        for turn in range(COLD_RUNS + 1):
            for contender, python in pythons.items():
                milliseconds, _ = _probe(contender, python, endpoint, warm=0)
                if turn:  # the first turn writes byte code and warms the disk
                    cold[contender].append(milliseconds)
        for _ in range(5):
            for contender, python in pythons.items():
                warm[contender].append(_probe(contender, python, endpoint, warm=WARM_REQUESTS)[1])
    print("\nPOST /items in a function, DynamoDB a stub that answers at once (medians; CPU time)\n")
    print(f"  {'':32}{'cold, ms':>10}{'warm, µs':>10}")
    for contender in (TAXIWAY, POWERTOOLS):
        print(f"  {contender.name:32}{_median(cold[contender]):>10.1f}{_median(warm[contender]):>10.0f}")
    ratios = (_median(cold[TAXIWAY]) / _median(cold[POWERTOOLS]), _median(warm[TAXIWAY]) / _median(warm[POWERTOOLS]))
    print(f"  {'ratio (expected: 0.20 or less)':32}{ratios[0]:>10.2f}{ratios[1]:>10.2f}")


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _environment(contender: Contender) -> Path:
    """A virtual environment with just what the contender ships; made once."""
    directory = ENVIRONMENTS / contender.name.split()[0].lower()
    python = directory / "bin" / "python"
    wanted = json.dumps([sys.version, contender.requirements])
    stamp = directory / "requirements.json"
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"Setting up {directory.name} …")
        uv = str(Path(sys.executable).parent / "uv")
        uv = uv if Path(uv).exists() else "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, directory], check=True)
        command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *contender.requirements]
        subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return python


def _probe(contender: Contender, python: Path, endpoint: str, *, warm: int) -> tuple[float, float]:
    """CPU time of the first request, interpreter included (ms), and of each request after it (µs)."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, contender.path)),
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "create-item",
        "POWERTOOLS_SERVICE_NAME": "items",
        "TABLE_NAME": "items-dev",
    }
    script = PROBE.format(handler=contender.handler, event=json.dumps(EVENT), warm=warm)
    done = subprocess.run([python, "-c", script], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{contender.name} failed:\n{done.stderr}")
    first, rest = json.loads(done.stdout.splitlines()[-1])
    return first, rest


@contextmanager
def _stub() -> Iterator[str]:
    """A DynamoDB that answers every call with an empty result, in a process of its own; gives its URL."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.stub"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
