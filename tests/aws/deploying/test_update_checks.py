"""What CloudFormation refuses of a table's update, by the pages of AWS, is refused before it is asked."""

from typing import Any

import pytest

from taxiway.aws.deploying.update_checks import check
from taxiway.aws.errors import AwsError


def template(*, key: str = "pk", indexes: dict[str, str] | None = None, ttl: str | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "TableName": "items-dev",
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {"IndexName": name, "KeySchema": [{"AttributeName": of, "KeyType": "HASH"}]}
            for name, of in (indexes or {}).items()
        ],
    }
    if ttl:
        properties["TimeToLiveSpecification"] = {"AttributeName": ttl, "Enabled": True}
    return {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (template(), template(key="id"), "The keys of the table items-dev can't be changed"),
        (
            template(indexes={"a": "a"}),
            template(indexes={"a": "x"}),
            "The keys of the index a of the table items-dev can't be changed",
        ),
    ],
)
def test_it_is_refused_by_name(before: dict[str, Any], after: dict[str, Any], problem: str) -> None:
    with pytest.raises(AwsError, match=problem) as refused:
        check(before, after)
    assert refused.value.fix


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, template(indexes={"a": "a", "b": "b"}, ttl="until")),
        (template(indexes={"a": "a", "b": "b"}), template(indexes={"b": "b", "a": "a"})),
        (template(indexes={"a": "a"}), template(indexes={"b": "b", "c": "c"})),
        (template(indexes={"a": "a"}), template()),
        (template(), template(ttl="until")),
        (template(ttl="until"), template()),
        (template(key="id"), {"Resources": {}}),
    ],
)
def test_what_can_be_done_is_let_through(before: dict[str, Any], after: dict[str, Any]) -> None:
    check(before, after)
