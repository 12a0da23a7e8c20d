"""POST /items"""

from taxiway.http import Created, handler

from dal import items
from dal.requests import idempotency
from models.item import Item, NewItem


@handler(idempotency=idempotency)
def create_item(body: NewItem) -> Created[Item]:
    """Create an item."""
    item = items.create(body)
    return Created(item, location=f"/items/{item.id}")
