"""PATCH /items/{id}"""

from taxiway.http import IfMatch, Path, handler

from dal import items
from models.item import Item, ItemChanges


@handler
def update_item(id: Path[str], body: ItemChanges, if_match: IfMatch = None) -> Item:
    """Change the fields in the body; with If-Match, only if the item has the version that the client has read."""
    return items.update(id, body, expect_version=if_match)
