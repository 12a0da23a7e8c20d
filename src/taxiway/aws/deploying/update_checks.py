"""What CloudFormation would refuse of an update only after it has begun, told before anything is touched."""

from collections.abc import Iterable, Mapping
from typing import Any

from taxiway.aws.errors import AwsError

_TABLE = "AWS::DynamoDB::Table"


def check(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise AwsError where the table can't become what is declared, or not at once. Both are whole templates.

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
                f"The table {name} would have to be made anew for other keys, and two tables can't have one name.",
                fix="keep its keys; or, where it may go with all that is in it, destroy the stage and deploy it again",
            )
        found, wanted = _indexes(was), _indexes(will)
        for index in sorted(found.keys() & wanted.keys()):
            if found[index] != wanted[index]:
                raise AwsError(
                    f"The index {index} of the table {name} would have other keys, and an index keeps those it has.",
                    fix="declare one with the other keys under another name, and drop this one once nothing asks it",
                )
        ttl = [properties.get("TimeToLiveSpecification", {}).get("AttributeName") for properties in (was, will)]
        if all(ttl) and ttl[0] != ttl[1]:
            raise AwsError(
                f"The table {name} expires items by {ttl[0]}, and can't go over to {ttl[1]} at once.",
                fix="deploy without ttl= first, and an hour later with the new one",
            )


def _of(template: Mapping[str, Any], kind: str) -> Iterable[tuple[str, Any]]:
    return ((name, each) for name, each in template.get("Resources", {}).items() if each["Type"] == kind)


def _keys(table: Mapping[str, Any]) -> Any:
    return sorted((key["KeyType"], key["AttributeName"]) for key in table["KeySchema"])


def _indexes(table: Mapping[str, Any]) -> dict[str, Any]:
    return {index["IndexName"]: _keys(index) for index in table.get("GlobalSecondaryIndexes", [])}
