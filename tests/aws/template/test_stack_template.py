"""Resources of a template: their properties are checked, and what one stack tells another resolves."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import BACKENDS

from taxiway.aws.template.cloudformation_types import dynamodb, logs, sqs
from taxiway.aws.template.stack_template import Scope, StackTemplate, joined, wait_for

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}]


def rendered(stack: StackTemplate) -> dict[str, Any]:
    return json.loads(str(stack))


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Each resource or parameter that is referred to, with the attribute that is asked for."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"], ""
        elif "Fn::GetAtt" in value:
            yield tuple(value["Fn::GetAtt"])
        else:
            for each in value.values():
                yield from references(each)


def unresolved(directory: Path) -> list[tuple[str, str, str]]:
    """The references in the templates of a stage that lead nowhere, and parameters that get no value."""
    contents = {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in directory.iterdir()}
    root = min(contents, key=len)
    found: list[tuple[str, str, str]] = []
    for name, content in contents.items():
        known = {*content["Resources"], *content.get("Parameters", {}), "AWS::URLSuffix"}
        for resource, attribute in references([content["Resources"], content.get("Outputs", {})]):
            nested = contents.get(f"{root}.{resource}", {})
            output = attribute.removeprefix("Outputs.")
            if resource not in known or (output != attribute and output not in nested["Outputs"]):
                found.append((name, resource, attribute))
        waits = [each for resource in content["Resources"].values() for each in resource.get("DependsOn", [])]
        found += [(name, each, "") for each in waits if each not in content["Resources"]]
        if name != root:
            given = contents[root]["Resources"][name.removeprefix(f"{root}.")]["Properties"].get("Parameters", {})
            found += [(name, each, "") for each in given.keys() ^ content.get("Parameters", {}).keys()]
    return found


def table(**properties: Any) -> dict[str, Any]:
    """A table in a template of its own."""
    stack = StackTemplate()
    Scope(stack).add(dynamodb.Table, "Table", **properties)
    return rendered(stack)["Resources"]["Table"]


@pytest.mark.parametrize("name", BACKENDS)
def test_every_reference_leads_to_something_in_all_stacks_of_a_stage(
    name: str, assembly: Callable[[str], Path]
) -> None:
    assert unresolved(assembly(name)) == []


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"KeySchema": KEYS, "TabelName": "t"}, "does not have a TabelName property"),
        ({"KeySchema": [{"AttributName": "pk", "KeyType": "HASH"}]}, "does not have a AttributName property"),
        ({"KeySchema": KEYS, "TableName": 7}, "TableName is <class 'int'>"),
        ({"TableName": "t"}, "KeySchema required"),
    ],
)
def test_a_property_that_cloudformation_does_not_have_is_refused(properties: dict[str, Any], says: str) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError), match=says):
        table(**properties)


def test_properties_that_are_none_are_left_out_however_deep() -> None:
    index = {"IndexName": "a", "KeySchema": KEYS, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": None}}

    assert table(
        KeySchema=KEYS, BillingMode="PAY_PER_REQUEST", TableName=None, GlobalSecondaryIndexes=[index], kept=True
    ) == {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": KEYS,
            "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [
                {"IndexName": "a", "KeySchema": KEYS, "Projection": {"ProjectionType": "ALL"}},
            ],
        },
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def test_a_resource_waits_for_all_that_it_was_told_to_wait_for() -> None:
    stack = StackTemplate()
    first, second, third = (Scope(stack).add(sqs.Queue, name) for name in ("One", "Two", "Three"))
    wait_for(third, first)
    wait_for(third, second)

    assert rendered(stack)["Resources"]["Three"]["DependsOn"] == ["One", "Two"]


def test_two_stacks_pass_values_by_parameters_and_outputs_and_one_stack_as_they_are() -> None:
    own, nested = StackTemplate(), StackTemplate(nested_as="Functions1")
    queue = Scope(own).add(sqs.Queue, "Queue")
    inside = [nested.takes("Queue", queue.ref()) for _ in range(2)]
    Scope(nested).add(logs.LogGroup, "Log", LogGroupName=inside[0])
    outside = [nested.gives("LogArn", joined("arn:", inside[1])) for _ in range(2)]

    assert [each.to_dict() for each in outside if not isinstance(each, str)] == [
        {"Fn::GetAtt": ["Functions1", "Outputs.LogArn"]}
    ] * 2
    assert {name: value == queue.ref() for name, value in nested.arguments.items()} == {"Queue": True}
    content = rendered(nested)
    assert content["Parameters"] == {"Queue": {"Type": "String"}}
    assert content["Outputs"] == {"LogArn": {"Value": {"Fn::Join": ["", ["arn:", {"Ref": "Queue"}]]}}}
    assert own.takes("Queue", queue.ref()) == own.gives("Queue", queue.ref()) == queue.ref()
    assert nested.takes("Zone", "eu-west-1a") == "eu-west-1a"  # what is known needs no parameter


def test_strings_beside_each_other_become_one() -> None:
    queue = Scope(StackTemplate()).add(sqs.Queue, "Queue").ref()

    assert joined("a", "b") == "ab"
    assert joined("a", "b", queue, "", "c").to_dict() == {"Fn::Join": ["", ["ab", {"Ref": "Queue"}, "c"]]}
