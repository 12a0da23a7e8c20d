"""A template of CloudFormation while it is made: troposphere checks the properties of every resource that is added."""

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
"""A text, or a reference to what CloudFormation knows when it makes the stack."""


URL_SUFFIX = Ref(AWS_URL_SUFFIX)
"""`amazonaws.com`, or what it is in the stack's partition."""


class StackTemplate:
    """The template of the stage's own stack, or of one that is nested in it."""

    def __init__(self, *, description: str | None = None, nested_as: str = "") -> None:
        self.name = nested_as
        """The logical id of a nested stack; empty for the stage's own."""
        self.arguments: dict[str, Value] = {}
        """The parameters of a nested stack, as the stage's own gives them."""
        self._template = Template(Description=description)

    def add(self, resource: Resource) -> None:
        self._template.add_resource(resource)

    def output(self, name: str, value: Value, description: str | None = None) -> None:
        self._template.add_output(Output(name, **_given({"Value": value, "Description": description})))

    def takes(self, name: str, value: Value) -> Value:
        """A value of the stage's own stack, as this one refers to it: by a parameter where it is nested."""
        if not self.name or isinstance(value, str):
            return value
        if name not in self.arguments:
            self.arguments[name] = value
            self._template.add_parameter(Parameter(name, Type="String"))
        return Ref(name)

    def gives(self, name: str, value: Value) -> Value:
        """A value of this stack, as the stage's own refers to it: by an output where it is nested."""
        if not self.name:
            return value
        if name not in self._template.outputs:
            self.output(name, value)
        return GetAtt(self.name, f"Outputs.{name}")

    def __str__(self) -> str:
        """JSON, which GetTemplate gives back as it is: of other letters than ASCII's it would make question marks."""
        return json.dumps(self._template.to_dict(), indent=1, ensure_ascii=True)


class Scope(Struct, frozen=True):
    """Where resources are added: a stack, and the names that their logical ids are made of."""

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
        """Add a resource with its properties, as CloudFormation calls them; those that are None are left out.

        `kept` says whether what is in it stays in the account when the stack loses it. Raises AttributeError, TypeError
        or ValueError where a property is none that the resource has.
        """
        made = kind.from_dict(logical_id(*self.path, name), _given(properties))
        if kept is not None:
            made.DeletionPolicy = made.UpdateReplacePolicy = "Retain" if kept else "Delete"
        wait_for(made, *after)
        self.stack.add(made)
        return made


def wait_for(resource: Resource, *others: Resource) -> None:
    """Let CloudFormation make or change a resource after these, to which it need not refer."""
    if others:
        before: list[str] = resource.resource.get("DependsOn", [])
        resource.DependsOn = [*before, *(str(other.title) for other in others)]


def joined(*parts: Value) -> Value:
    """One text of several, of which some are known to CloudFormation alone."""
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
