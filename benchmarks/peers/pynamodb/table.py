"""The same reads and writes by PynamoDB."""

import os
from datetime import UTC, datetime
from decimal import Decimal

from pynamodb.attributes import Attribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.constants import NUMBER, STRING
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model


class DecimalAttribute(Attribute[Decimal]):
    """An exact number: PynamoDB's own is a float."""

    attr_type = NUMBER

    def serialize(self, value: Decimal) -> str:
        return str(value)

    def deserialize(self, value: str) -> Decimal:
        return Decimal(value)


class TimestampAttribute(Attribute[datetime]):
    """A time as the table has it: PynamoDB's own writes the zone as +0000 and reads nothing else."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return value.isoformat(timespec="microseconds")[:26] + "Z"

    def deserialize(self, value: str) -> datetime:
        return datetime.fromisoformat(value)


class ByCategory(GlobalSecondaryIndex["Item"]):
    class Meta:
        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class Item(Model):
    class Meta:
        table_name = "items"
        region = "eu-west-1"
        host = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    entity = UnicodeAttribute()
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    category = UnicodeAttribute()
    price = DecimalAttribute(null=True)
    tags = ListAttribute(of=UnicodeAttribute)
    created_at = TimestampAttribute(attr_name="createdAt")
    updated_at = TimestampAttribute(attr_name="updatedAt")
    version = NumberAttribute()
    by_category = ByCategory()


MOMENT = datetime(2026, 3, 12, 19, 3, 58, tzinfo=UTC)
item = Item(
    "ITEM#01JV6Y0000",
    "ITEM",
    gsi1pk="ITEM#CATEGORY#stationery",
    gsi1sk="2026-03-12T19:03:58.000000Z#01JV6Y0000",
    entity="Item",
    id="01JV6Y0000",
    name="Fountain pen",
    category="stationery",
    price=Decimal("12.5"),
    tags=["blue", "refillable"],
    created_at=MOMENT,
    updated_at=MOMENT,
    version=1,
)


def get():
    return Item.get("ITEM#01JV6Y0000", "ITEM")


def put():
    return item.save()


def page():
    return list(Item.by_category.query("ITEM#CATEGORY#stationery", limit=20, page_size=20))
