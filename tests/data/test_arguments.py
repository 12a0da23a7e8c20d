"""An argument of the wrong kind, where no type checker has seen it, is named, and so is what to give."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.data.models import AccountWithOrders, Item

from taxiway.data import TableClient

table: Any = TableClient(table_name="never asked")
LAMP = Item(name="Lamp", category="home")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: table.get(Item.by_id), "get takes a key, as Item.by_id(id=…) gives, and not <Item.by_id(id)> itself."),
        (lambda: table.get(Item), "get takes a key, as Item.by_id(id=…) gives, and not the class Item."),
        (lambda: table.get("1"), "get takes a key, as Item.by_id(id=…) gives, and not a str."),
        (lambda: table.get(Item.by_category("home")), "and not a query of <Item.by_category(category)>."),
        (lambda: table.update("1", {}), "update takes a key"),
        (lambda: table.delete(LAMP), "delete takes a key, as Item.by_id(id=…) gives, and not a Item."),
        (lambda: table.get_all("1"), "get_all takes a key"),
        (lambda: table.get_many(["1"]), "get_many takes a key"),
        (lambda: table.delete_many([Item.by_id]), "delete_many takes a key"),
        (
            lambda: table.query(Item.by_id("1")),
            "query takes a query, as Item.by_category(category=…) gives, and not the key",
        ),
        (lambda: table.query(Item.by_category), "not <Item.by_category(category)> itself.\nFix: call it"),
        (lambda: list(table.each(Item.by_category)), "each takes a query"),
        (lambda: table.count("home"), "count takes a query"),
        (lambda: table.collect(AccountWithOrders), "not <collection of Account.by_id + Order.of_account> itself"),
        (
            lambda: table.create({"name": "Lamp"}),
            "create takes an object of an entity, as Item(name=…) is, and not a dict.",
        ),
        (lambda: table.put(Item), "put takes an object of an entity, as Item(name=…) is, and not the class Item."),
        (lambda: table.put_many([LAMP, "1"]), "put_many takes an object of an entity"),
    ],
)
def test_it_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


def test_a_check_in_a_transaction_is_of_a_key() -> None:
    with pytest.raises(TypeError, match="check takes a key"), table.transaction():
        table.check(LAMP)


@pytest.mark.parametrize("given", ["5", 5.0, True, None])
def test_a_number_of_items_is_an_int(given: Any) -> None:
    table = TableClient(table_name="never-asked")
    with pytest.raises(TypeError, match=rf"query takes limit as an int, and not as a {type(given).__name__}"):
        table.query(Item.by_category("c"), limit=given)
    with pytest.raises(TypeError, match="each takes page as an int"):
        next(table.each(Item.by_category("c"), page=given))
    with pytest.raises(TypeError, match="collect takes limit as an int"):
        table.collect(AccountWithOrders(id="1"), limit=given)
