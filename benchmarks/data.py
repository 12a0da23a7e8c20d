"""The table: what a call costs over the AWS client's own, beside other libraries, and how long a page of a query takes.

For the cost DynamoDB is a stub that answers at once, so what is measured is the client; for the page it is the engine
that `taxiway dev` uses. What taxiway.data adds to the client is measured twice: its own work, with the client's calls
replaced by ones that answer at once, and in place, after each wait for the network, when the processor has gone cold.
Each library is in an environment of its own, and they take turns.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import perf_counter

from benchmarks.functions import ROOT, Contender, _environment, _stub
from taxiway.data import Entity, TableClient, key, pattern
from taxiway.local import dynamodb
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.local.tables import bring_up_to_date

ROUNDS = 3
EXPECTED = 25  # µs
OWN = ("core", "own", "answer")
VERBS = {"get": "get", "put": "put", "page": "page of 20"}
SIZES = (1_000, 10_000, 100_000)
PAGES = 200

PEER = ROOT / "benchmarks" / "peer"
TAXIWAY = Contender("Taxiway", ("msgspec",), "data_taxiway", (ROOT / "src", PEER))
PEERS = (
    Contender("pydynox models", ("pydynox==1.8.0",), "data_pydynox", (PEER,)),
    Contender("PynamoDB", ("pynamodb",), "data_pynamodb", (PEER,)),
    Contender("boto3 resource", ("boto3",), "data_boto3", (PEER,)),
)

# CPU time of the process, a client's own threads included: µs a call, the median of batches that take turns.
PROBE = """
import importlib, json, statistics, sys, time
module = importlib.import_module(sys.argv[1])
calls = {name: getattr(module, name) for name in sys.argv[2:]}
spent = {name: [] for name in calls}
for name, call in calls.items():
    for _ in range(100):
        answer = call()
    assert not name.endswith("page") or len(answer) == 20, (name, answer)
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
    contenders = (TAXIWAY, *PEERS)
    pythons = {contender: _environment(contender) for contender in contenders}
    spent: dict[tuple[str, str], list[float]] = {}
    with _stub() as endpoint:
        for _ in range(ROUNDS):
            for contender, python in pythons.items():
                own = [f"{kind}_{verb}" for kind in OWN for verb in VERBS] if contender is TAXIWAY else []
                for name, value in _probe(contender, python, endpoint, [*VERBS, *own]).items():
                    spent.setdefault((contender.name, name), []).append(value)
    cost = {what: statistics.median(values) for what, values in spent.items()}
    print("\nOne call of the table, DynamoDB a stub that answers at once (medians; CPU time, µs)\n")
    print(f"  {'':34}" + "".join(f"{verb:>14}" for verb in VERBS.values()))
    _row("the AWS client alone", [cost[TAXIWAY.name, f"core_{verb}"] for verb in VERBS])
    for contender in contenders:
        _row(contender.name, [cost[contender.name, verb] for verb in VERBS])
    print()
    _row(f"Taxiway's own work (expected: {EXPECTED})", _differences(spent, "own_", "answer_"))
    _row("Taxiway over the client, in place", _differences(spent, "", "core_"))
    for contender in PEERS:
        ratios = [cost[TAXIWAY.name, verb] / cost[contender.name, verb] for verb in VERBS]
        print(f"  {'Taxiway / ' + contender.name:34}" + "".join(f"{ratio:>14.2f}" for ratio in ratios))


def _differences(spent: Mapping[tuple[str, str], list[float]], more: str, less: str) -> list[float]:
    """What some calls of Taxiway's take beyond others, verb by verb."""
    own = {what: values for (name, what), values in spent.items() if name == TAXIWAY.name}
    pairs = [zip(own[f"{more}{verb}"], own[f"{less}{verb}"], strict=True) for verb in VERBS]
    return [statistics.median([one - other for one, other in pair]) for pair in pairs]


def _row(name: str, values: list[float]) -> None:
    print(f"  {name:34}" + "".join(f"{value:>14.0f}" for value in values))


def _probe(contender: Contender, python: Path, endpoint: str, calls: list[str]) -> dict[str, float]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, contender.path)),
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    }
    command = [python, "-c", PROBE, contender.handler, *calls]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
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
