"""Read by the type checker, never run: what an editor knows of an entity, its keys and its patterns."""

from datetime import UTC, datetime
from typing import Never, assert_type

from msgspec import Struct
from tests.data.models import Account, AccountWithOrders, Item, Order, Session, Task

from taxiway.data import (
    Condition,
    Entity,
    Key,
    Lookup,
    Page,
    Query,
    SortedQuery,
    TableClient,
    attr,
    collection,
    key,
    sortable_id,
    version,
)
from taxiway.data.conditions import Path
from taxiway.declare import allow

table = TableClient()
item = Item(name="Lamp", category="home")

assert_type(Item.by_id("1"), Key[Item])
assert_type(Item.by_id(id="1"), Key[Item])
assert_type(Item.by_category(category="home"), SortedQuery[Item, datetime])
assert_type(Item.by_category("home").since(datetime.now(UTC)).newest_first(), SortedQuery[Item, datetime])
query_of_any_order: Query[Item] = Item.by_category("home")
assert_type(table.get(Item.by_id("1")), Item | None)
assert_type(Account.by_email("a"), Lookup[Account])
assert_type(table.get(Account.by_email("a")), Account | None)
assert_type(table.create(item), Item)
assert_type(table.put(item), Item)
assert_type(table.update(Item.by_id("1"), {"name": "x"}, expect_version=1), Item)
assert_type(table.delete(Task.by_id("l", id="1")), Task | None)
assert_type(table.query(Task.by_owner("ann")), Page[Task])
assert_type(table.query(Item.by_category("home")).items, list[Item])


class Stored(Entity, abstract=True):
    id: str = sortable_id()
    version: int = version()


class Shelf(Stored):
    room: str

    @key(pk="SHELF#{id}", sk="SHELF")
    def by_id(self, id: str) -> None: ...


assert_type(table.create(Shelf(room="attic")).version, int)
Shelf()  # expect: reportCallIssue


class Card(Struct):
    name: str


assert_type(table.query(Item.by_category("home").only(Card).newest_first()), Page[Card])
assert_type(list(table.each(Task.by_owner("ann").prefix("0"))), list[Task])
assert_type(table.count(Task.by_owner("ann")), int)
assert_type(attr(Item.name), Path[str])
assert_type(attr(Item.name).begins_with("A") & ~attr(Item.category).is_in(["a"]), Condition)
assert_type(Item.by_category("home").where(attr(Item.name) > "A"), SortedQuery[Item, datetime])
assert_type(Task.by_owner("ann").where(Task.rank > 3).between(1, 4), SortedQuery[Task, int])
assert_type(Order.of_account(account="1"), SortedQuery[Order, str])
assert_type(Session.by_owner("ann"), SortedQuery[Session, Never])
assert_type(table.query(Session.by_owner("ann").prefix("0")), Page[Session])
assert_type(table.collect(AccountWithOrders(id="1")), tuple[Account | None, list[Order]])
assert_type(table.get_all(Item.by_id("1"), Task.by_id("l", "1")), tuple[Item | None, Task | None])
assert_type(table.get_all(*[Item.by_id("1")]), tuple[Item | None, ...])
assert_type(table.get_many([Item.by_id("1")]), list[Item | None])
assert_type(table.put_many([item]), list[Item])
assert_type(Session(id="1", owner="ann").valid_until, datetime | None)
table.update(Task.by_id("l", "1"), {"rank": Task.rank + 1}, condition=Task.rank < 9)
table.delete(Task.by_id("l", "1"), condition=(Task.rank > 1) & attr(Task.owner).exists())
with table.transaction():
    table.check(Item.by_id("1"), attr(Item.price) > 10)

allow.get(Item)
allow.get(Account.by_email)
allow.put(Item)
allow.query(Order.of_account)
allow.query(AccountWithOrders)
allow.query(Item.by_category)

Account.by_handle("a")  # expect: reportCallIssue
table.delete(Account.by_email("a"))  # expect: reportArgumentType
Item.by_id()  # expect: reportCallIssue
Item.by_id(name="1")  # expect: reportCallIssue
Item.by_id(1)  # expect: reportArgumentType
Item.by_category(category=None)  # expect: reportArgumentType
Task.by_id("l")  # expect: reportCallIssue
Task.by_owner("ann", "l")  # expect: reportCallIssue
Item("Lamp", "home")  # expect: reportCallIssue
Item(name="Lamp")  # expect: reportCallIssue
Item(name="Lamp", category=5)  # expect: reportArgumentType
Account(id="1")  # expect: reportCallIssue
Order.of_account()  # expect: reportCallIssue
AccountWithOrders(account="1")  # expect: reportCallIssue
collection(Account.by_id, "x")  # expect: reportArgumentType
attr(Item.name).is_in([1])  # expect: reportArgumentType
attr(Item.nmae)  # expect: reportAttributeAccessIssue
table.put(item, condition="name = 1")  # expect: reportArgumentType
Item.by_category("home").only(5)  # expect: reportArgumentType
Item.by_category("home").since("yesterday")  # expect: reportArgumentType
Task.by_owner("ann").between(1, "4")  # expect: reportArgumentType
Session.by_owner("ann").since("0")  # expect: reportArgumentType
item.name = "Chair"  # expect: reportAttributeAccessIssue
table.get(Item.by_category("home"))  # expect: reportArgumentType
table.query(Item.by_id("1"))  # expect: reportArgumentType
