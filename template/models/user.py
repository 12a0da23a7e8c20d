"""A user, found by id or by e-mail address."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from taxiway.data import Entity, created, key, lookup, sortable_id, unique, updated, version

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


class User(Entity):
    id: str = sortable_id()
    email: Email = unique("{email:fold}")
    name: Name
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="USER#{id}", sk="USER")
    def by_id(self, id: str) -> None:
        """One user."""

    @lookup("email")
    def by_email(self, email: str) -> None:
        """The user with an e-mail address, in any case."""


class NewUser(Struct, rename="camel", forbid_unknown_fields=True):
    email: Email
    name: Name
