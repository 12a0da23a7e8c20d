"""PATCH /items/{id}"""

from taxiway.http import IfMatch, Path, handler

from dal import items
from models.item import Item, ItemChanges


@handler
def update_item(id: Path[str], body: ItemChanges, if_match: IfMatch = None) -> Item:
    """Change the fields of an item that the body names; with If-Match, only the version that the client has read."""
    return items.update(id, body, expect_version=if_match)
