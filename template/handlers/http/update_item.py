"""PATCH /items/{id}"""

from taxiway.http import Path, handler

from dal import items
from models.item import Item, ItemChanges


@handler
def update_item(id: Path[str], body: ItemChanges) -> Item:
    """Change the fields of an item that the body names."""
    return items.update(id, body)
