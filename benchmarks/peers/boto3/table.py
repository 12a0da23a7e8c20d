"""The same reads and writes by boto3's resource, which gives dictionaries."""

from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Key

table = boto3.resource("dynamodb").Table("items")


def get():
    return table.get_item(Key={"pk": "ITEM#01JV6Y0000", "sk": "ITEM"})["Item"]


def put():
    created = "2026-03-12T19:03:58.000000Z"
    return table.put_item(
        Item={
            "pk": "ITEM#01JV6Y0000",
            "sk": "ITEM",
            "gsi1pk": "ITEM#CATEGORY#stationery",
            "gsi1sk": f"{created}#01JV6Y0000",
            "entity": "Item",
            "id": "01JV6Y0000",
            "name": "Fountain pen",
            "category": "stationery",
            "price": Decimal("12.5"),
            "tags": ["blue", "refillable"],
            "createdAt": created,
            "updatedAt": created,
            "version": 1,
        }
    )


def page():
    found = Key("gsi1pk").eq("ITEM#CATEGORY#stationery")
    return table.query(IndexName="gsi1", KeyConditionExpression=found, Limit=20)["Items"]
