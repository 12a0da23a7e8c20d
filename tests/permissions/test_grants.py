"""Each grant is enough for the verbs that it is for, and none has a call that they don't make: on a real engine."""

import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.aws.backends import answer, stage
from tests.permissions.iam import holds
from tests.tables import watch

from taxiway import Backend, Function, Grant, HttpApi, Index, Table, allow
from taxiway.data import Entity, Page, TableClient, key, lookup, pattern, unique, upcaster, version
from taxiway.local import tables
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.permissions.function_policy import function_policy

AT = stage("dev")


class Plain(Entity):
    id: str
    name: str = "x"
    version: int = version()

    @key(pk="PLAIN#{id}", sk="PLAIN")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="PLAIN#NAME#{name}", sk="{id}")
    def by_name(self, name: str) -> None: ...


class Claiming(Entity):
    """What is read before it is written: it has a unique value and a Decimal."""

    id: str
    email: str = unique()
    price: Decimal = Decimal("1.10")

    @key(pk="CLAIMING#{id}", sk="CLAIMING")
    def by_id(self, id: str) -> None: ...

    @lookup("email")
    def by_email(self, email: str) -> None: ...


class Guarded(TableClient):
    """A client whose calls are held to the policy of a function with these grants, as IAM would."""

    def __init__(self, table: str, grants: tuple[Grant, ...]) -> None:
        super().__init__(table_name=table)
        function = Function(name="guarded", uses=grants)
        api = HttpApi()
        api.get("/", answer, function=function)
        backend = Backend("shop", api=api, table=Table(indexes=[Index("gsi1")]))
        self._statements = function_policy(backend, function, AT)["Statement"]
        self.used: set[str] = set()
        self._between: tuple[str, int, Callable[[], Any]] | None = None
        watch(self, self._check)

    def before_next(self, call: str, *, after: int, do: Callable[[], Any]) -> None:
        """Let something happen before a call of this name, when it has been made so often."""
        self._between = call, after, do

    def come_between(self, call: str) -> None:
        if self._between is not None and self._between[0] == call:
            _, left, do = self._between
            self._between = (call, left - 1, do) if left else None
            if not left:
                do()

    def _check(self, operation: str, request: dict[str, Any]) -> None:
        self.come_between(operation)
        for permission in _needed(operation, request):
            self.hold(*permission)

    @property
    def granted(self) -> set[str]:
        actions = {action for statement in self._statements for action in statement["Action"]}
        return {action.removeprefix("dynamodb:") for action in actions if action.startswith("dynamodb:")}

    def hold(self, call: str, index: str | None, leading_key: str) -> None:
        for statement in self._statements:
            resource = f"arn:aws:dynamodb:eu-west-1:{AT.account}:table/shop-dev" + (f"/index/{index}" if index else "")
            of_it = f"dynamodb:{call}" in statement["Action"] and resource in statement["Resource"]
            if of_it and holds(statement["Condition"], {"dynamodb:LeadingKeys": [leading_key]}):
                self.used.add(call)
                return
        raise PermissionError(f"{call} of {leading_key} in {index or 'the table'}")


def _needed(operation: str, request: dict[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    """What a call needs of IAM: the permission, the index, and the leading key."""
    if operation == "TransactWriteItems":
        for ((kind, action),) in (each.items() for each in request["TransactItems"]):
            place = action.get("Key") or action["Item"]
            yield "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item", None, place["pk"]["S"]
    elif operation == "TransactGetItems":
        yield from (("GetItem", None, each["Get"]["Key"]["pk"]["S"]) for each in request["TransactItems"])
    elif operation == "BatchGetItem":
        ((_, asked),) = request["RequestItems"].items()
        yield from (("BatchGetItem", None, each["pk"]["S"]) for each in asked["Keys"])
    elif operation == "BatchWriteItem":
        ((_, writes),) = request["RequestItems"].items()
        for ((_, write),) in (each.items() for each in writes):
            yield "BatchWriteItem", None, (write.get("Key") or write["Item"])["pk"]["S"]
    elif operation == "Query":
        placeholder = re.search(r"#\w+ = (:\w+)", request["KeyConditionExpression"])
        assert placeholder
        yield "Query", request.get("IndexName"), request["ExpressionAttributeValues"][placeholder[1]]["S"]
    else:
        yield operation, None, (request.get("Key") or request["Item"])["pk"]["S"]


@pytest.fixture
def allowed(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Guarded]:
    """A client of a new table, that may do what the grants say."""
    for name, value in {
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    table = f"t-{uuid.uuid4().hex}"
    plan = ServedTable(table, "pk", "sk", (ServedIndex("gsi1", "gsi1pk", "gsi1sk"),), "expiresAt")
    tables.bring_up_to_date(plan, endpoint, region="eu-west-1", note=print)
    everything = TableClient(table_name=table)
    for item in (Plain(id="1"), Plain(id="2"), Claiming(id="1", email="one")):
        everything.create(item)
    return lambda *grants: Guarded(table, grants)


def do_get(table: Guarded) -> None:
    assert table.get(Plain.by_id("1"))
    assert table.get_many([Plain.by_id("1"), Plain.by_id("2")])
    assert table.get_all(Plain.by_id("1"), Plain.by_id("2"))


def do_look_up(table: Guarded) -> None:
    assert table.get(Claiming.by_email("one"))
    assert table.get(Claiming.by_email("none")) is None
    others = TableClient(table_name=table.name)
    table.before_next("GetItem", after=1, do=lambda: others.delete(Claiming.by_id("1")))
    assert table.get(Claiming.by_email("one")) is None  # found gone, which takes a transaction of reads


def do_put(table: Guarded) -> None:
    table.create(Plain(id="3"))
    table.put(Plain(id="1"))
    with table.transaction():
        table.create(Plain(id="4"))
        table.put(Plain(id="2"))


def do_put_claiming(table: Guarded) -> None:
    table.create(Claiming(id="2", email="two"))
    table.put(Claiming(id="1", email="other"))


def do_update(table: Guarded) -> None:
    table.update(Plain.by_id("1"), {"name": "y"})
    with table.transaction():
        table.update(Plain.by_id("2"), {"name": "z"})


def do_update_claiming(table: Guarded) -> None:
    table.update(Claiming.by_id("1"), {"price": Decimal("2.20")})
    table.update(Claiming.by_id("1"), {"email": "another"})


def do_delete(table: Guarded) -> None:
    assert table.delete(Plain.by_id("1"))
    with table.transaction():
        table.delete(Plain.by_id("2"))


def do_delete_claiming(table: Guarded) -> None:
    assert table.delete(Claiming.by_id("1"))


def do_query(table: Guarded) -> None:
    page: Page[Plain] = table.query(Plain.by_name("x"), limit=1)
    assert page.items
    assert table.query(Plain.by_name("x"), limit=1, cursor=page.cursor).items


def do_check(table: Guarded) -> None:
    with table.transaction():
        table.check(Plain.by_id("1"))
        table.put(Plain(id="9"))


def do_write_many(table: Guarded) -> None:
    table.put_many(Plain(id=str(number)) for number in range(30))
    table.delete_many(Plain.by_id(str(number)) for number in range(30))


@pytest.mark.parametrize(
    ("grants", "work"),
    [
        ([allow.get(Plain)], do_get),
        ([allow.get(Claiming.by_email)], do_look_up),
        ([allow.put(Plain)], do_put),
        ([allow.put(Claiming)], do_put_claiming),
        ([allow.update(Plain)], do_update),
        ([allow.update(Claiming)], do_update_claiming),
        ([allow.delete(Plain)], do_delete),
        ([allow.delete(Claiming)], do_delete_claiming),
        ([allow.query(Plain.by_name)], do_query),
        ([allow.check(Plain), allow.put(Plain)], do_check),
        ([allow.write_many(Plain)], do_write_many),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_a_grant_is_enough_for_its_verbs_and_no_more_than_they_need(
    grants: list[Grant], work: Callable[[Guarded], None], allowed: Callable[..., Guarded]
) -> None:
    table = allowed(*grants)
    work(table)

    assert table.used == table.granted


class Evolved(Entity):
    """One that was stored in another form, and that others bring up too."""

    id: str
    name: str = "x"
    email: str = unique()

    @upcaster(from_version=1)
    @staticmethod
    def named(stored: dict[str, Any]) -> dict[str, Any]:
        return stored | {"name": "named"}

    @key(pk="EVOLVED#{id}", sk="EVOLVED")
    def by_id(self, id: str) -> None: ...


def test_an_update_is_enough_where_another_has_brought_the_item_up_in_between(allowed: Callable[..., Guarded]) -> None:
    table = allowed(allow.update(Evolved))
    core = TableClient(table_name=table.name).core
    present = {"pk": "EVOLVED#1", "sk": "EVOLVED", "entity": "Evolved", "id": "1", "email": "a"}
    core.put_item(table.name, present)
    table.before_next("GetItem", after=1, do=lambda: core.put_item(table.name, present | {"_v": 2}))

    assert table.update(Evolved.by_id("1"), {"name": "changed"}).name == "changed"


@pytest.mark.parametrize(
    ("grants", "work"),
    [
        ([allow.get(Claiming)], do_look_up),
        ([allow.put(Plain)], do_get),
        ([allow.get(Plain)], do_put),
        ([allow.get(Plain), allow.put(Plain)], do_delete),
    ],
)
def test_without_its_grant_a_verb_is_refused(
    grants: list[Grant], work: Callable[[Guarded], None], allowed: Callable[..., Guarded]
) -> None:
    with pytest.raises(PermissionError):
        work(allowed(*grants))
