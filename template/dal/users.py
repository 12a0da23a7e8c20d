"""Access to the users in the table."""

from dal.table import table
from models.user import NewUser, User


def create(new: NewUser) -> User:
    return table.create(User(email=new.email, name=new.name))


def get(user_id: str) -> User | None:
    return table.get(User.by_id(user_id))


def with_email(email: str) -> User | None:
    return table.get(User.by_email(email))
