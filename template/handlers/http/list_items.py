"""GET /items"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta
from taxiway.data import Page
from taxiway.http import Query, handler

from dal import items
from models.item import Category, Item


@handler
def list_items(
    category: Query[Category],
    since: Query[datetime | None] = None,
    limit: Query[Annotated[int, Meta(ge=1, le=100)]] = 20,
    cursor: Query[str | None] = None,
) -> Page[Item]:
    """List the items of a category, newest first, in pages."""
    return items.of_category(category, since=since, limit=limit, cursor=cursor)
