"""An item of the catalogue, and the fields that a client may send."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from taxiway.data import Entity, created, key, pattern, sortable_id, updated, version

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Description = Annotated[str, Meta(max_length=2000)]
Category = Annotated[str, Meta(min_length=1, max_length=100)]


class Item(Entity):
    id: str = sortable_id()
    name: Name
    category: Category
    description: Description | None = None
    price: Decimal | None = None
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="ITEM#{id}", sk="ITEM")
    def by_id(self, id: str) -> None:
        """One item."""

    # taxiway: allow[unbounded-partition] a category has a few thousand items, and few of them are written in a second
    # taxiway: allow[wide-projection] a list shows the description too, and few are long
    # taxiway: allow[mutable-key] a category is seldom changed, and the item belongs in the other list then
    @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}", sorted_by=datetime)
    def by_category(self, category: str) -> None:
        """The items of a category, by creation time."""


class NewItem(Struct, rename="camel", forbid_unknown_fields=True):
    name: Name
    category: Category
    description: Description | None = None
    price: Decimal | None = None


class ItemChanges(Struct, rename="camel", forbid_unknown_fields=True):
    """Omitted fields are unchanged; a description or a price of null is removed."""

    name: Name | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    price: Decimal | UnsetType | None = UNSET
