"""Warnings of what a deployment takes away, from the deployed templates and the new ones. Pure.

Four of the five: a grant is withdrawn, an endpoint closes, a consumer replays, backups end. `resource_changes.losses`
has the fifth, that data would be lost. docs/how-to/deploying.md describes what else happens while an update runs.
A stage's first deployment causes no warnings.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from taxiway.aws.deploying.steps import Template
from taxiway.aws.deploying.withdrawn_grants import withdrawals

Resources: TypeAlias = Mapping[str, Any]

_MAPPING = "AWS::Lambda::EventSourceMapping"


def transitions(stacks: Sequence[tuple[Template, Template]]) -> Iterator[str]:
    """Yields one text per warning: what happens, and what to do about it.

    `stacks` has the whole templates of the stage's own stack, the deployed one and the new one, and then those of its
    nested stacks.
    """
    old, new = (template.get("Resources", {}) for template in stacks[0])
    if not old:
        return
    for before, after in stacks:
        yield from withdrawals(before, after)
    yield from _closed_endpoints(old, new)
    yield from _ended_backups(old, new)
    yield from _replays(old, new)


def _closed_endpoints(old: Resources, new: Resources) -> Iterator[str]:
    """CloudFront takes minutes to change, and the API changes immediately: a CDN in front of it is a caller too."""
    if _is_closed(new) and not _is_closed(old):
        yield (
            "From this deployment on, the API's default address, …execute-api…, answers 404 to everybody who still "
            "calls it, including a CDN that has not changed yet. Keep HttpApi(default_endpoint=True) until nobody "
            "uses it."
        )
    was, becomes = (_one(of, "AWS::ApiGatewayV2::DomainName") for of in (old, new))
    if was and was["DomainName"] != becomes.get("DomainName"):
        yield f"From this deployment on, the API no longer answers at {was['DomainName']}."
    elif was and becomes.get(_MUTUAL) and not was.get(_MUTUAL):
        yield (
            f"From this deployment on, {becomes['DomainName']} refuses clients without the CDN's certificate. Let them "
            "call the CDN first."
        )


_MUTUAL = "MutualTlsAuthentication"


def _is_closed(resources: Resources) -> bool:
    return bool(_one(resources, "AWS::ApiGatewayV2::Api").get("DisableExecuteApiEndpoint"))


def _ended_backups(old: Resources, new: Resources) -> Iterator[str]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html"""
    was, becomes = (_one(of, "AWS::DynamoDB::Table") for of in (old, new))
    if was and becomes and _is_restorable(was) and not _is_restorable(becomes):
        yield (
            f"The table {becomes['TableName']} can no longer be restored to any second of the last 35 days: these "
            "backups are lost immediately, and start from zero if they are turned on again. If you may need one, make "
            "a backup first (`aws dynamodb create-backup`)."
        )


def _is_restorable(table: Resources) -> bool:
    return bool(table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"))


def _replays(old: Resources, new: Resources) -> Iterator[str]:
    """A new mapping starts with everything in the stream, which is a day: `aws.template.stream_consumers`."""
    was, will = (_functions_of_mappings(resources) for resources in (old, new))
    added = [name for key, name in will.items() if key not in was]
    if added and was:
        yield (
            f"{' and '.join(added)} receives all changes in the table's stream, up to a day's worth, including those "
            f"that {' and '.join(was.values())} has handled. Make sure that handling a change twice does no harm."
        )


def _functions_of_mappings(resources: Resources) -> dict[str, str]:
    """The name of the function of each mapping to a stream."""
    return {key: _function(resources, each) for key, each in resources.items() if each["Type"] == _MAPPING}


def _function(resources: Resources, resource: Mapping[str, Any]) -> str:
    """The name of the function that a resource belongs to, directly or through an alias."""
    of = resource["Properties"]["FunctionName"]
    if isinstance(of, str):
        return of
    return _function(resources, resources[of["Ref"] if "Ref" in of else of["Fn::GetAtt"][0]])


def _one(resources: Resources, type_: str) -> Resources:
    """The properties of the one resource of a type; empty where there is none."""
    none: Resources = {}
    return next((each["Properties"] for each in resources.values() if each["Type"] == type_), none)
