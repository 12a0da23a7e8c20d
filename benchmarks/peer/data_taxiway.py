"""Reads and writes of the table by taxiway.data, and by the core that it calls: the same requests, nothing else."""

from datetime import UTC, datetime
from decimal import Decimal

from taxiway.data import Entity, TableClient, created, key, pattern, sortable_id, updated, version

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
NUMBERS = {"fields": frozenset(["price"]), "variants": {}}


def get():
    return table.get(Item.by_id("01JV6Y0000"))


def put():
    return table.put(item)


def page():
    return table.query(Item.by_category("stationery"), limit=20).items


def core_get():
    return core.sync_get_item("items", KEY, False, _number_schema=NUMBERS)[0]


def core_put():
    return core.sync_put_item("items", ROW)


def core_page():
    """As many as taxiway.data asks for: one more than a page, to know whether there are more."""
    rows, *_ = core.sync_query_page(
        "items",
        "#p = :p",
        None,
        None,
        {"#p": "gsi1pk"},
        {":p": "ITEM#CATEGORY#stationery"},
        21,
        None,
        True,
        "gsi1",
        False,
        _number_schema=NUMBERS,
    )
    return rows[:20]


class Instant:
    """A core that answers at once: what a call then takes is taxiway.data's own work, and the making of the answer."""

    def __init__(self) -> None:
        self.rows = [ROW | {"id": f"{number:010}", "pk": f"ITEM#{number:010}"} for number in range(21)]

    def sync_get_item(self, *_: object, **__: object):
        return dict(ROW), None

    def sync_put_item(self, *_: object, **__: object):
        return None, None

    def sync_query_page(self, *_: object, **__: object):
        return [dict(row) for row in self.rows], {"pk": "more"}, None


instant = Instant()
alone = TableClient(table_name="items")
alone._core = instant  # noqa: SLF001  what is measured is what is around it


def own_get():
    return alone.get(Item.by_id("01JV6Y0000"))


def own_put():
    return alone.put(item)


def own_page():
    return alone.query(Item.by_category("stationery"), limit=20).items


def answer_get():
    return instant.sync_get_item()


def answer_put():
    return instant.sync_put_item()


def answer_page():
    return instant.sync_query_page()[0][:20]
