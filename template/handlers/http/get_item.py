"""GET /items/{id}"""

from taxiway.http import NotFound, Path, handler

from dal import items
from models.item import Item


@handler
def get_item(id: Path[str]) -> Item:
    """Read an item."""
    item = items.get(id)
    if item is None:
        raise NotFound(f"There is no item {id}.")
    return item
