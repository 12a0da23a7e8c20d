"""A user, found by id or by e-mail address."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from taxiway.data import Entity, created, key, pattern, sortable_id, updated, version

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


class User(Entity):
    id: str = sortable_id()
    email: Email
    name: Name
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="USER#{id}", sk="USER")
    def by_id(self, id: str) -> None:
        """One user."""

    @pattern("gsi1", pk="USER#EMAIL#{email}", sk="{created_at}#{id}")
    def by_email(self, email: str) -> None:
        """The users with an e-mail address, which is stored in lower case."""


class NewUser(Struct, rename="camel", forbid_unknown_fields=True):
    email: Email
    name: Name
