"""The matrix: the template's, as its author would write it down, and what the engine itself bills for each call."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest

from taxiway import Backend, Function, HttpApi, Index, Stage, StreamConsumer, Table, allow, project
from taxiway.data import Entity, TableClient, collection, created, key, lookup, pattern, sortable_id, unique, updated
from taxiway.local import tables
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.patterns import lint, matrix

TEMPLATE = Path(__file__).parents[2] / "template"

# ruff: noqa: E501  a table is as wide as its cells
THE_TEMPLATES = """
pattern   index  key condition                                        sorted by       RCU  WCU  used by

Item.by_id(id)  One item.
  get     table  pk = ITEM#{id} and sk = ITEM                                         0.5       health (GET /health)
                                                                                                get-item (GET /items/{id})
  put                                                                                      2-3  create-item (POST /items)
  update                                                                              0-1  2-3  update-item (PATCH /items/{id})
  delete                                                                                     2  delete-item (DELETE /items/{id})

Item.by_category(category)  The items of a category, by creation time.
  query   gsi1   gsi1pk = ITEM#CATEGORY#{category}                    created_at, id    3       list-items (GET /items)

User.by_id(id)  One user.
  get     table  pk = USER#{id} and sk = USER                                         0.5       get-user (GET /users/{id})
  put                                                                                 0-1  4-6  create-user (POST /users)

User.by_email(email)  The user with an e-mail address, in any case.
  get     table  pk = UNIQUE#User#email#{email:fold} and sk = UNIQUE                    2       find-users (GET /users)
"""


class Event(Entity):
    """One whose index is spread over shards."""

    id: str
    kind: str
    note: str = ""

    @key(pk="EVENT#{id}", sk="EVENT")
    def by_id(self, id: str) -> None:
        """One event."""

    @pattern("gsi1", pk="EVENT#KIND#{kind}", sk="{id}", shards=4)
    def of_kind(self, kind: str) -> None:
        """Events of a kind."""


class Order(Entity):
    """One with a Decimal, an index key of two fields, an index that leaves orders out, and one that never changes."""

    id: str = sortable_id()
    shop_id: str
    state: str
    claimed_by: str | None = None
    total: Decimal = Decimal(0)
    note: str = ""
    created_at: datetime = created()
    updated_at: datetime = updated()

    @key(pk="ORDER#{id}", sk="ORDER")
    def by_id(self, id: str) -> None:
        """One | order.

        With a second paragraph.
        """

    @pattern("gsi1", pk="SHOP#{shop_id}", sk="ORDER#{state}#{created_at}")
    def by_shop(self, shop_id: str) -> None: ...

    @pattern("gsi2", pk="CLAIMED#{claimed_by}", sk="{id}")
    def by_claim(self, claimed_by: str) -> None: ...

    @pattern("gsi3", pk="ORDER#ID#{id}", sk="ORDER")
    def by_the_way(self, id: str) -> None: ...


class Tag(Entity):
    """One with no Decimal and no index."""

    name: str
    note: str = ""

    @key(pk="TAG#{name}", sk="TAG")
    def by_name(self, name: str) -> None: ...


class Member(Entity):
    """One with a unique value, by which it is looked up."""

    id: str
    email: str = unique()
    note: str = ""

    @key(pk="MEMBER#{id}", sk="MEMBER")
    def by_id(self, id: str) -> None: ...

    @lookup("email")
    def by_email(self, email: str) -> None:
        """The member with an e-mail address."""


def handle(event: Any, context: Any) -> None: ...


def backend(*uses: Any) -> Backend:
    api, function = HttpApi(), Function(name="all", uses=uses)
    api.get("/a", handle, function=function)
    api.get("/b", handle, function=function)
    return Backend("orders", api=api, table=Table(indexes=[Index("gsi1"), Index("gsi2"), Index("gsi3")]))


EVERYTHING = backend(
    *(
        allow.get(Order),
        allow.put(Order),
        allow.update(Order),
        allow.delete(Order),
        allow.query(Order.by_shop),
        allow.query(Order.by_claim),
    ),
    *(allow.get(Tag), allow.put(Tag), allow.update(Tag), allow.delete(Tag)),
)


def costs(backend: Backend, **options: int) -> dict[str, tuple[Any, Any]]:
    return {
        f"{row.verb} {row.pattern}": (
            row.reads if any(row.reads) else None,
            row.writes if any(row.writes) else None,
        )
        for row in matrix(backend, **options).rows
    }


def test_the_template_is_shown_as_its_author_would_write_it_down() -> None:
    stage = Stage(name="dev", local=True, variables={"SECRETS_ID": "items/dev"})
    shown = matrix(project.read_backend(TEMPLATE, stage)).text()
    assert shown.startswith(THE_TEMPLATES.lstrip())


def test_a_call_costs_what_its_key_its_indexes_and_its_decimals_make_it() -> None:
    assert costs(EVERYTHING) == {
        "get Order.by_id": ((0.5, 0.5), None),
        "put Order.by_id": (None, (3, 6)),  # the table, two indexes, and what may move in one and be in another
        "update Order.by_id": ((0, 1), (3, 6)),
        "delete Order.by_id": (None, (3, 4)),
        "query Order.by_shop": ((3, 3), None),
        "query Order.by_claim": ((3, 3), None),
        "query Order.by_the_way": ((3, 3), None),
        "get Tag.by_name": ((0.5, 0.5), None),
        "put Tag.by_name": (None, (1, 1)),
        "update Tag.by_name": (None, (1, 1)),
        "delete Tag.by_name": (None, (1, 1)),
    }


def test_batches_and_checks_have_their_rows() -> None:
    assert costs(backend(allow.write_many(Order), allow.check(Order), allow.write_many(Tag), allow.check(Tag))) == {
        "write_many Order.by_id": (None, (3, 6)),  # of each item, as put
        "check Order.by_id": (None, (2, 2)),
        "query Order.by_shop": ((3, 3), None),
        "query Order.by_claim": ((3, 3), None),
        "query Order.by_the_way": ((3, 3), None),
        "write_many Tag.by_name": (None, (1, 1)),
        "check Tag.by_name": (None, (2, 2)),
    }


def test_the_size_of_an_item_and_of_a_page_count() -> None:
    found = costs(EVERYTHING, item_size=5000, page=1)
    assert found["get Tag.by_name"] == ((1, 1), None)
    assert found["put Tag.by_name"] == (None, (5, 5))
    assert found["delete Order.by_id"] == (None, (15, 20))
    assert found["query Order.by_shop"] == ((1.5, 1.5), None)


def test_the_condition_and_the_order_of_a_query_come_from_its_templates() -> None:
    rows = {row.pattern.name: row for row in matrix(EVERYTHING).rows if row.verb == "query"}
    assert rows["by_shop"].condition == "gsi1pk = SHOP#{shop_id} and gsi1sk begins with ORDER#"
    assert rows["by_shop"].order == "state, created_at"
    assert rows["by_claim"].condition == "gsi2pk = CLAIMED#{claimed_by}"
    assert rows["by_the_way"].condition == "gsi3pk = ORDER#ID#{id} and gsi3sk = ORDER"
    assert rows["by_the_way"].order == ""


def test_a_shared_function_is_named_once_with_its_routes_and_a_pattern_without_users_says_nobody() -> None:
    rows = {row.pattern.name: row for row in matrix(EVERYTHING).rows}
    assert rows["by_shop"].users == ("all (GET /a, GET /b)",)
    assert rows["by_the_way"].users == ()
    assert "nobody" in matrix(EVERYTHING).text()


def test_a_consumer_of_the_tables_changes_is_a_user_too() -> None:
    consumer = StreamConsumer(handle, Function(name="recount", uses=[allow.update(Tag)]))
    (row,) = matrix(Backend("tags", api=HttpApi(), table=Table(consumers=[consumer]))).rows
    assert (row.verb, row.users) == ("update", ("recount (changes of the table)",))


class Basket(Entity):
    id: str

    @key(pk="BASKET#{id}", sk="BASKET")
    def by_id(self, id: str) -> None: ...


class Content(Entity):
    basket_id: str
    id: str

    @key(pk="BASKET#{basket_id}", sk="CONTENT#{id}")
    def by_id(self, basket_id: str, id: str) -> None: ...

    @pattern(pk="BASKET#{basket_id}", sk="CONTENT#{id}")
    def of_basket(self, basket_id: str) -> None: ...


def test_who_reads_a_collection_reads_by_each_of_its_patterns() -> None:
    declared = backend(allow.put(Basket), allow.put(Content), allow.query(collection(Basket.by_id, Content.of_basket)))
    found = {(str(row.pattern), row.verb): row for row in matrix(declared).rows}
    assert found.keys() == {
        ("Basket.by_id", "put"),
        ("Basket.by_id", "query"),
        ("Content.by_id", "put"),
        ("Content.of_basket", "query"),
    }
    assert found["Basket.by_id", "query"].condition == "pk = BASKET#{id}"
    assert {finding.rule for finding in lint(declared)} == {"unused-index"}


def test_a_look_up_reads_the_sentinel_and_then_the_item() -> None:
    row = next(row for row in matrix(backend(allow.get(Member.by_email))).rows if row.pattern.lookup)
    assert (str(row.pattern), row.verb, row.pattern.parameters, row.order) == (
        "Member.by_email",
        "get",
        ("email",),
        "",
    )
    assert row.condition == "pk = UNIQUE#Member#email#{email} and sk = UNIQUE"
    assert row.users == ("all (GET /a, GET /b)",)
    large = matrix(backend(allow.get(Member.by_email)), item_size=9000).rows
    assert next(row.reads for row in large if row.pattern.lookup) == (4, 4)


def test_markdown_has_a_row_for_each_operation_with_every_cell_filled_in() -> None:
    lines = matrix(backend(allow.get(Order), allow.put(Order))).markdown().splitlines()
    assert lines[0] == "| Pattern | What for | Operation | Index | Key condition | Sorted by | RCU | WCU | Used by |"
    assert lines[1] == "|---|---|---|---|---|---|---|---|---|"
    place = r"| `Order.by_id` | One \| order. | {} | table | `pk = ORDER#{{id}} and sk = ORDER` |  | {} | {} |"
    assert lines[2] == place.format("get", "0.5", "") + " all (GET /a, GET /b) |"
    assert lines[3] == place.format("put", "", "3-6") + " all (GET /a, GET /b) |"
    assert lines[4].startswith("| `Order.by_shop` |  | query | gsi1 |")


@pytest.mark.parametrize("table", [None, Table()])
def test_where_nothing_is_granted_it_says_so(table: Table | None) -> None:
    api = HttpApi()
    api.get("/a", handle)
    assert matrix(Backend("none", api=api, table=table)).text() == "No function has a grant on a table."


class Bill:
    """The units of the calls since it was last asked, as the engine counts them."""

    def __init__(self) -> None:
        self._reads = self._writes = 0.0

    def add(self, operation: str, units: float) -> None:
        if operation in ("GetItem", "Query"):
            self._reads += units
        else:
            self._writes += units

    def take(self) -> tuple[float, float]:
        taken = self._reads, self._writes
        self._reads = self._writes = 0.0
        return taken


@contextmanager
def billed(endpoint: str) -> Generator[tuple[str, Bill]]:
    """A proxy before a DynamoDB endpoint that asks each call for what it consumed."""
    bill = Bill()

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
            connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
            connection.request("POST", "/", msgspec.json.encode(request | {"ReturnConsumedCapacity": "TOTAL"}), headers)
            with connection.getresponse() as response:
                body = response.read()
            connection.close()
            consumed = msgspec.json.decode(body).get("ConsumedCapacity", [])
            for table in consumed if isinstance(consumed, list) else [consumed]:  # batches and transactions have a list
                bill.add(self.headers["x-amz-target"].partition(".")[2], table["CapacityUnits"])
            self.send_response(response.status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", bill
        finally:
            server.shutdown()
            thread.join()


def test_the_engine_bills_what_the_matrix_says(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of some 1,000 bytes: just under what the matrix is made for, so that nothing is rounded another way."""
    name = f"orders-{uuid4().hex}"
    indexes = tuple(ServedIndex(index, f"{index}pk", f"{index}sk") for index in ("gsi1", "gsi2", "gsi3"))
    tables.bring_up_to_date(ServedTable(name, "pk", "sk", indexes, None), endpoint, region="eu-west-1", note=print)
    says = costs(EVERYTHING)
    with billed(endpoint) as (proxy, bill):
        for variable, value in {"AWS_ENDPOINT_URL_DYNAMODB": proxy, "AWS_REGION": "eu-west-1"}.items():
            monkeypatch.setenv(variable, value)
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(variable, "local")
        table = TableClient(table_name=name)

        order = table.create(Order(shop_id="s1", state="open", note="x" * 600))
        where = Order.by_id(order.id)
        assert bill.take() == (0, says["put Order.by_id"][1][0])
        table.get(where)
        assert bill.take() == (says["get Order.by_id"][0][0], 0)
        table.update(where, {"note": "y" * 600, "total": Decimal(1)})
        assert bill.take() == tuple(least for least, _ in says["update Order.by_id"])
        table.update(where, {"claimed_by": "ada"})
        bill.take()
        table.update(where, {"claimed_by": "grace", "state": "paid"})
        assert bill.take() == tuple(most for _, most in says["update Order.by_id"])
        table.update(where, {"claimed_by": None})
        bill.take()
        table.delete(where)
        assert bill.take() == (0, says["delete Order.by_id"][1][0])
        table.put(Order(id="a", shop_id="s2", state="open", claimed_by="ada", note="x" * 600))
        bill.take()
        table.put(Order(id="a", shop_id="s3", state="open", claimed_by="grace", note="x" * 600))
        assert bill.take()[1] == says["put Order.by_id"][1][1]
        table.delete(Order.by_id("a"))
        assert bill.take()[1] == says["delete Order.by_id"][1][1]

        for number in range(100):
            table.create(Event(id=str(number), kind="click", note="x" * 800))
        bill.take()
        assert table.query(Event.of_kind("click"), limit=20).cursor
        assert bill.take() == (costs(backend(allow.query(Event.of_kind)))["query Event.of_kind"][0][0], 0) == (6, 0)

        table.put(Tag(name="t"))
        table.update(Tag.by_name("t"), {"note": "changed"})
        table.delete(Tag.by_name("t"))
        assert bill.take() == (0, 3)

        many = costs(backend(allow.write_many(Order)))["write_many Order.by_id"][1]
        unclaimed = Order(id="b", shop_id="s1", state="open", note="x" * 600)
        table.put_many([unclaimed])
        assert bill.take() == (0, many[0])
        table.put_many([msgspec.structs.replace(unclaimed, claimed_by="ada")])
        bill.take()
        table.put_many([msgspec.structs.replace(unclaimed, claimed_by="grace", state="paid")])
        assert bill.take() == (0, many[1])
        with table.transaction():
            table.check(Tag.by_name("t"), absent=True)
        assert bill.take() == (0, costs(backend(allow.check(Tag)))["check Tag.by_name"][1][0])

        table.create(Member(id="1", email="a", note="x" * 700))
        bill.take()
        assert table.get(Member.by_email("a"))
        assert bill.take() == (costs(backend(allow.get(Member.by_email)))["get Member.by_email"][0][0], 0) == (2, 0)

        for _ in range(25):
            table.create(Order(shop_id="full", state="open", note="x" * 750))
        bill.take()
        assert table.query(Order.by_shop("full"), limit=20).cursor
        assert bill.take() == (says["query Order.by_shop"][0][0], 0)
