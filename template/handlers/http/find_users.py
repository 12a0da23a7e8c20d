"""GET /users"""

from typing import Annotated

from msgspec import Meta
from taxiway.data import Page
from taxiway.http import Query, handler

from dal import users
from models.user import Email, User


@handler
def find_users(
    email: Query[Email],
    limit: Query[Annotated[int, Meta(ge=1, le=100)]] = 20,
    cursor: Query[str | None] = None,
) -> Page[User]:
    """Find users by their e-mail address."""
    return users.with_email(email, limit=limit, cursor=cursor)
