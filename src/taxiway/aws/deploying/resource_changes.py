"""What a change set of CloudFormation would do, in words: what is added, changed, replaced and deleted."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Action: TypeAlias = Literal["delete", "replace", "may replace", "change", "add", "keep"]

_ORDER: tuple[Action, ...] = ("delete", "replace", "may replace", "keep", "change", "add")

_KINDS = {
    "AWS::ApiGatewayV2::Api": "API",
    "AWS::ApiGatewayV2::ApiMapping": "domain mapping",
    "AWS::ApiGatewayV2::Authorizer": "authorizer",
    "AWS::ApiGatewayV2::DomainName": "domain",
    "AWS::ApiGatewayV2::Integration": "integration",
    "AWS::ApiGatewayV2::Route": "route",
    "AWS::ApiGatewayV2::Stage": "API stage",
    "AWS::CloudFormation::Stack": "nested stack",
    "AWS::CloudFront::Distribution": "CDN",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::Alias": "alias",
    "AWS::Lambda::EventSourceMapping": "stream mapping",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Permission": "permission",
    "AWS::Lambda::Version": "version",
    "AWS::Logs::LogGroup": "log group",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::SecretsManager::Secret": "secret",
}
_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105  the type of a resource
_HOLD_LOGS = frozenset({"AWS::Logs::LogGroup"})
"""Their contents expire after some days, and are deleted with each function: listed, but no reason to ask."""
_HOLD_NOTHING = _HOLD_LOGS | {
    f"AWS::{service}::{resource}"
    for service, resources in {
        "ApiGatewayV2": "Api ApiMapping Authorizer DomainName Integration Route Stage",
        "ApplicationAutoScaling": "ScalableTarget ScalingPolicy",
        "CloudFormation": "Stack",
        "CloudFront": "CachePolicy Distribution",
        "CloudWatch": "Alarm Dashboard",
        "CodeDeploy": "Application DeploymentGroup",
        "EC2": "FlowLog RouteTable SecurityGroup Subnet SubnetRouteTableAssociation VPC VPCEndpoint",
        "IAM": "Role",
        "Lambda": "Alias EventSourceMapping Function Permission Version",
        "Logs": "MetricFilter",
        "Route53": "RecordSet",
        "SNS": "Subscription Topic TopicPolicy",
        "SQS": "QueuePolicy",
        "SecretsManager": "RotationSchedule",
        "WAFv2": "WebACL",
    }.items()
    for resource in resources.split()
}
"""Types that can be created again without loss; the resources of a nested stack are listed. Others may hold data."""
_NAMES = (
    *("FunctionName", "TableName", "RouteKey", "LogGroupName", "QueueName", "TopicName", "AlarmName", "DashboardName"),
    *("DomainName", "RoleName", "StageName", "Name"),
)
_REPLACEMENT: dict[str, Action] = {"True": "replace", "Conditional": "may replace"}
# What of a resource changes because something else does: what it refers to, or what is in a nested stack.
_FROM_ELSEWHERE = ("ResourceReference", "ResourceAttribute", "Automatic")
_HASH = re.compile(r"[0-9A-F]{8}$")
_PART = re.compile(r"(.+)(?:Role|Permission|Integration|Alias|Release|ErrorLines|Version[0-9A-Fa-f]*)")
"""What is of one function, by its logical id, which begins as that of the function does."""
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WIDTH = 116


class ResourceChange(Struct, frozen=True):
    """What becomes of one resource."""

    action: Action
    type: str
    name: str
    properties: tuple[str, ...] = ()
    is_retained: bool = False
    """What is there now stays in the account, out of the stack's reach."""
    is_consequence: bool = False
    """It does not change itself: it refers to a resource that does, or is the nested stack around one."""
    is_generated_anew: bool = False
    """A secret whose whole value is generated again."""

    @property
    def kind(self) -> str:
        return kind(self.type)

    @property
    def parts_with_data(self) -> bool:
        """Whether the backend would no longer have what is in it."""
        return self.is_generated_anew or (holds_data(self.type) and self.action not in ("add", "change"))


def kind(type_: str) -> str:
    """`function` for `AWS::Lambda::Function`."""
    return _KINDS.get(type_) or _words(type_.rpartition("::")[2])


def holds_data(type_: str) -> bool:
    """Whether what is lost with such a resource can't be deployed again."""
    return type_ not in _HOLD_NOTHING


def names(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """What a person calls each resource of two templates, by its logical id.

    That is the function's name where it is a part of a function, as its role is; its own name where the template gives
    it one; and else its name in the template.
    """
    resources: dict[str, Any] = {**old.get("Resources", {}), **new.get("Resources", {})}
    functions = {
        _HASH.sub("", logical).removesuffix("Function"): resource["Properties"]["FunctionName"]
        for logical, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function" and "FunctionName" in resource.get("Properties", {})
    }
    return {logical: _name(logical, resource, functions) for logical, resource in resources.items()}


def _name(logical_id: str, resource: Mapping[str, Any], functions: Mapping[str, str]) -> str:
    plain = _HASH.sub("", logical_id)
    part = _PART.fullmatch(plain)
    if part and part[1] in functions:
        return functions[part[1]]
    properties: Mapping[str, Any] = resource.get("Properties") or {}
    named = next((properties[key] for key in _NAMES if isinstance(properties.get(key), str)), None)
    return named or plain


def read(
    described: Iterable[Mapping[str, Any]], old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[ResourceChange]:
    """The changes of a change set, as DescribeChangeSet gives them, between two templates.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    """
    before: Mapping[str, Any] = old.get("Resources", {})
    after: Mapping[str, Any] = new.get("Resources", {})
    called = names(old, new)
    changes: list[ResourceChange] = []
    for entry in described:
        change = entry["ResourceChange"]
        logical: str = change["LogicalResourceId"]
        details: Sequence[Mapping[str, Any]] = change.get("Details", ())
        own = [detail for detail in details if not _is_consequence(detail)]
        targets = [detail["Target"] for detail in own or details]
        changes.append(
            ResourceChange(
                _action(change, before.get(logical, {})),
                change["ResourceType"],
                called.get(logical, logical),
                tuple(dict.fromkeys(_words(target.get("Name") or target["Attribute"]) for target in targets)),
                is_retained=_policy(change, before.get(logical, {})).endswith("Retain"),
                is_consequence=bool(details) and not own,
                is_generated_anew=_is_generated_anew(change, before, after),
            )
        )
    return changes


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ResourceChange]:
    """The changes between two templates, where CloudFormation does not say: a stack's first or last, for one.

    What holds data and is changed may be replaced: a template does not tell.
    """
    before: Mapping[str, Mapping[str, Any]] = old.get("Resources", {})
    after: Mapping[str, Mapping[str, Any]] = new.get("Resources", {})
    entries = [
        {"ResourceChange": {"LogicalResourceId": logical, "ResourceType": resource["Type"], **how}}
        for logical, resource in {**before, **after}.items()
        if (how := _how(before.get(logical), after.get(logical)))
    ]
    return read(entries, old, new)


def _how(was: Mapping[str, Any] | None, becomes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What becomes of a resource of two templates, as a change set would have it; None where nothing does."""
    if was is None:
        return {"Action": "Add"}
    if becomes is None:
        return {"Action": "Remove"}
    old, new = was.get("Properties", {}), becomes.get("Properties", {})
    differing = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    if not differing:
        return None
    return {
        "Action": "Modify",
        "Replacement": "Conditional" if holds_data(becomes["Type"]) else "False",
        "Details": [{"Target": {"Attribute": "Properties", "Name": key}} for key in differing],
    }


def report(changes: Sequence[ResourceChange]) -> list[str]:
    """Lines for a person: what is lost first, what is added last, and of that one line for each kind."""
    own = [change for change in changes if not change.is_consequence or change.parts_with_data]
    width = max((len(change.kind) for change in own), default=0) + 1
    lines: list[str] = []
    for action in _ORDER:
        chosen = [change for change in own if change.action == action]
        if action == "add":
            lines += _added(chosen, width)
        else:
            lines += [_line(change, width) for change in sorted(chosen, key=lambda change: (change.kind, change.name))]
    consequences = len(changes) - len(own)
    if consequences:
        lines.append(f"  and {consequences} that follow{'s' if consequences == 1 else ''} from these")
    return lines


def losses(changes: Iterable[ResourceChange]) -> list[str]:
    """A sentence for everything whose data the backend would no longer have."""
    how = {
        "delete": "is deleted",
        "replace": "is replaced by an empty one",
        "may replace": "may be replaced by an empty one",
        "keep": "leaves the stack",
        "change": "is generated again",
    }
    return [
        f"The {change.kind} {change.name} {how[change.action]}; {_fate(change)}."
        for change in changes
        if change.parts_with_data
    ]


def _fate(change: ResourceChange) -> str:
    if change.action == "change":
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-secret-value.html
        return "its values, including keys that were set later, can be read as AWSPREVIOUS until it changes again"
    return "its data stays in the account, unused" if change.is_retained else "its data is lost"


def _policy(change: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """What becomes of a resource that leaves: Delete, Retain, Snapshot, ReplaceAndDelete, ReplaceAndRetain …"""
    declared = "DeletionPolicy" if change["Action"] == "Remove" else "UpdateReplacePolicy"
    return str(change.get("PolicyAction") or before.get(declared) or "Delete")


def _is_generated_anew(change: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a changed GenerateSecretString creates a new version of a secret, without the previous values.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
    """
    if change["ResourceType"] != _SECRET or change["Action"] != "Modify":
        return False
    was, becomes = (
        template.get(change["LogicalResourceId"], {}).get("Properties", {}).get("GenerateSecretString")
        for template in (before, after)
    )
    return was != becomes


def _action(change: Mapping[str, Any], before: Mapping[str, Any]) -> Action:
    if change["Action"] == "Remove":
        return "keep" if _policy(change, before).endswith("Retain") else "delete"
    if change["Action"] == "Modify":
        return _REPLACEMENT.get(change.get("Replacement", ""), "change")
    if change["Action"] == "Dynamic":  # CloudFormation can't tell before it does it
        return "may replace"
    return "add"


def _is_consequence(detail: Mapping[str, Any]) -> bool:
    """Whether a property changes only because something else may."""
    return detail.get("Evaluation") == "Dynamic" and detail.get("ChangeSource") in _FROM_ELSEWHERE


def _added(changes: Iterable[ResourceChange], width: int) -> list[str]:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for change in changes:
        by_kind[change.kind].append(change.name)
    lines: list[str] = []
    for called, found in sorted(by_kind.items()):
        start = f"  {'add':<12} {called + ('s' if len(found) > 1 else ''):<{width}}  {len(found):>3}  "
        listed = ", ".join(sorted(found))
        lines.append(start + (listed if len(start + listed) <= _WIDTH else f"{listed[: _WIDTH - len(start) - 2]} …"))
    return lines


def _line(change: ResourceChange, width: int) -> str:
    said = f"  {change.action:<12} {change.kind:<{width}}  {change.name}"
    if change.parts_with_data:
        return f"{said}  ({_fate(change)})"
    if change.type in _HOLD_LOGS and change.action in ("delete", "replace"):
        return f"{said}  (what was logged is lost)"
    if change.action == "keep":
        return f"{said}  (leaves the stack, stays in the account)"
    return f"{said}  {', '.join(change.properties)}".rstrip()


def _words(camel: str) -> str:
    return _WORD.sub(" ", camel).lower()
