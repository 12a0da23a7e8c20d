"""Finds grants that a gradual release removes while the old code still serves requests. Pure.

A function has one role for all of its versions, and CloudFormation changes the role before the function. If all
requests move at once, the gap is seconds; if CodeDeploy shifts them gradually, it is minutes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from taxiway.aws.deploying.steps import Template

_BY_THE_CODE = ("dynamodb:", "secretsmanager:")
"""The services that a function's own code calls; Lambda uses the others, or they follow from these."""


class _Allowed(NamedTuple):
    """One action on one resource, and for some on partition keys of one form alone."""

    action: str
    resource: str
    key: str | None


def withdrawals(old: Template, new: Template) -> Iterator[str]:
    """Yields a warning for each function whose new code is released gradually, and which loses a grant at the start.

    Both are whole templates of one stack. A removed index is deleted after the release (`steps`), but the grants on it
    before. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
    """
    before: Mapping[str, Any] = old.get("Resources", {})
    after: Mapping[str, Any] = new.get("Resources", {})
    for logical, function in after.items():
        was = before.get(logical)
        if function["Type"] != "AWS::Lambda::Function" or was is None:
            continue
        if not (_alias(before, logical) and "UpdatePolicy" in _alias(after, logical)):
            continue  # no old code that lasts
        if was["Properties"]["Code"] == function["Properties"]["Code"]:
            continue  # what the old code can't do then, the new can't either
        kept = _allowed(after, function)
        lost = [each for each in _allowed(before, was) if not any(_covers(other, each) for other in kept)]
        if lost:
            yield (
                f"The function {function['Properties']['FunctionName']} loses {_listed(lost)} before its new code gets "
                "all requests: the old code, which serves most of them until the release is complete, fails when it "
                "calls that. First deploy the code that does not need the grant; remove the grant in the next "
                "deployment."
            )


def _alias(resources: Mapping[str, Any], function: str) -> Mapping[str, Any]:
    """The alias of a function; empty where it has none."""
    aliases = (each for each in resources.values() if each["Type"] == "AWS::Lambda::Alias")
    none: Mapping[str, Any] = {}
    return next((each for each in aliases if each["Properties"]["FunctionName"] == {"Ref": function}), none)


def _allowed(resources: Mapping[str, Any], function: Mapping[str, Any]) -> list[_Allowed]:
    role = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    return [
        _Allowed(action, resource if isinstance(resource, str) else json.dumps(resource), key)
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        if action.startswith(_BY_THE_CODE)
        for resource in statement["Resource"]
        for key in _leading_keys(statement)
    ]


def _leading_keys(statement: Mapping[str, Any]) -> Sequence[str | None]:
    """The forms of partition keys that a statement holds for; one None where it holds for all."""
    for values in statement.get("Condition", {}).values():
        if "dynamodb:LeadingKeys" in values and isinstance(values["dynamodb:LeadingKeys"], list):
            return values["dynamodb:LeadingKeys"]
    return (None,)


def _covers(kept: _Allowed, lost: _Allowed) -> bool:
    if (kept.action, kept.resource) != (lost.action, lost.resource):
        return False
    return kept.key is None or (lost.key is not None and fnmatchcase(lost.key, kept.key.replace("[", "[[]")))


def _listed(lost: Sequence[_Allowed]) -> str:
    """`dynamodb:Query on table/shop-prod/index/gsi1 (ORDER#*)`, and so on."""
    by_place: dict[str, dict[str, None]] = {}
    for action, resource, key in lost:
        name = resource.split(":", 5)[-1] + (f" ({key})" if key else "")
        by_place.setdefault(name, {})[action] = None
    return ", and ".join(f"{', '.join(actions)} on {place}" for place, actions in by_place.items())
