"""Read by the type checker, never run: what an editor knows of an entity, its keys and its patterns."""

from datetime import UTC, datetime
from typing import assert_type

from tests.data.models import Item, Task

from taxiway.data import Key, Page, Query, TableClient
from taxiway.declare import get, put, query

table = TableClient()
item = Item(name="Lamp", category="home")

assert_type(Item.by_id("1"), Key[Item])
assert_type(Item.by_id(id="1"), Key[Item])
assert_type(Item.by_category(category="home"), Query[Item])
assert_type(Item.by_category("home").since(datetime.now(UTC)).newest_first(), Query[Item])
assert_type(table.get(Item.by_id("1")), Item | None)
assert_type(table.create(item), Item)
assert_type(table.put(item), Item)
assert_type(table.update(Item.by_id("1"), {"name": "x"}, expect_version=1), Item)
assert_type(table.delete(Task.by_id("l", id="1")), Task | None)
assert_type(table.query(Task.by_owner("ann")), Page[Task])
assert_type(table.query(Item.by_category("home")).items, list[Item])

get(Item)
put(Item)
query(Item.by_category)

Item.by_id()  # expect: reportCallIssue
Item.by_id(name="1")  # expect: reportCallIssue
Item.by_id(1)  # expect: reportArgumentType
Item.by_category(category=None)  # expect: reportArgumentType
Task.by_id("l")  # expect: reportCallIssue
Task.by_owner("ann", "l")  # expect: reportCallIssue
Item("Lamp", "home")  # expect: reportCallIssue
Item(name="Lamp")  # expect: reportCallIssue
Item(name="Lamp", category=5)  # expect: reportArgumentType
item.name = "Chair"  # expect: reportAttributeAccessIssue
table.get(Item.by_category("home"))  # expect: reportArgumentType
table.query(Item.by_id("1"))  # expect: reportArgumentType
