"""What a change set says, in words. The change sets are as DescribeChangeSet gives them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import BACKENDS

from taxiway.aws.deploying.resource_changes import ResourceChange, holds_data, losses, names, read, report

TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "items-prod"}}
FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "items-prod_health"}}
ROUTE = {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /health"}}
SECRET = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "items/prod"}}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def entry(action: str, logical_id: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    change = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": resource["Type"], **more}
    return {"Type": "Resource", "ResourceChange": change}


def detail(name: str, *, evaluation: str = "Static", source: str = "DirectModification") -> dict[str, Any]:
    return {
        "Target": {"Attribute": "Properties", "Name": name},
        "Evaluation": evaluation,
        "ChangeSource": source,
    }


def test_what_is_of_a_function_is_called_by_it_and_what_has_no_name_as_in_the_template() -> None:
    other = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "items-prod_get"}}
    found = names(
        template(FunctionsgetRole1A2B3C4D={"Type": "AWS::IAM::Role"}),
        template(
            FunctionsgetFunction0A0B0C0D=other,
            FunctionsgethealthFunction38F3D8FF=FUNCTION,
            FunctionsgethealthRole14D4CAFC={"Type": "AWS::IAM::Role", "Properties": {"Path": "/items/prod/"}},
            FunctionsgethealthAliasF8D12E58={"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live"}},
            FunctionsgethealthVersion8648f204843243AD42BA={"Type": "AWS::Lambda::Version"},
            ReleaseRole9D1BAB5F={"Type": "AWS::IAM::Role"},
            TableCD117FA1=TABLE,
        ),
    )

    assert found == {
        "FunctionsgetRole1A2B3C4D": "items-prod_get",
        "FunctionsgetFunction0A0B0C0D": "items-prod_get",
        "FunctionsgethealthFunction38F3D8FF": "items-prod_health",
        "FunctionsgethealthRole14D4CAFC": "items-prod_health",
        "FunctionsgethealthAliasF8D12E58": "items-prod_health",
        "FunctionsgethealthVersion8648f204843243AD42BA": "items-prod_health",
        "ReleaseRole9D1BAB5F": "ReleaseRole",
        "TableCD117FA1": "items-prod",
    }


def test_what_is_added_is_counted_by_kind_and_named() -> None:
    other = {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /items"}}
    changes = read(
        [entry("Add", "A", FUNCTION), entry("Add", "B", ROUTE), entry("Add", "C", other)],
        {},
        template(A=FUNCTION, B=ROUTE, C=other),
    )

    assert report(changes) == [
        "  add          function     1  items-prod_health",
        "  add          routes       2  GET /health, GET /items",
    ]


def test_a_change_says_which_properties() -> None:
    changed = entry("Modify", "A", FUNCTION, Replacement="False", Details=[detail("Code"), detail("MemorySize")])

    assert report(read([changed], template(A=FUNCTION), template(A=FUNCTION))) == [
        "  change       function   items-prod_health  code, memory size"
    ]


def test_a_replaced_table_comes_first_and_its_data_is_said_to_be_lost() -> None:
    changes = read(
        [
            entry("Modify", "F", FUNCTION, Replacement="False", Details=[detail("Code")]),
            entry(
                "Modify",
                "T",
                TABLE,
                Replacement="True",
                PolicyAction="ReplaceAndDelete",
                Details=[detail("KeySchema")],
            ),
        ],
        template(F=FUNCTION, T=TABLE),
        template(F=FUNCTION, T=TABLE),
    )

    assert report(changes)[0] == "  replace      table      items-prod  (its data is lost)"
    assert losses(changes) == ["The table items-prod is replaced by an empty one; its data is lost."]


def test_a_log_that_goes_with_its_function_is_told_and_not_asked_about() -> None:
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/items-prod_health"}}
    changes = read(
        [entry("Remove", "L", log, PolicyAction="Delete"), entry("Remove", "F", FUNCTION, PolicyAction="Delete")],
        template(L=log, F=FUNCTION),
        {},
    )

    assert report(changes) == [
        "  delete       function    items-prod_health",
        "  delete       log group   /aws/lambda/items-prod_health  (what was logged is lost)",
    ]
    assert losses(changes) == []


def test_a_log_that_is_kept_for_longer_loses_nothing() -> None:
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/items-prod_health"}}
    changed = entry("Modify", "L", log, Replacement="False", Details=[detail("RetentionInDays")])

    assert report(read([changed], template(L=log), template(L=log))) == [
        "  change       log group   /aws/lambda/items-prod_health  retention in days"
    ]


def test_a_replacement_that_only_may_come_is_asked_about_too() -> None:
    changed = entry("Modify", "T", TABLE, Replacement="Conditional", Details=[detail("KeySchema")])

    assert losses(read([changed], template(T=TABLE), template(T=TABLE))) == [
        "The table items-prod may be replaced by an empty one; its data is lost."
    ]


def test_a_deleted_secret_is_lost_and_a_deleted_function_is_not() -> None:
    changes = read([entry("Remove", "S", SECRET), entry("Remove", "F", FUNCTION)], template(S=SECRET, F=FUNCTION), {})

    assert losses(changes) == ["The secret items/prod is deleted; its data is lost."]
    assert [(change.action, change.name) for change in changes] == [
        ("delete", "items/prod"),
        ("delete", "items-prod_health"),
    ]


def test_what_a_backend_never_has_may_hold_data_and_is_asked_about() -> None:
    bucket = {"Type": "AWS::S3::Bucket"}
    changes = read([entry("Remove", "Uploads", bucket)], template(Uploads=bucket), {})

    assert losses(changes) == ["The bucket Uploads is deleted; its data is lost."]
    assert losses(read([entry("Add", "Uploads", bucket)], {}, template(Uploads=bucket))) == []


@pytest.mark.parametrize("name", BACKENDS)
def test_of_what_a_backend_has_tables_secrets_and_queues_hold_data_and_nothing_else(
    name: str, assembly: Callable[[str], Path]
) -> None:
    templates = [json.loads(path.read_text()) for path in assembly(name).glob("*.template.json")]
    types = {resource["Type"] for each in templates for resource in each["Resources"].values()}

    assert {each for each in types if holds_data(each)} <= {TABLE["Type"], SECRET["Type"], "AWS::SQS::Queue"}


def generated(key: str) -> dict[str, Any]:
    """A secret as a stack makes it."""
    return {**SECRET, "Properties": {**SECRET["Properties"], "GenerateSecretString": {"GenerateStringKey": key}}}


def test_a_secret_that_is_generated_otherwise_loses_what_is_in_it_and_is_asked_about() -> None:
    old, new = template(S=generated("k")), template(S=generated("cursorKey"))
    changed = entry("Modify", "S", SECRET, Replacement="False", Details=[detail("GenerateSecretString")])
    fate = "its values, including keys that were set later, can be read as AWSPREVIOUS until it changes again"

    changes = read([changed], old, new)
    assert losses(changes) == [f"The secret items/prod is generated again; {fate}."]
    assert report(changes) == [f"  change       secret   items/prod  ({fate})"]
    described = entry("Modify", "S", SECRET, Replacement="False", Details=[detail("Description")])
    assert losses(read([described], new, new)) == []


def test_a_table_that_is_retained_leaves_the_stack_and_that_is_asked_about() -> None:
    retained = {**TABLE, "DeletionPolicy": "Retain"}
    by_policy = read([entry("Remove", "T", retained)], template(T=retained), {})
    by_action = read([entry("Remove", "T", TABLE, PolicyAction="Retain")], template(T=TABLE), {})

    assert by_policy == by_action
    assert losses(by_policy) == ["The table items-prod leaves the stack; its data stays in the account, unused."]


def test_what_only_refers_to_something_that_changes_is_counted_and_not_listed() -> None:
    follows = detail("Target", evaluation="Dynamic", source="ResourceReference")
    changes = read(
        [
            entry("Modify", "F", FUNCTION, Replacement="False", Details=[detail("Code")]),
            entry("Modify", "R", ROUTE, Replacement="Conditional", Details=[follows]),
        ],
        template(F=FUNCTION, R=ROUTE),
        template(F=FUNCTION, R=ROUTE),
    )

    assert report(changes) == [
        "  change       function   items-prod_health  code",
        "  and 1 that follows from these",
    ]


def test_a_table_that_may_be_replaced_is_listed_even_where_it_only_refers() -> None:
    follows = detail("SSESpecification", evaluation="Dynamic", source="ResourceAttribute")
    changed = entry("Modify", "T", TABLE, Replacement="Conditional", Details=[follows])

    assert losses(read([changed], template(T=TABLE), template(T=TABLE)))


def test_a_resource_without_a_name_is_called_as_in_the_template_and_an_unknown_kind_by_its_type() -> None:
    other = {"Type": "AWS::CodeDeploy::DeploymentGroup"}

    assert read([entry("Add", "healthRelease1A2B3C4D", other)], {}, template(healthRelease1A2B3C4D=other)) == [
        ResourceChange("add", "AWS::CodeDeploy::DeploymentGroup", "healthRelease")
    ]
    assert "deployment group" in report([ResourceChange("add", "AWS::CodeDeploy::DeploymentGroup", "healthRelease")])[0]
