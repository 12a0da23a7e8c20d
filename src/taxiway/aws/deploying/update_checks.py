"""Refuses, before anything changes, updates of a table that CloudFormation would refuse halfway."""

from collections.abc import Iterable, Mapping
from typing import Any

from taxiway.aws.errors import AwsError

_TABLE = "AWS::DynamoDB::Table"


def check(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise AwsError if the table can't be updated to its declaration in one update. Both are whole templates.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    """
    for logical, old in _of(before, _TABLE):
        new = after.get("Resources", {}).get(logical)
        if new is None:
            continue
        was, will = old["Properties"], new["Properties"]
        name = will["TableName"]
        if was["TableName"] == name and _keys(was) != _keys(will):
            raise AwsError(
                f"The keys of the table {name} can't be changed: a new table would have to have the same name.",
                fix="keep its keys; or, if its data may be deleted, destroy the stage and deploy it again",
            )
        found, wanted = _indexes(was), _indexes(will)
        for index in sorted(found.keys() & wanted.keys()):
            if found[index] != wanted[index]:
                raise AwsError(
                    f"The keys of the index {index} of the table {name} can't be changed.",
                    fix="declare a new index with the new keys, and remove this one when no code queries it any more",
                )


def _of(template: Mapping[str, Any], kind: str) -> Iterable[tuple[str, Any]]:
    return ((name, each) for name, each in template.get("Resources", {}).items() if each["Type"] == kind)


def _keys(table: Mapping[str, Any]) -> Any:
    return sorted((key["KeyType"], key["AttributeName"]) for key in table["KeySchema"])


def _indexes(table: Mapping[str, Any]) -> dict[str, Any]:
    return {index["IndexName"]: _keys(index) for index in table.get("GlobalSecondaryIndexes", [])}
