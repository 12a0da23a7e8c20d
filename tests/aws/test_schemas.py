"""What MiniStack can't deploy, checked by those who define it: CloudFormation's schemas, AWS's models of its APIs."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator
from hypothesis import given, settings
from tests.aws.backends import packages
from tests.aws.snapshot import path_of
from tests.aws.test_any_declaration import UNSHRUNK, backends, stages

from taxiway import Backend, Stage
from taxiway.aws.template.synthesis import synthesize

CALLS: dict[tuple[str, str], tuple[str, str]] = {
    ("AWS::ApiGatewayV2::Api", ""): ("apigatewayv2", "CreateApi"),
    ("AWS::ApiGatewayV2::Stage", ""): ("apigatewayv2", "CreateStage"),
    ("AWS::ApplicationAutoScaling::ScalableTarget", ""): ("application-autoscaling", "RegisterScalableTarget"),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", ""): ("application-autoscaling", "PutScalingPolicy"),
    ("AWS::CloudWatch::Alarm", ""): ("cloudwatch", "PutMetricAlarm"),
    ("AWS::CodeDeploy::Application", ""): ("codedeploy", "CreateApplication"),
    ("AWS::CodeDeploy::DeploymentGroup", ""): ("codedeploy", "CreateDeploymentGroup"),
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification"): ("dynamodb", "UpdateContinuousBackups"),
    ("AWS::DynamoDB::Table", "TimeToLiveSpecification"): ("dynamodb", "UpdateTimeToLive"),
    ("AWS::Logs::MetricFilter", ""): ("logs", "PutMetricFilter"),
}
"""The call that makes a resource, or one property of it, which MiniStack refuses, drops, or accepts and ignores."""

MADE_BY_CLOUDFORMATION: dict[str, dict[str, Any]] = {
    "PutMetricFilter": {"filterName": "sample"},
    "CreateDeploymentGroup": {"deploymentGroupName": "sample"},
    "UpdateContinuousBackups": {"TableName": "sample"},
    "UpdateTimeToLive": {"TableName": "sample"},
}
"""What a call needs and CloudFormation itself fills in."""

NOT_CHECKED = "sample"
"""Stands for what is only known when the template is deployed."""


def resolved(value: Any) -> Any:
    """The value with a sample in the place of each reference."""
    if isinstance(value, list):
        return [resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
        return NOT_CHECKED
    return {name: resolved(each) for name, each in value.items()}


def sent(shape: Shape, value: Any) -> Any:
    """Properties by the names that the API gives them: CodeDeploy's begin with a small letter, for one."""
    match shape:
        case StructureShape() if isinstance(value, dict):
            names = {name.lower(): name for name in shape.members}
            own = {names.get(name.lower(), name): each for name, each in value.items()}
            return {
                name: sent(shape.members[name], each) if name in names.values() else each for name, each in own.items()
            }
        case ListShape() if isinstance(value, list):
            return [sent(shape.member, each) for each in value]
        case MapShape() if isinstance(value, dict):
            return {name: sent(shape.value, each) for name, each in value.items()}
        case MapShape() if isinstance(value, list):  # CloudFormation lists the pairs of some maps
            return {each["Key"]: sent(shape.value, each["Value"]) for each in value}
        case _:
            return value


def unlisted(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Names and values that the model does not list: botocore leaves those to the service."""
    match shape:
        case StructureShape():
            yield from (f"{path}.{name} is not in the model" for name in value.keys() - shape.members.keys())
            for name in value.keys() & shape.members.keys():
                yield from unlisted(shape.members[name], value[name], f"{path}.{name}")
        case ListShape():
            yield from chain.from_iterable(unlisted(shape.member, each, f"{path}[]") for each in value)
        case MapShape():
            yield from chain.from_iterable(unlisted(shape.value, each, f"{path}.{key}") for key, each in value.items())
        case StringShape() if shape.enum and value not in (*shape.enum, NOT_CHECKED):
            yield f"{path} is {value!r}, and must be one of {', '.join(shape.enum)}"
        case _:
            pass


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def mistakes(kind: str, only: str, properties: dict[str, Any]) -> list[str]:
    service, operation = CALLS[kind, only]
    shape = model(service).operation_model(operation).input_shape
    assert shape is not None
    value = resolved({only: properties[only]} if only else properties)
    for aside in {"RoleARN", "Tags"} - shape.members.keys():  # CloudFormation's own
        value.pop(aside, None)
    if "ScalingTargetId" in value:  # the target that it stands for has these three
        target = dict.fromkeys(("ResourceId", "ServiceNamespace", "ScalableDimension"), NOT_CHECKED)
        value = {**{name: each for name, each in value.items() if name != "ScalingTargetId"}, **target}
    value = sent(shape, MADE_BY_CLOUDFORMATION.get(operation, {}) | value)
    report = ParamValidator().validate(value, shape)
    return [*([report.generate_report()] if report.has_errors() else []), *unlisted(shape, value, operation)]


def checked(template: Path) -> dict[tuple[str, str], list[str]]:
    """The mistakes by resource type and property, for those that a template has."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, resource in json.loads(template.read_text())["Resources"].items():
        properties = resource.get("Properties", {})
        for kind, only in CALLS:
            if resource["Type"] == kind and (not only or only in properties):
                found.setdefault((kind, only), []).extend(f"{name}: {e}" for e in mistakes(kind, only, properties))
    return found


def test_what_ministack_cannot_deploy_of_prod_is_what_the_apis_accept() -> None:
    found = checked(path_of("prod"))
    assert found.keys() == {key for key in CALLS if "AutoScaling" not in key[0]}
    assert list(chain.from_iterable(found.values())) == []


def test_what_ministack_cannot_deploy_of_everything_declared_is_too(assembly: Callable[[str], Path]) -> None:
    found = checked(assembly("everything") / "shop-prod.template.json")
    assert {key for key in CALLS if "AutoScaling" in key[0]} <= found.keys()
    assert list(chain.from_iterable(found.values())) == []


@pytest.mark.parametrize(
    ("kind", "change", "mistake"),
    [
        ("AWS::CloudWatch::Alarm", {"ComparisonOperator": "GreaterThan"}, "must be one of"),
        ("AWS::CloudWatch::Alarm", {"Thresold": 1}, "not in the model"),
        ("AWS::CloudWatch::Alarm", {"EvaluationPeriods": "1"}, "Invalid type"),
        ("AWS::CodeDeploy::DeploymentGroup", {"ServiceRoleArn": 1}, "Invalid type"),
    ],
)
def test_a_mistake_is_found(kind: str, change: dict[str, Any], mistake: str) -> None:
    resources = json.loads(path_of("prod").read_text())["Resources"].values()
    properties = next(each["Properties"] for each in resources if each["Type"] == kind)
    assert mistakes(kind, "", properties) == []
    assert any(mistake in found for found in mistakes(kind, "", properties | change))


@pytest.mark.synth
def test_every_resource_of_prod_is_valid_by_cloudformations_schema() -> None:
    """cfn-lint has them; it also checks each property's values against them, which fails for what they don't list."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    for resource in json.loads(path_of("prod").read_text())["Resources"].values():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", resource["Type"]).schema
        properties = resource.get("Properties", {}).keys()
        assert properties <= schema["properties"].keys(), resource["Type"]
        assert set(schema.get("required", [])) <= properties, resource["Type"]
        read_only = {path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", [])}
        assert not properties & read_only, resource["Type"]


@pytest.mark.synth
def test_cfn_lint_finds_nothing_in_twenty_random_declarations(tmp_path: Path) -> None:
    """Except for two warnings: W3005, a dependency that a reference implies, and W3010, zones that are named."""
    templates: list[Path] = []

    @settings(max_examples=20, phases=UNSHRUNK)
    @given(backends(), stages)
    def render(backend: Backend, at: Stage) -> None:
        directory = tmp_path / str(len(templates))
        directory.mkdir()
        made = synthesize(backend, at, packages=packages(backend, directory), directory=directory / "assembly")
        templates.extend(file.path for file in made.files if file.is_template)

    render()
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3005", "W3010"]
    done = subprocess.run([*command, "--", *templates], capture_output=True, text=True, check=False)
    assert len(templates) >= 20
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
