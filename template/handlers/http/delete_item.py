"""DELETE /items/{id}"""

from taxiway.http import NoContent, NotFound, Path, handler

from dal import items


@handler
def delete_item(id: Path[str]) -> NoContent:
    """Delete an item."""
    if items.delete(id) is None:
        raise NotFound(f"There is no item {id}.")
    return NoContent()
