"""POST /items in a function: CPU time of the first request of a process and of the ones after it, and the zip's size.

The template's function, as `taxiway package` makes it, runs beside peers that do the same work, each in an environment
of its own that holds what would ship to Lambda. DynamoDB is a stub over TLS that answers at once, so what is measured
is the function. They take turns, and the medians are compared.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.contenders import (
    BOTO3,
    NODE,
    POWERTOOLS,
    PYDYNOX,
    TAXIWAY,
    Contender,
    Stub,
    environment,
    node_bundle,
    python_of,
    site_packages,
    stub,
    taxiway_package,
    zipped,
)

CONTENDERS = (TAXIWAY, POWERTOOLS, BOTO3, PYDYNOX, NODE)
COLD_RUNS = 21
WARM_RUNS = 5
WARM_REQUESTS = 2000
EXPECTED = {(NODE, "cold"): 0.52, (POWERTOOLS, "cold"): 0.18, (POWERTOOLS, "warm"): 0.15}
EXPECTED_ZIP = 1.2  # MB

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
    spent: dict[tuple[Contender, str], list[float]] = {}
    with stub(conditions=True) as dynamodb:
        for turn in range(COLD_RUNS + 1):
            for contender in CONTENDERS:
                cold, _ = _probe(contender, dynamodb, warm=0)
                if turn:  # the first turn writes byte code and warms the disk
                    spent.setdefault((contender, "cold"), []).append(cold)
        for _ in range(WARM_RUNS):
            for contender in CONTENDERS:
                spent.setdefault((contender, "warm"), []).append(_probe(contender, dynamodb, warm=WARM_REQUESTS)[1])
    median = {what: statistics.median(values) for what, values in spent.items()}
    _print(median)


def _print(median: dict[tuple[Contender, str], float]) -> None:
    print("\nPOST /items in a function over TLS, DynamoDB a stub that answers at once (medians; CPU time)\n")
    print(f"  {'':32}{'cold, ms':>10}{'warm, µs':>10}{'zip, MB':>10}{'cold':>8}{'warm':>8}")
    for contender in CONTENDERS:
        cold, warm = median[contender, "cold"], median[contender, "warm"]
        ratios = [
            f"{median[TAXIWAY, what] / value:>8.2f}" if contender != TAXIWAY else f"{'':8}"
            for what, value in (("cold", cold), ("warm", warm))
        ]
        print(f"  {contender.name:32}{cold:>10.1f}{warm:>10.0f}{zipped(contender) / 1e6:>10.2f}{''.join(ratios)}")
    print("\n  The last two columns are Taxiway's share of the peer's.")
    for (contender, what), most in EXPECTED.items():
        ratio = median[TAXIWAY, what] / median[contender, what]
        print(f"  {what} / {contender.name}: {ratio:.3f} (expected: {most} or less)")
    print(f"  zip: {zipped(TAXIWAY) / 1e6:.2f} MB (expected: {EXPECTED_ZIP} or less)")


def _probe(contender: Contender, dynamodb: Stub, *, warm: int) -> tuple[float, float]:
    """CPU time of the first request, interpreter included (ms), and of each request after it (µs)."""
    variables = environment(contender, dynamodb, _path(contender))
    done = subprocess.run(_command(contender, warm), env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{contender.name} failed:\n{done.stderr}{done.stdout}")
    first, rest = json.loads(done.stdout.splitlines()[-1])
    return first, rest


def _command(contender: Contender, warm: int) -> list[str | Path]:
    event = json.dumps(EVENT)
    if contender == NODE:
        return ["node", NODE.source / "probe.mjs", node_bundle(), event, str(warm)]
    handler = "handlers.http.create_item.create_item" if contender == TAXIWAY else "create_item.handler"
    # Without `site`, which would search this machine's packages, and Lambda has none.
    return [python_of(contender), "-S", "-c", PROBE.format(handler=handler, event=event, warm=warm)]


def _path(contender: Contender) -> list[Path]:
    if contender == TAXIWAY:
        return [taxiway_package()[0]]
    return [] if contender == NODE else [contender.source, site_packages(contender)]
