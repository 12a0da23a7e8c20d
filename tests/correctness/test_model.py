"""Whatever several clients do, in whatever order, the table answers as a dictionary would.

Hypothesis makes up sequences of operations, and shortens one that fails to the few that it takes, which it prints.
The indented lines of what it prints are the operations, with the values that they had.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, currently_in_test_context, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.correctness.clients import Interrupted, Remote, secret
from tests.correctness.entities import Label, Member, Part
from tests.correctness.model import BY_KIND, Model, Refusal, rows
from tests.correctness.operations import (
    DEMANDS,
    Alter,
    Create,
    Delete,
    DeleteAt,
    DeleteIf,
    DeleteMany,
    Operation,
    Put,
    PutIf,
    PutMany,
    PutOver,
    Together,
    Update,
    UpdateIf,
    Walk,
    answer,
    check,
    fillings,
    key,
    pairs,
    touched,
    walks,
    writes,
)
from tests.correctness.proxy import Fault, Proxy
from tests.counts import count
from tests.tables import rows_of

from taxiway.data import Contended, OutcomeUnknown, TableClient, Throttled, TransactionFailed, Unavailable, add

OPERATIONS = 2_500
"""How many the clients make in one run, about."""
RULES_PER_RUN, STEPS_PER_RUN = 20, 32  # some rules make several steps
CLIENTS = st.integers(0, 2)
SWIFT = [fault for fault in Fault if fault not in (Fault.DELAY, Fault.LATE)]
LOST = (Fault.FAIL, Fault.FAIL_AFTER, Fault.DROP, Fault.DROP_AFTER, Fault.CUT)
"""Those after which the client can't know whether it was carried out."""

PART, LABEL, MEMBER = (Part, "a", "1"), (Label, "a", "1"), (Member, "1")
BEFOREHAND: list[Any] = [
    Create(Part(shelf="a", id="1", kind="x", owner="ann", price=Decimal("1.10"))),
    Create(Label(shelf="a", name="1", kind="x")),
    Create(Member(id="1", email="a@x")),
]
ON_THE_PART: list[Any] = [
    Create(Part(shelf="a", id="1", kind="y")),
    Put(Part(shelf="a", id="1", kind="y", price=Decimal("2.20"))),
    Update(PART, {"kind": "y", "owner": None}, 1),
    Update(PART, {"owner": "bob"}),
    Update(PART, {"price": Decimal("3.30")}),
    Alter(PART, "rank", add, 1),
    Alter(PART, "price", add, 1),
    Alter(PART, "weight", add, 0.1),
    Delete(PART),
    PutIf(Part(shelf="a", id="1", kind="y"), DEMANDS[1]),
    PutOver(Part(shelf="a", id="1", kind="y"), 1),
    UpdateIf(PART, {"owner": None, "kind": "y"}, demand=DEMANDS[1]),
    DeleteIf(PART, DEMANDS[2]),
    DeleteAt(PART, 1),
]
ON_THE_MEMBER: list[Any] = [
    Create(Member(id="1", email="c@x")),
    Create(Member(id="2", email="b@x")),
    Put(Member(id="1", email="b@x", version=1)),
    Update(MEMBER, {"email": "b@x"}),
    Update(MEMBER, {"email": "c@x"}, 1),
    Alter(MEMBER, "points", add, 1),
    Delete(MEMBER),
    PutOver(Member(id="1", email="b@x"), 1),
    DeleteAt(MEMBER, 2),
]
THROUGH_FAULTS: list[Any] = [
    Create(Part(shelf="a", id="2", kind="x", price=Decimal("1.10"))),
    Create(Member(id="2", email="b@x")),
    Create(Label(shelf="a", name="2", kind="x")),
    Put(Part(shelf="a", id="1", kind="y")),
    Put(Member(id="1", email="b@x")),
    Update(PART, {"kind": "y", "owner": None}, 1),
    Update(PART, {"rank": 2}),
    Update(LABEL, {"kind": "y"}),
    Update(MEMBER, {"email": "b@x"}, 1),
    Alter(PART, "rank", add, 1),
    Alter(PART, "weight", add, 0.1),
    Alter(MEMBER, "points", add, 1),
    Delete(PART),
    Delete(MEMBER),
    PutIf(Part(shelf="a", id="1", kind="y"), DEMANDS[1]),
    PutOver(Part(shelf="a", id="1", kind="y"), 1),
    PutOver(Member(id="1", email="b@x"), 1),
    UpdateIf(PART, {"owner": None}, demand=DEMANDS[1]),
    DeleteIf(PART, DEMANDS[1]),
    DeleteAt(PART, 1),
    DeleteAt(MEMBER, 1),
    Together([Update(PART, {"kind": "y"}), Delete(LABEL), Create(Member(id="2", email="b@x"))]),
    PutMany([Part(shelf="a", id=str(number), kind="y") for number in range(3)]),
    DeleteMany([PART, LABEL]),
]

EmptyTable = Callable[[], AbstractContextManager[str]]


class Clients(RuleBasedStateMachine):
    """Three clients and a fourth that is interrupted, on one table."""

    steps = 0

    def __init__(self, empty_table: EmptyTable, proxy: Proxy) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.name = self.stack.enter_context(empty_table())
        self.tables = [TableClient(table_name=self.name, cursor_key=secret) for _ in range(3)]
        self.interrupted = Interrupted(self.name)
        self.distant = Remote(self.name, proxy.url)
        self.persistent = Remote(self.name, proxy.url, attempts=4)
        self.proxy = proxy
        self.model = Model()

    def act(self, table: TableClient, operation: Operation, *, was: Model | None = None) -> None:
        """`was` is what the model was when the operation began, where another may have come into its midst."""
        self.tell(str(operation))
        before = datetime.now(UTC)
        seen = answer(operation, table)
        if was is None or not _refuses(was, operation, seen):
            check(operation, self.model, seen)
        Clients.steps += 1
        if isinstance(seen, Part) and (isinstance(operation, Create | Put) or getattr(operation, "changes", None)):
            assert before <= seen.updated_at <= datetime.now(UTC)

    def tell(self, text: str) -> None:
        """Print what was done, should the run fail."""
        if currently_in_test_context():
            note(f"  {text}")

    @initialize(filling=fillings)
    def filled(self, filling: PutMany) -> None:
        self.act(self.tables[0], filling)

    @rule(client=CLIENTS, operation=writes)
    def one(self, client: int, operation: Operation) -> None:
        self.act(self.tables[client], operation)

    @rule(client=CLIENTS, operations=st.lists(writes, min_size=2, max_size=10))
    def several(self, client: int, operations: list[Operation]) -> None:
        for operation in operations:
            self.act(self.tables[client], operation)

    @rule(pair=pairs, call=st.integers(1, 4), client=CLIENTS)
    def two_at_once(self, pair: tuple[Operation, Operation], call: int, client: int) -> None:
        """The other's operation falls into the midst of the first; both answer as if it had come before.

        What is refused may have been so already, when the other came into the reading of what it is refused for.
        """
        operation, other = pair
        was = Model(self.model.items)
        self.interrupted.interrupt(call, lambda: self.act(self.tables[client], other))
        self.act(self.interrupted, operation, was=was)

    @rule(operation=writes, fault=st.sampled_from(SWIFT), call=st.sampled_from([1, 1, 2, 3]))
    def one_that_meets_a_fault(self, operation: Any, fault: Fault, call: int) -> None:
        """What was not acknowledged is wholly there or wholly not; each item of a batch by itself."""
        self.proxy.plan.extend([None] * (call - 1) + [fault])
        self.tell(f"{operation}, whose call {call} is {fault.value}")
        seen = answer(operation, self.distant)
        met = not self.proxy.plan
        self.proxy.plan.clear()
        Clients.steps += 1
        if seen in (Throttled, Unavailable, OutcomeUnknown):
            assert met
            self.find_out(operation)
        else:
            check(operation, self.model, seen)

    @rule(operation=writes, fault=st.sampled_from(SWIFT), call=st.sampled_from([1, 1, 2, 3]))
    def one_that_is_tried_again(self, operation: Any, fault: Fault, call: int) -> None:
        """A client that sends again what got no answer answers as if it had got one, and does it once."""
        self.proxy.plan.extend([None] * (call - 1) + [fault])
        self.tell(f"{operation}, whose call {call} is {fault.value}, and is sent again")
        seen = answer(operation, self.persistent)
        self.proxy.plan.clear()
        Clients.steps += 1
        if seen is OutcomeUnknown:
            assert fault in LOST
            assert self.may_stay_unknown(operation)
            self.find_out(operation)
        else:
            check(operation, self.model, seen)

    def may_stay_unknown(self, operation: Any) -> bool:
        """Whether what is stored can't tell that it was done: what was deleted, or is refused, or may count twice."""
        try:
            operation.expected(Model(self.model.items), None)
        except Refusal:
            return True
        return isinstance(operation, Delete | DeleteIf | DeleteAt | Alter | PutIf)

    def find_out(self, operation: Any) -> None:
        """Adopt into the model what is stored, which is as before the operation or as after it."""
        places = touched(operation)
        found = {where: self.tables[0].get(key(where), consistent=True) for where in places}
        after = self.after(operation, found)
        before = {where: self.model.get(where) for where in places}
        if isinstance(operation, PutMany | DeleteMany):
            assert all(found[where] in (before[where], after.get(where)) for where in places)
        else:
            assert found in (before, {where: after.get(where) for where in places})
        for where in places:
            if found[where] != before[where]:
                self.model.items[where] = found[where]
        self.model.items = {where: item for where, item in self.model.items.items() if item is not None}

    def after(self, operation: Any, found: dict[Any, Any]) -> Model:
        model = Model(self.model.items)
        several = isinstance(operation, Together | PutMany)
        answers = [found[where] for where in touched(operation)]
        with suppress(Refusal):
            operation.expected(model, answers if several else answers[0] if answers else None)
        return model

    @rule(walk=walks)
    def pages_read_by_turns(self, walk: Walk) -> None:
        """Cursors that one client issued serve the others."""
        seen = walk.run(*self.tables)
        check(walk, self.model, seen)
        Clients.steps += 1

    @rule(walk=walks, others=st.lists(writes, min_size=1, max_size=5))
    def pages_between_writes(self, walk: Walk, others: list[Operation]) -> None:
        """Whoever reads page by page while others write sees once, and in order, what nobody touches."""
        before = self.listed(walk)
        pending = list(others)
        query, found, cursor = walk.query(), [], None
        while True:
            page = self.tables[0].query(query, limit=walk.limit, cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
            if pending:
                self.act(self.tables[1], pending.pop())
        after = self.listed(walk)
        untouched = [item for item in before if item in after]
        assert walk.canonical([item for item in found if item in untouched]) == walk.canonical(untouched)
        Clients.steps += 1

    def listed(self, walk: Walk) -> list[Any]:
        return self.model.list(walk.listing, walk.partition, walk.holds, newest=walk.newest)

    def teardown(self) -> None:
        with self.stack:
            now = datetime.now(UTC).timestamp()
            stored = [{name: row[name] for name in row if name != "_w"} for row in rows_of(self.tables[0])]
            found = [row for row in stored if row.get("expiresAt", now + 1) > now]
            assert sorted(found, key=_key) == sorted(rows(self.model.items), key=_key)


def _refuses(model: Model, operation: Operation, seen: Any) -> bool:
    """Whether the model as it is refuses an operation, and so."""
    try:
        operation.expected(model, seen)
    except Refusal as refusal:
        return seen in refusal.errors
    return False


# Hypothesis now and then puts the strategies into its statistics, and warns of their length.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@count("operations", test=OPERATIONS, soak=250_000)
def test_the_table_answers_as_a_dictionary_would(
    empty_table: EmptyTable, dynamodb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(
        max_examples=OPERATIONS // STEPS_PER_RUN,
        stateful_step_count=RULES_PER_RUN,
        suppress_health_check=list(HealthCheck),
    )
    Clients.steps = 0
    with Proxy(dynamodb) as proxy:
        run_state_machine_as_test(lambda: Clients(empty_table, proxy), settings=chosen)
    with capsys.disabled():
        faults = proxy.faults.total()
        print(f"\n{Clients.steps} operations agree with the model, {faults} of which met a fault.")


def _key(stored: dict[str, Any]) -> tuple[str, str]:
    return stored["pk"], stored["sk"]


@pytest.mark.parametrize("operation", [*ON_THE_PART, *ON_THE_MEMBER], ids=lambda operation: type(operation).__name__)
def test_every_write_lets_every_other_come_between(operation: Any, empty_table: EmptyTable, dynamodb: str) -> None:
    """Before its first call and before its second: both answer, and both stay, as if one had come after the other."""
    with Proxy(dynamodb) as proxy:
        for other, call in product(ON_THE_PART if operation in ON_THE_PART else ON_THE_MEMBER, (1, 2)):
            clients = Clients(empty_table, proxy)
            with clients.stack:
                clients.several(client=0, operations=BEFOREHAND)
                clients.two_at_once(pair=(operation, other), call=call, client=0)
                clients.teardown()


@pytest.mark.parametrize(
    ("operation", "other"),
    [
        (Update(MEMBER, {"email": "c@x"}), Put(Member(id="1", email="b@x"))),
        (Delete(MEMBER), Put(Member(id="1", email="b@x"))),
        (Together([Alter(PART, "rank", add, 1)]), PutMany([Part(shelf="a", id="1", kind="y", rank=5)])),
    ],
    ids=["update", "delete", "transaction"],
)
def test_a_put_in_between_is_noticed(operation: Any, other: Operation, empty_table: EmptyTable, dynamodb: str) -> None:
    """Else a unique value that was given up stays taken, or an index has an item where it no longer is."""
    with Proxy(dynamodb) as proxy:
        clients = Clients(empty_table, proxy)
        with clients.stack:
            clients.several(client=0, operations=BEFOREHAND)
            clients.interrupted.interrupt(2, lambda: clients.act(clients.tables[0], other))
            seen = answer(operation, clients.interrupted)
            if seen != (TransactionFailed, Contended):
                check(operation, clients.model, seen)
            clients.teardown()


@pytest.mark.parametrize("operation", THROUGH_FAULTS, ids=lambda operation: type(operation).__name__)
def test_every_write_comes_through_every_fault(operation: Any, empty_table: EmptyTable, dynamodb: str) -> None:
    """In its first call and its second: what isn't acknowledged is wholly there or not, and what is is there once."""
    with Proxy(dynamodb) as proxy:
        for fault, call in product(SWIFT, (1, 2)):
            clients = Clients(empty_table, proxy)
            with clients.stack:
                clients.several(client=0, operations=BEFOREHAND)
                clients.one_that_meets_a_fault(operation=operation, fault=fault, call=call)
                clients.pages_read_by_turns(walk=Walk(BY_KIND, "x", 2, False, None))
                clients.teardown()


@pytest.mark.parametrize("operation", THROUGH_FAULTS, ids=lambda operation: type(operation).__name__)
def test_every_write_that_is_sent_again_is_made_once(operation: Any, empty_table: EmptyTable, dynamodb: str) -> None:
    """In its first call and its second: whatever became of the first attempt, the answer is that of one write."""
    with Proxy(dynamodb) as proxy:
        for fault, call in product(SWIFT, (1, 2)):
            clients = Clients(empty_table, proxy)
            with clients.stack:
                clients.several(client=0, operations=BEFOREHAND)
                clients.one_that_is_tried_again(operation=operation, fault=fault, call=call)
                clients.teardown()
