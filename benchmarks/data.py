"""The table: what a call costs, beside other libraries, and how long a page of a query takes.

For the cost DynamoDB is a stub over TLS that answers at once, so what is measured is the library; for the page it is
the engine that `taxiway dev` uses. Taxiway's own work over its AWS client is what its calls take more than the client's
where both are answered without a network. Each library is in an environment of its own, and they take turns.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from time import perf_counter

from benchmarks.contenders import (
    BOTO3,
    PYDYNOX,
    PYDYNOX_CORE,
    PYNAMODB,
    ROOT,
    TAXIWAY,
    Contender,
    Stub,
    environment,
    python_of,
    stub,
)
from taxiway.data import Entity, TableClient, key, pattern
from taxiway.local import dynamodb
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.local.tables import bring_up_to_date

ROUNDS = 3
EXPECTED = {"put": 0.42, "get": 0.55, "page": 0.55}
VERBS = {"put": "put", "get": "get", "page": "page of 20"}
MEASURED = {
    TAXIWAY: [f"{kind}{verb}" for kind in ("", "core_", "own_", "answer_") for verb in VERBS],
    PYDYNOX: [*VERBS],
    PYDYNOX_CORE: [f"core_{verb}" for verb in VERBS],
    PYNAMODB: [*VERBS],
    BOTO3: [*VERBS],
}
SIZES = (1_000, 10_000, 100_000)
PAGES = 200

# CPU time of the process, a client's own threads included: µs a call, the median of batches that take turns.
PROBE = """
import importlib, json, statistics, sys, time
module = importlib.import_module(sys.argv[1])
calls = {name: getattr(module, name) for name in sys.argv[2:]}
spent = {name: [] for name in calls}
for name, call in calls.items():
    for _ in range(100):
        answer = call()
    assert "page" not in name or len(answer) == 20, (name, answer)
for _ in range(9):
    for name, call in calls.items():
        begin = time.process_time()
        for _ in range(100):
            call()
        spent[name].append((time.process_time() - begin) * 1e4)
print(json.dumps({name: statistics.median(values) for name, values in spent.items()}))
"""


class Reading(Entity):
    """What the pages are made of."""

    id: str
    sensor: str
    value: int

    @key(pk="READING#{id}", sk="READING")
    def by_id(self, id: str) -> None:
        """One reading."""

    @pattern("gsi1", pk="SENSOR#{sensor}", sk="{id}", sorted_by=str)
    def by_sensor(self, sensor: str) -> None:
        """Readings of a sensor."""


def run() -> None:
    _costs()
    _pages()


def _costs() -> None:
    spent: dict[tuple[Contender, str], list[float]] = {}
    with stub() as dynamodb:
        for _ in range(ROUNDS):
            for contender, calls in MEASURED.items():
                for name, value in _probe(contender, dynamodb, calls).items():
                    spent.setdefault((contender, name), []).append(value)
    cost = {what: statistics.median(values) for what, values in spent.items()}
    print("\nOne call of the table over TLS, DynamoDB a stub that answers at once (medians; CPU time, µs)\n")
    print(f"  {'':34}" + "".join(f"{verb:>14}" for verb in VERBS.values()))
    _row("Taxiway's AWS client alone", [cost[TAXIWAY, f"core_{verb}"] for verb in VERBS])
    _row("pydynox's core alone", [cost[PYDYNOX_CORE, f"core_{verb}"] for verb in VERBS])
    for contender in (TAXIWAY, PYDYNOX, PYNAMODB, BOTO3):
        _row(contender.name, [cost[contender, verb] for verb in VERBS])
    own = [cost[TAXIWAY, f"own_{verb}"] - cost[TAXIWAY, f"answer_{verb}"] for verb in VERBS]
    _row("Taxiway's own work over its client", own)
    print()
    for contender in (PYDYNOX, PYNAMODB, BOTO3):
        _ratios(f"Taxiway / {contender.name}", [cost[TAXIWAY, verb] / cost[contender, verb] for verb in VERBS])
    # A page counts as what a caller wants it for: as entities, where the core's own are dictionaries.
    ours = {"put": "core_put", "get": "core_get", "page": "page"}
    _ratios("the clients alone", [cost[TAXIWAY, ours[verb]] / cost[PYDYNOX_CORE, f"core_{verb}"] for verb in VERBS])
    _ratios("expected, or less", [*EXPECTED.values()])


def _row(name: str, values: list[float]) -> None:
    print(f"  {name:34}" + "".join(f"{value:>14.0f}" for value in values))


def _ratios(name: str, values: list[float]) -> None:
    print(f"  {name:34}" + "".join(f"{value:>14.2f}" for value in values))


def _probe(contender: Contender, dynamodb: Stub, calls: list[str]) -> dict[str, float]:
    path = [ROOT / "src", contender.source] if contender == TAXIWAY else [contender.source]
    module = "core" if contender == PYDYNOX_CORE else "table"
    command = [python_of(contender), "-c", PROBE, module, *calls]
    variables = environment(contender, dynamodb, path)
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{contender.name} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def _pages() -> None:
    with _engine() as endpoint:
        _measure_pages(endpoint)


@contextmanager
def _engine() -> Iterator[str]:
    """The local engine, its data in memory: filling it takes a tenth of the time that it does on disk."""
    template = ROOT / "template"
    binary = dynamodb.find(template, print) or dynamodb.install(template, print)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([binary, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _measure_pages(endpoint: str) -> None:
    os.environ |= {
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": endpoint,
    }
    table = TableClient(table_name="readings")
    bring_up_to_date(
        ServedTable("readings", "pk", "sk", (ServedIndex("gsi1", "gsi1pk", "gsi1sk"),), None),
        endpoint,
        region="eu-west-1",
        note=lambda _: None,
    )
    print("\nA page of 20 of one partition of an index, on the local engine, in memory (medians; elapsed, ms)\n")
    print(f"  {'items in the partition':34}{'first page':>14}{'in the middle':>14}{'last page':>14}")
    made = 0
    for size in SIZES:
        readings = (Reading(id=f"{number:08}", sensor="one", value=number) for number in range(made, size))
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(table.put_many, _portions(readings)))
        made = size
        _row_of_pages(table, size)


def _row_of_pages(table: TableClient, size: int) -> None:
    every = Reading.by_sensor("one")
    middle = table.query(every.since(f"{size // 2:08}"), limit=1).cursor
    spent: dict[str, list[float]] = {"first": [], "middle": [], "last": []}
    for _ in range(PAGES):
        for name, query, cursor in (
            ("first", every, None),
            ("middle", every, middle),
            ("last", every.newest_first(), None),
        ):
            begin = perf_counter()
            page = table.query(query, limit=20, cursor=cursor)
            spent[name].append((perf_counter() - begin) * 1e3)
            assert len(page.items) == 20
    print(f"  {size:<34,}" + "".join(f"{statistics.median(values):>14.2f}" for values in spent.values()))


def _portions(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while portion := list(islice(readings, 500)):
        yield portion
