"""The entities that the tests store: those of the guide, and one of every kind of field."""
# ruff: noqa: RUF012  an entity's mutable default is copied for each object, as any msgspec struct's is

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from taxiway.data import Entity, collection, created, key, lookup, pattern, sortable_id, ttl, unique, updated, version


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

    @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}", sorted_by=datetime)
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

    @pattern("gsi1", pk="USER#EMAIL#{email:fold}", sk="USER")
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

    @pattern("gsi1", pk="OWNER#{owner}", sk="TASK#{rank:06}", sorted_by=int)
    def by_owner(self, owner: str) -> None:
        """Tasks of an owner, by rank."""

    @pattern("gsi2", pk="LIST#{list_id}", sk="{rank:06}#{id}", sorted_by=int)
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


class Part(Struct, rename="camel"):
    part_name: str
    made_at: datetime
    sizes: list[Size] = []
    marks: set[bytes] = set()
    kind: Literal["big", "small"] = "big"


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
    shade: Literal["light", "dark"] | None = None
    secrets: set[bytes] = set()
    parts: list[Part] = []
    by_place: dict[str, list[Part]] = {}
    days: list[date | None] = []
    expires_at: datetime | None = ttl()
    note: str | None = "none given"
    patch: str | UnsetType = UNSET
    anything: Any = None

    @key(pk="EVERYTHING#{id}", sk="EVERYTHING")
    def by_id(self, id: str) -> None:
        """One of them."""


class Session(Entity):
    """Gone some time after its last use."""

    id: str
    owner: str
    uses: int = 0
    valid_until: datetime | None = ttl()

    @key(pk="SESSION#{id}", sk="SESSION")
    def by_id(self, id: str) -> None:
        """One session."""

    @pattern("gsi1", pk="SESSION#OWNER#{owner}", sk="{id}")
    def by_owner(self, owner: str) -> None:
        """Sessions of an owner."""


class Account(Entity):
    """Its e-mail address is its own in any case of letters, its handle within its tenant, where it has one."""

    id: str
    email: str = unique("{email:fold}")
    tenant: str = "t"
    handle: str | None = unique("{tenant}#{handle}", default=None)
    balance: Decimal = Decimal(0)
    expires_at: datetime | None = ttl()
    version: int = version()

    @key(pk="ACCOUNT#{id}", sk="ACCOUNT")
    def by_id(self, id: str) -> None:
        """One account."""

    @lookup("email")
    def by_email(self, email: str) -> None:
        """The account with an e-mail address."""

    @lookup("handle")
    def by_handle(self, tenant: str, handle: str) -> None:
        """The account with a handle in its tenant."""


class Order(Entity):
    """In the partition of its account."""

    account: str
    id: str
    total: float = 0.0
    paid: bool = False

    @key(pk="ACCOUNT#{account}", sk="ORDER#{id}")
    def by_id(self, account: str, id: str) -> None:
        """One order."""

    @pattern(pk="ACCOUNT#{account}", sk="ORDER#{id}", sorted_by=str)
    def of_account(self, account: str) -> None:
        """Orders of an account."""


AccountWithOrders = collection(Account.by_id, Order.of_account)


class Shelf(Entity):
    """Every kind of field that can be changed where it is."""

    id: str
    stock: Annotated[int, Meta(ge=0, le=100)] = 10
    seen: int | None = None
    weight: float = 0.0
    price: Decimal = Decimal(0)
    rank: int = 0
    notes: list[str] = []
    last: Annotated[list[str], Meta(max_length=2)] = []
    tags: set[str] = set()
    groups: set[str] | None = None
    updated_at: datetime = updated()

    @key(pk="SHELF#{id}", sk="SHELF")
    def by_id(self, id: str) -> None:
        """One shelf."""

    @pattern("gsi1", pk="SHELVES", sk="{rank:03}#{id}")
    def by_rank(self) -> None:
        """Every shelf, by rank."""
