"""DELETE /items/{id}"""

from taxiway.http import IfMatch, NoContent, NotFound, Path, handler

from dal import items


@handler
def delete_item(id: Path[str], if_match: IfMatch = None) -> NoContent:
    """Delete an item; with If-Match, only if it has the version that the client has read."""
    if items.delete(id, expect_version=if_match) is None:
        raise NotFound(f"There is no item {id}.")
    return NoContent()
