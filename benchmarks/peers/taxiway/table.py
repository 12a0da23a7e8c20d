"""Reads and writes of the table by taxiway.data, and by the AWS client that it calls: the same requests."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from taxiway.data import Entity, TableClient, created, key, pattern, sortable_id, updated, version
from taxiway.sdk.client import Answer
from taxiway.sdk.dynamodb import item_to_wire

MOMENT = datetime(2026, 3, 12, 19, 3, 58, tzinfo=UTC)


class Item(Entity):
    id: str = sortable_id()
    name: str
    category: str
    price: Decimal | None = None
    tags: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="ITEM#{id}", sk="ITEM")
    def by_id(self, id: str) -> None:
        """One item."""

    @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}")
    def by_category(self, category: str) -> None:
        """Items of a category, by creation time."""


table = TableClient(table_name="items")
core = table.core
item = Item(
    id="01JV6Y0000",
    name="Fountain pen",
    category="stationery",
    price=Decimal("12.5"),
    tags=["blue", "refillable"],
    created_at=MOMENT,
)
KEY = {"pk": "ITEM#01JV6Y0000", "sk": "ITEM"}
ROW = {
    **KEY,
    "gsi1pk": "ITEM#CATEGORY#stationery",
    "gsi1sk": "2026-03-12T19:03:58.000000Z#01JV6Y0000",
    "entity": "Item",
    "id": "01JV6Y0000",
    "name": "Fountain pen",
    "category": "stationery",
    "price": Decimal("12.5"),
    "tags": ["blue", "refillable"],
    "createdAt": "2026-03-12T19:03:58.000000Z",
    "updatedAt": "2026-03-12T19:03:58.000000Z",
    "version": 1,
}


def get():
    return table.get(Item.by_id("01JV6Y0000"))


def put():
    return table.put(item)


def page():
    return table.query(Item.by_category("stationery"), limit=20).items


def core_get():
    return core.get_item("items", KEY).item


def core_put():
    return core.put_item("items", ROW)


def core_page():
    """As many as taxiway.data asks for: one more than a page, to know whether there are more."""
    page = core.query(
        "items",
        "#p = :p",
        expression_attribute_names={"#p": "gsi1pk"},
        expression_attribute_values={":p": "ITEM#CATEGORY#stationery"},
        index_name="gsi1",
        limit=21,
    )
    return page.items[:20]


class Instant:
    """An AWS client that answers at once: what a call then takes is taxiway.data's own work, and its codec's."""

    def __init__(self) -> None:
        rows = [item_to_wire(ROW | {"id": f"{n:010}", "pk": f"ITEM#{n:010}"}) for n in range(21)]
        self._answers = {
            "GetItem": msgspec.json.encode({"Item": item_to_wire(ROW)}),
            "PutItem": b"{}",
            "Query": msgspec.json.encode({"Items": rows, "Count": 21, "LastEvaluatedKey": rows[-1]}),
        }

    def call(self, operation: str, body: bytes, *, timeout: float | None = None) -> Answer:  # noqa: ARG002  as Client has it
        return Answer(self._answers[operation], 1, may_have_run=False)


alone = TableClient(table_name="items")
alone.core.client = Instant()


def own_get():
    return alone.get(Item.by_id("01JV6Y0000"))


def own_put():
    return alone.put(item)


def own_page():
    return alone.query(Item.by_category("stationery"), limit=20).items


def answer_get():
    return alone.core.get_item("items", KEY).item


def answer_put():
    return alone.core.put_item("items", ROW)


def answer_page():
    return alone.core.query("items", "pk = :p").items[:20]
