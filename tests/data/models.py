"""The entities that the tests store: those of the guide, and one of every kind of field."""
# ruff: noqa: RUF012  an entity's mutable default is copied for each object, as any msgspec struct's is

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from taxiway.data import Entity, created, key, pattern, sortable_id, updated, version


class Item(Entity):
    id: str = sortable_id()
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    category: str
    price: Decimal | None = None
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="ITEM#{id}", sk="ITEM")
    def by_id(self, id: str) -> None:
        """One item."""

    @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}")
    def by_category(self, category: str) -> None:
        """Items of a category, by creation time."""


class User(Entity):
    id: str = sortable_id()
    email: str
    name: str | None = None
    created_at: datetime = created()

    @key(pk="USER#{id}", sk="USER")
    def by_id(self, id: str) -> None:
        """One user."""

    @pattern("gsi1", pk="USER#EMAIL#{email:lower}", sk="USER")
    def by_email(self, email: str) -> None:
        """The user with an e-mail address."""


class Task(Entity):
    """No Decimals and no version; in its indexes only while it has an owner, and sorted by a number."""

    list_id: str
    id: str
    owner: str | None = None
    rank: int = 0
    labels: set[str] = set()

    @key(pk="LIST#{list_id}", sk="TASK#{id}")
    def by_id(self, list_id: str, id: str) -> None:
        """One task of a list."""

    @pattern("gsi1", pk="OWNER#{owner}", sk="TASK#{rank:06}")
    def by_owner(self, owner: str) -> None:
        """Tasks of an owner, by rank."""

    @pattern("gsi2", pk="LIST#{list_id}", sk="{rank:06}#{id}")
    def by_rank(self, list_id: str) -> None:
        """Tasks of a list, by rank."""


class Claim(Entity):
    """Nothing but its key: two that claim the same name write the same item."""

    name: str

    @key(pk="CLAIM#{name}", sk="CLAIM")
    def by_name(self, name: str) -> None:
        """One claim."""


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(Struct):
    width: Decimal
    note: str | None = None


class Everything(Entity):
    id: str
    text: str = ""
    whole: int = 0
    fraction: float = 0.0
    exact: Decimal = Decimal(0)
    maybe: Decimal | None = None
    flag: bool = False
    raw: bytes = b""
    day: date = date(2026, 1, 1)
    moment: datetime | None = None
    span: timedelta = timedelta()
    unique: UUID = UUID(int=0)
    colour: Colour = Colour.RED
    words: list[str] = []
    prices: list[Decimal] = []
    by_name: dict[str, Decimal] = {}
    by_number: dict[int, str] = {}
    size: Size | None = None
    pair: tuple[int, str] = (0, "")
    tags: set[str] = set()
    numbers: frozenset[int] = frozenset()
    mixed: int | str | None = None
    note: str | None = "none given"
    patch: str | UnsetType = UNSET
    anything: Any = None

    @key(pk="EVERYTHING#{id}", sk="EVERYTHING")
    def by_id(self, id: str) -> None:
        """One of them."""
