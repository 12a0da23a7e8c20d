"""The peer of the template's POST /items with pydynox's models: json, checks by hand, and a conditional save."""

import json
import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal

from pydynox import DynamoDBClient, Model, ModelConfig
from pydynox.attributes import DatetimeAttribute, DecimalAttribute, NumberAttribute, StringAttribute

KNOWN = {"name", "category", "price"}


class Item(Model):
    model_config = ModelConfig(table=os.environ["TABLE_NAME"], client=DynamoDBClient(region=os.environ["AWS_REGION"]))

    pk = StringAttribute(partition_key=True)
    sk = StringAttribute(sort_key=True)
    gsi1pk = StringAttribute()
    gsi1sk = StringAttribute()
    entity = StringAttribute()
    id = StringAttribute()
    name = StringAttribute()
    category = StringAttribute()
    price = DecimalAttribute()
    createdAt = DatetimeAttribute()  # noqa: N815  a field is stored under its own name
    updatedAt = DatetimeAttribute()  # noqa: N815  likewise
    version = NumberAttribute()


def handler(event: dict, context: object) -> dict:  # noqa: ARG001  as Lambda calls it
    try:
        new = json.loads(event["body"], parse_float=Decimal)
    except ValueError:
        return answer(400, {"detail": "The body is not JSON."})
    errors = faults(new)
    if errors:
        return answer(400, {"errors": errors})
    now, id = datetime.now(UTC), str(uuid.uuid4())
    item = Item(
        **new,
        id=id,
        createdAt=now,
        updatedAt=now,
        version=1,
        entity="Item",
        pk=f"ITEM#{id}",
        sk="ITEM",
        gsi1pk=f"ITEM#CATEGORY#{new['category']}",
        gsi1sk=f"{now.isoformat()}#{id}",
    )
    item.sync_save(condition=Item.pk.not_exists())
    moment = now.isoformat()
    shown = {**new, "id": id, "createdAt": moment, "updatedAt": moment, "version": 1}
    return answer(201, shown, {"location": f"/items/{id}"})


def faults(new: object) -> list[str]:
    if not isinstance(new, dict):
        return ["must be an object"]
    errors = [f"{name} is not known" for name in new.keys() - KNOWN]
    for name, longest in (("name", 200), ("category", 100)):
        value = new.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            errors.append(f"{name} must be a string of 1 to {longest} characters")
    if not isinstance(new.get("price"), int | Decimal | None):
        errors.append("price must be a number")
    return errors


def answer(status: int, body: object, headers: dict | None = None) -> dict:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": json.dumps(body, default=float),
    }
