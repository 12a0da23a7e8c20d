"""POST /users"""

from taxiway.http import Created, handler

from dal import users
from dal.requests import idempotency
from models.user import NewUser, User


@handler(idempotency=idempotency)
def create_user(body: NewUser) -> Created[User]:
    """Create a user."""
    user = users.create(body)
    return Created(user, location=f"/users/{user.id}")
