"""The peer of the template's POST /items without a framework: json, checks by hand, and boto3's client."""

import json
import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import boto3

client = boto3.client("dynamodb")
KNOWN = {"name", "category", "price"}


def handler(event: dict, context: object) -> dict:  # noqa: ARG001  as Lambda calls it
    try:
        new = json.loads(event["body"], parse_float=Decimal)
    except ValueError:
        return answer(400, {"detail": "The body is not JSON."})
    errors = faults(new)
    if errors:
        return answer(400, {"errors": errors})
    now = datetime.now(UTC).isoformat()
    item = {**new, "id": str(uuid.uuid4()), "createdAt": now, "updatedAt": now, "version": 1}
    stored = {name: wire(value) for name, value in item.items() if value is not None}
    client.put_item(
        TableName=os.environ["TABLE_NAME"],
        Item={
            **stored,
            "entity": {"S": "Item"},
            "pk": {"S": f"ITEM#{item['id']}"},
            "sk": {"S": "ITEM"},
            "gsi1pk": {"S": f"ITEM#CATEGORY#{item['category']}"},
            "gsi1sk": {"S": f"{now}#{item['id']}"},
        },
        ConditionExpression="attribute_not_exists(pk)",
    )
    return answer(201, item, {"location": f"/items/{item['id']}"})


def wire(value: object) -> dict:
    return {"N": str(value)} if isinstance(value, int | Decimal) else {"S": value}


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
