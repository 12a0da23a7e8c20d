"""Access to the items in the table."""

from datetime import datetime

from taxiway.data import Page

from dal.table import table
from models.item import Item, ItemChanges, NewItem


def create(new: NewItem) -> Item:
    return table.create(Item(name=new.name, category=new.category, description=new.description, price=new.price))


def get(item_id: str) -> Item | None:
    return table.get(Item.by_id(item_id))


def of_category(category: str, *, since: datetime | None, limit: int, cursor: str | None) -> Page[Item]:
    """The items of a category, newest first, created at `since` or later if given."""
    items = Item.by_category(category).newest_first()
    return table.query(items.since(since) if since else items, limit=limit, cursor=cursor)


def update(item_id: str, changes: ItemChanges, *, expect_version: int | None = None) -> Item:
    return table.update(Item.by_id(item_id), changes, expect_version=expect_version)


def delete(item_id: str, *, expect_version: int | None = None) -> Item | None:
    return table.delete(Item.by_id(item_id), expect_version=expect_version)
