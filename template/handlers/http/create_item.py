"""POST /items"""

from taxiway.http import Created, handler

from dal import items
from models.item import Item, NewItem


@handler
def create_item(body: NewItem) -> Created[Item]:
    """Create an item."""
    item = items.create(body)
    return Created(item, location=f"/items/{item.id}")
