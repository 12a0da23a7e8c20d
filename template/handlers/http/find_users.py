"""GET /users"""

from taxiway.data import Page
from taxiway.http import Query, handler

from dal import users
from models.user import Email, User


@handler
def find_users(email: Query[Email]) -> Page[User]:
    """Find the user with an e-mail address."""
    user = users.with_email(email)
    return Page([] if user is None else [user])
