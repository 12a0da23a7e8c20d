"""The peer of the template's POST /items: the same work with Powertools' resolver, pydantic and boto3."""

import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from pydantic import BaseModel, ConfigDict, Field

app = APIGatewayHttpResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


class NewItem(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    category: str = Field(min_length=1, max_length=100)
    price: Decimal | None = None


class Item(NewItem):
    id: str
    createdAt: datetime  # noqa: N815  the name in the table and in the JSON
    updatedAt: datetime  # noqa: N815  likewise
    version: int


@app.post("/items")
def create_item(new: NewItem) -> Response[Item]:
    now = datetime.now(UTC)
    item = Item(**new.model_dump(), id=str(uuid.uuid4()), createdAt=now, updatedAt=now, version=1)
    stored = {name: value for name, value in item.model_dump().items() if value is not None}
    stored["createdAt"] = stored["updatedAt"] = now.isoformat()
    table.put_item(
        Item={
            **stored,
            "entity": "Item",
            "pk": f"ITEM#{item.id}",
            "sk": "ITEM",
            "gsi1pk": f"ITEM#CATEGORY#{item.category}",
            "gsi1sk": f"{stored['createdAt']}#{item.id}",
        },
        ConditionExpression="attribute_not_exists(pk)",
    )
    return Response(
        status_code=201, content_type="application/json", body=item, headers={"Location": f"/items/{item.id}"}
    )


def handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
