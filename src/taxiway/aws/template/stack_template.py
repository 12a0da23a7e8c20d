"""Builds a CloudFormation template: troposphere checks the properties of each resource that is added."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

from msgspec import Struct

from taxiway.aws.template.cloudformation_types import (
    AWS_URL_SUFFIX,
    AWSHelperFn,
    AWSObject,
    GetAtt,
    Join,
    Output,
    Parameter,
    Ref,
    Template,
)
from taxiway.aws.template.logical_ids import logical_id

Resource: TypeAlias = AWSObject
Value: TypeAlias = str | AWSHelperFn
"""A string, or a reference that CloudFormation resolves when it creates the stack."""

URL_SUFFIX = Ref(AWS_URL_SUFFIX)
"""`amazonaws.com`, or `amazonaws.com.cn` in China."""


class StackTemplate:
    """The template of the stage's own stack, or of a stack nested in it."""

    def __init__(self, *, description: str | None = None, nested_as: str = "") -> None:
        self.name = nested_as
        """The logical id of a nested stack; empty for the stage's own."""
        self.arguments: dict[str, Value] = {}
        """The values of a nested stack's parameters, in the stage's own stack."""
        self._template = Template(Description=description)

    def add(self, resource: Resource) -> None:
        self._template.add_resource(resource)

    def output(self, name: str, value: Value, description: str | None = None) -> None:
        self._template.add_output(Output(name, **_given({"Value": value, "Description": description})))

    def takes(self, name: str, value: Value) -> Value:
        """Refer to a value of the stage's own stack: by a parameter if this stack is nested."""
        if not self.name or isinstance(value, str):
            return value
        if name not in self.arguments:
            self.arguments[name] = value
            self._template.add_parameter(Parameter(name, Type="String"))
        return Ref(name)

    def gives(self, name: str, value: Value) -> Value:
        """Let the stage's own stack refer to a value of this one: by an output if this stack is nested."""
        if not self.name:
            return value
        if name not in self._template.outputs:
            self.output(name, value)
        return GetAtt(self.name, f"Outputs.{name}")

    def __str__(self) -> str:
        """JSON in ASCII, because GetTemplate returns other characters as question marks."""
        return json.dumps(self._template.to_dict(), indent=1, ensure_ascii=True)


class Scope(Struct, frozen=True):
    """Where resources are added: a stack, and the first parts of their logical ids."""

    stack: StackTemplate
    path: tuple[str, ...] = ()

    def within(self, *names: str) -> "Scope":
        return Scope(self.stack, (*self.path, *names))

    def add(
        self,
        kind: type[Resource],
        name: str,
        *,
        after: Iterable[Resource] = (),
        kept: bool | None = None,
        **properties: Any,
    ) -> Resource:
        """Add a resource. Its properties have CloudFormation's names; those that are None are left out.

        With `kept`, the resource stays in the account when it leaves the stack; without, it is deleted. Raises
        AttributeError, TypeError or ValueError if a property is unknown or has a value of the wrong type.
        """
        made = kind.from_dict(logical_id(*self.path, name), _given(properties))
        if kept is not None:
            made.DeletionPolicy = made.UpdateReplacePolicy = "Retain" if kept else "Delete"
        wait_for(made, *after)
        self.stack.add(made)
        return made


def wait_for(resource: Resource, *others: Resource) -> None:
    """Let CloudFormation create or update a resource only after these."""
    if others:
        before: list[str] = resource.resource.get("DependsOn", [])
        resource.DependsOn = [*before, *(str(other.title) for other in others)]


def joined(*parts: Value) -> Value:
    """Concatenate strings and references."""
    merged: list[Value] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged[0] if len(merged) == 1 else Join("", merged)


def _given(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties without those that are None."""
    return {name: _within(value) for name, value in properties.items() if value is not None}


def _within(value: object) -> object:
    if isinstance(value, Mapping):
        return _given(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return [_within(each) for each in cast("list[object]", value)]
    return value
