"""The same reads and writes by pydynox's own models."""

from datetime import UTC, datetime
from decimal import Decimal

from pydynox import DynamoDBClient, Model, ModelConfig
from pydynox.attributes import DatetimeAttribute, DecimalAttribute, ListAttribute, NumberAttribute, StringAttribute
from pydynox.indexes import GlobalSecondaryIndex


class Item(Model):
    model_config = ModelConfig(table="items", client=DynamoDBClient(region="eu-west-1"))

    pk = StringAttribute(partition_key=True)
    sk = StringAttribute(sort_key=True)
    gsi1pk = StringAttribute()
    gsi1sk = StringAttribute()
    entity = StringAttribute()
    id = StringAttribute()
    name = StringAttribute()
    category = StringAttribute()
    price = DecimalAttribute()
    tags = ListAttribute()
    createdAt = DatetimeAttribute()  # noqa: N815  a field is stored under its own name
    updatedAt = DatetimeAttribute()  # noqa: N815  likewise
    version = NumberAttribute()

    by_category = GlobalSecondaryIndex(index_name="gsi1", partition_key="gsi1pk", sort_key="gsi1sk")


MOMENT = datetime(2026, 3, 12, 19, 3, 58, tzinfo=UTC)
item = Item(
    pk="ITEM#01JV6Y0000",
    sk="ITEM",
    gsi1pk="ITEM#CATEGORY#stationery",
    gsi1sk="2026-03-12T19:03:58.000000Z#01JV6Y0000",
    entity="Item",
    id="01JV6Y0000",
    name="Fountain pen",
    category="stationery",
    price=Decimal("12.5"),
    tags=["blue", "refillable"],
    createdAt=MOMENT,
    updatedAt=MOMENT,
    version=1,
)


def get():
    return Item.sync_get(partition_key="ITEM#01JV6Y0000", sort_key="ITEM")


def put():
    return item.sync_save()


def page():
    return list(Item.by_category.sync_query(partition_key="ITEM#CATEGORY#stationery", limit=20))
