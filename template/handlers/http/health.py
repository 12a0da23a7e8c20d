"""GET /health"""

from datetime import UTC, datetime

from msgspec import Struct
from taxiway.http import Query, handler

from dal import items


class Health(Struct):
    status: str
    table: str
    timestamp: datetime


@handler
def health(deep: Query[bool] = False) -> Health:
    """Whether the backend answers; with `deep`, whether its table does too."""
    if deep:
        items.get("health")
    return Health(status="ok", table="ok" if deep else "unchecked", timestamp=datetime.now(UTC))
