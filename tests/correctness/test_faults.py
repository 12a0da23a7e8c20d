"""Throttling, failures and lost answers lose nothing, double nothing, and surface as typed errors alone.

About 1,500 calls in the one test and half as many in the other, of which more than a quarter meet a fault.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from tests.correctness.clients import Remote
from tests.correctness.entities import Order, Tally
from tests.correctness.proxy import OFTEN, Fault, Proxy
from tests.counts import count
from tests.tables import rows_of

from taxiway.data import AlreadyExists, DataError, TableClient, Throttled, Unavailable, VersionMismatch
from taxiway.http import Created, Handler, handler
from taxiway.http.idempotency import Idempotency

CALLS = 1_500
WRITERS = 12
SHARED = 3
TIMEOUT = 0.2
"""Seconds that a client waits for an answer; what is delayed or late takes twice that."""
LEASE = 0.5
"""Seconds for which a request is its taker's: who crashes, or loses every answer, holds up the next one so long."""
LIMIT = 50
"""How often a writer tries again."""

UNANSWERED = (Throttled, Unavailable)


@pytest.fixture
def proxy(dynamodb: str, run: int) -> Generator[Proxy]:
    with Proxy(dynamodb, seed=run, chances=OFTEN, delay=2 * TIMEOUT) as proxy:
        yield proxy


@dataclass
class Journal:
    """What one writer was told: by tally, the marks that were acknowledged and those that were not."""

    made: list[str] = field(default_factory=list)
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    open: dict[str, list[str]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    perhaps_deleted: set[str] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)
    operations: int = 0


class Writer:
    """Creates tallies of its own and counts in them, and in those that all share, by optimistic updates."""

    def __init__(self, table: Remote, seed: str) -> None:
        self.table = table
        self.journal = Journal()
        self.random = Random(seed)

    def work(self, proxy: Proxy) -> Journal:
        while proxy.calls < CALLS:
            name = f"own-{uuid.uuid4().hex}"
            sent_once = self.make(name)
            for _ in range(4):
                self.count(name)
                self.count(f"shared-{self.random.randrange(SHARED)}")
            # An earlier attempt of the creation may arrive late, and would bring back what is deleted by then.
            if sent_once and self.random.random() < 0.5:
                self.delete(name)
        return self.journal

    def make(self, name: str) -> bool:
        """Create a tally, trying until it is there; whether one request was enough, with those of the client's own."""
        self.journal.made.append(name)
        before = self.table.sent
        for _ in range(LIMIT):
            seen = self.attempt(self.table.create, Tally(id=name, marks=["made"], count=1))
            if isinstance(seen, Tally | AlreadyExists):
                return self.table.sent == before + 1
        raise AssertionError(f"{name} could not be made")

    def count(self, name: str) -> None:
        """Add one mark, at the version that was read; who finds another version reads again."""
        for _ in range(LIMIT):
            found = self.attempt(self.table.get, Tally.by_id(name), consistent=True)
            if not isinstance(found, Tally):
                continue
            mark = uuid.uuid4().hex[:12]
            changes = {
                "marks": [*found.marks, mark],
                "count": found.count + 1,
                "group": self.random.choice(["red", "green"]),
            }
            seen = self.attempt(self.table.update, Tally.by_id(name), changes, expect_version=found.version)
            if isinstance(seen, Tally):
                assert mark in seen.marks
                self.journal.acknowledged.setdefault(name, []).append(mark)
                return
            if isinstance(seen, UNANSWERED):
                self.journal.open.setdefault(name, []).append(mark)
                return
            assert isinstance(seen, VersionMismatch), seen  # then it was not made, and is nowhere

    def delete(self, name: str) -> None:
        seen = self.attempt(self.table.delete, Tally.by_id(name))
        (self.journal.perhaps_deleted if isinstance(seen, UNANSWERED) else self.journal.deleted).add(name)

    def attempt(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a call answers, or its error, which must be a typed one."""
        self.journal.operations += 1
        try:
            return call(*args, **kwargs)
        except DataError as error:
            self.journal.errors[type(error).__name__] += 1
            return error


@count("calls", test=CALLS, soak=150_000)
def test_nothing_is_lost_or_doubled_in_a_storm_of_faults(
    table_name: str, proxy: Proxy, run: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """12 writers, some of whose clients try again by themselves, make 1,500 calls, of which a quarter meet a fault."""
    table = TableClient(table_name=table_name)
    for number in range(SHARED):
        table.create(Tally(id=f"shared-{number}", marks=["made"], count=1))
    attempts = [1, 1, 1, 3] * (WRITERS // 4)
    writers = [
        Writer(Remote(table_name, proxy.url, attempts=each, timeout=TIMEOUT), f"{run}-{number}")
        for number, each in enumerate(attempts)
    ]
    with ThreadPoolExecutor(WRITERS) as threads:
        journals = list(threads.map(lambda writer: writer.work(proxy), writers))
    proxy.close()  # what comes late has now come

    stored = {row["id"]: row for row in rows_of(table)}
    made = {name for journal in journals for name in journal.made} | {f"shared-{n}" for n in range(SHARED)}
    deleted = {name for journal in journals for name in journal.deleted}
    perhaps = {name for journal in journals for name in journal.perhaps_deleted}
    assert stored.keys() - made == set()
    assert made - stored.keys() - perhaps == deleted, "deleted stays deleted, and nothing else is gone"
    for name, row in stored.items():
        acknowledged = [mark for journal in journals for mark in journal.acknowledged.get(name, [])]
        unanswered = [mark for journal in journals for mark in journal.open.get(name, [])]
        marks = Counter(row["marks"])
        assert max(marks.values()) == 1, f"{name} has a change twice"
        assert set(acknowledged) <= marks.keys(), f"{name} has lost an acknowledged change"
        assert marks.keys() <= {"made", *acknowledged, *unanswered}
        assert row["version"] == row["count"] == len(marks), f"{name} is not wholly written"
        assert (row["gsi1pk"], row["gsi1sk"]) == (f"GROUP#{row['group']}", f"{row['count']:08}")

    errors = sum((journal.errors for journal in journals), Counter[str]())
    unanswered = {"Throttled", "Unavailable", "OutcomeUnknown"}
    assert errors.keys() <= {*unanswered, "VersionMismatch", "AlreadyExists", "Contended"}
    assert proxy.faults.keys() == set(Fault)
    report(capsys, sum(journal.operations for journal in journals), proxy)


class NewOrder(Struct):
    request: str


class Context:
    """What Lambda tells of the time that is left."""

    aws_request_id = "lambda-1"
    function_name = "create-order"

    def get_remaining_time_in_millis(self) -> int:
        return int(LEASE * 1000)


def send(call: Handler[..., Any], request: str) -> dict[str, Any]:
    """One POST /orders, with the Idempotency-Key `request`."""
    event = {
        "version": "2.0",
        "routeKey": "POST /orders",
        "rawPath": "/orders",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "idempotency-key": request},
        "requestContext": {"requestId": "gateway-1", "http": {"method": "POST", "path": "/orders"}},
        "body": msgspec.json.encode(NewOrder(request)).decode(),
        "isBase64Encoded": False,
    }
    return call(event, Context())


@count("calls", test=CALLS // 2, soak=75_000)
def test_a_request_with_an_idempotency_key_is_carried_out_once(
    table_name: str, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pairs of senders, who send each request until it is answered, make 750 calls, of which a quarter meet a fault."""
    table = TableClient(table_name=table_name)
    limits = Counter[str]()

    def serve(number: int) -> list[tuple[str, str | None]]:
        distant = Remote(table_name, proxy.url, attempts=1 + 2 * (number % 4 == 3), timeout=TIMEOUT)

        @handler(idempotency=Idempotency(distant))
        def create(body: NewOrder) -> Created[Order]:
            order = distant.create(Order(request=body.request))
            return Created(order, location=f"/orders/{order.id}")

        answers: list[tuple[str, str | None]] = []
        turn = 0
        while proxy.calls < CALLS // 2:
            turn += 1
            request = f"{number // 2}-{turn}"  # its other sender has the same
            for _ in range(LIMIT):
                response = send(create, request)
                limits[str(response["statusCode"])] += 1
                if response["statusCode"] == 201:
                    answers.append((request, msgspec.json.decode(response["body"])["id"]))
                    break
                assert response["statusCode"] in (409, 503), response
                time.sleep(0.1)
            else:
                answers.append((request, None))
        return answers

    with ThreadPoolExecutor(WRITERS) as threads:
        answers = [answer for one in threads.map(serve, range(WRITERS)) for answer in one]
    proxy.close()
    stored = [(row["request"], row["id"]) for row in rows_of(table) if row["entity"] == "Order"]
    assert max(Counter(request for request, _ in stored).values()) == 1, "a request was carried out twice"
    answered = {answer for answer in answers if answer[1] is not None}
    assert answered <= set(stored), "an acknowledged order is not there, or another was acknowledged"
    assert {request for request, _ in stored} <= {request for request, _ in answers}
    assert len(answered) > 20
    report(capsys, limits.total(), proxy)


def report(capsys: pytest.CaptureFixture[str], operations: int, proxy: Proxy) -> None:
    faults = ", ".join(f"{fault.name.lower()} {count}" for fault, count in sorted(proxy.faults.items(), key=str))
    with capsys.disabled():
        print(f"\n{operations} operations in {proxy.calls} calls, {proxy.faults.total()} of them faulty ({faults}).")
