"""GET /users/{id}"""

from taxiway.http import NotFound, Path, handler

from dal import users
from models.user import User


@handler
def get_user(id: Path[str]) -> User:
    """Read a user."""
    user = users.get(id)
    if user is None:
        raise NotFound(f"There is no user {id}.")
    return user
