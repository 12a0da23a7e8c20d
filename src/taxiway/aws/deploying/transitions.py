"""Warnings of what breaks while an update runs, from the deployed templates and the new ones. Pure.

Updates that CloudFormation can't do at all are refused by `update_checks`; declarations that do less than they seem to
are reported by `template.warnings`. A stage's first deployment causes no warnings here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from taxiway.aws.deploying.steps import Template
from taxiway.aws.deploying.withdrawn_grants import withdrawals
from taxiway.aws.template import quotas

Resources: TypeAlias = Mapping[str, Any]

_OF_ONE_API = {
    "AWS::ApiGatewayV2::Authorizer": ("authorizers", quotas.AUTHORIZERS),
    "AWS::ApiGatewayV2::Integration": ("integrations", quotas.INTEGRATIONS),
    "AWS::ApiGatewayV2::Route": ("routes", quotas.ROUTES),
}


def transitions(stacks: Sequence[tuple[Template, Template]]) -> Iterator[str]:
    """Yields one text per warning: what happens, and what to do about it.

    `stacks` has the whole templates of the stage's own stack, the deployed one and the new one, and then those of its
    nested stacks.
    """
    old, new = (_resources(template) for template in stacks[0])
    if not old:
        return
    for before, after in stacks:
        yield from withdrawals(before, after)
    yield from _of_the_edge(old, new)
    yield from _of_quotas(_all(stacks, 0), _all(stacks, 1))
    yield from _of_the_table(stacks)
    yield from _of_the_network(stacks)
    yield from _of_consumers(old, new)
    yield from _of_readers(old, new)


def _of_the_edge(old: Resources, new: Resources) -> Iterator[str]:
    """CloudFront takes minutes to change, and the API changes immediately.

    CloudFormation waits until a distribution is deployed, and deletes resources last, so in the right order nothing
    fails meanwhile; `aws.template.edge` orders the changes if the domain exists already.
    """
    closes = _is_closed(new) and not _is_closed(old)
    was, becomes = _domain(old), _domain(new)
    moves = _one(old, _CDN) and _one(new, _CDN) and _is_closed(new) and becomes and was.get(_NAME) != becomes[_NAME]
    if moves:
        shows = ", and without the CDN's client_certificate" if becomes.get(_MUTUAL) else ""
        yield (
            f"The CDN switches to {becomes[_NAME]}, which does not exist yet: requests through the CDN fail for some "
            "minutes, until the domain exists, its name resolves, and CloudFront has changed everywhere. First deploy "
            f"with HttpApi(default_endpoint=True){shows}, so that the CDN uses the API's default address; check that "
            "the domain answers; then deploy this declaration."
        )
    if closes:
        yield (
            "From this deployment on, the API's default address, …execute-api…, answers 404 to everybody who still "
            "calls it. Keep HttpApi(default_endpoint=True) until nobody uses it."
        )
    asked, asks = was.get(_MUTUAL), becomes.get(_MUTUAL)
    if was and asks and not asked:
        yield (
            f"From this deployment on, {becomes[_NAME]} refuses clients without the CDN's certificate. Let them call "
            "the CDN first."
        )
    if asked and asks and asked != asks and _shown(old) != _shown(new):
        yield (
            "The CDN's certificate and the trust store change together, and CloudFront presents the old certificate "
            "for some minutes more. First deploy a trust_store with both authorities and the current certificate; then "
            "the new certificate."
        )


_CDN = "AWS::CloudFront::Distribution"
_NAME = "DomainName"
_MUTUAL = "MutualTlsAuthentication"


def _domain(resources: Resources) -> Resources:
    return _one(resources, "AWS::ApiGatewayV2::DomainName")


def _is_closed(resources: Resources) -> bool:
    return bool(_one(resources, "AWS::ApiGatewayV2::Api").get("DisableExecuteApiEndpoint"))


def _shown(resources: Resources) -> Any:
    """The certificate that the CDN presents to the API."""
    origins = _one(resources, _CDN).get("DistributionConfig", {}).get("Origins", [{}])
    return origins[0].get("CustomOriginConfig", {}).get("OriginMtlsConfig")


def _of_quotas(old: Resources, new: Resources) -> Iterator[str]:
    """New resources are created before old ones are deleted, and changes have no order."""
    counts = [
        (f"{what} of the API", _count(old, type_), _count({**old, **new}, type_), _count(new, type_), most)
        for type_, (what, most) in _OF_ONE_API.items()
    ]
    reserved, will = _reserved(old), _reserved(new)
    highest = sum(max(reserved.get(name, 0), will.get(name, 0)) for name in {*reserved, *will})
    counts.append(("environments reserved", sum(reserved.values()), highest, sum(will.values()), quotas.RESERVED))
    had, has = ({index["IndexName"] for index in _one(of, _TABLE).get(_INDEXES, ())} for of in (old, new))
    counts.append(("indexes of the table", len(had), len(had | has), len(has), quotas.INDEXES))
    for what, before, meanwhile, after, most in counts:
        if meanwhile > most >= max(before, after):
            yield (
                f"During the update there are up to {meanwhile} {what}, and the default quota of an account is {most}: "
                "new ones are created before old ones are deleted, so the deployment may fail. First deploy the "
                "removals, then the additions; or request a higher quota, where AWS offers that."
            )


def _reserved(resources: Resources) -> dict[str, int]:
    functions = _of_type(resources, _FUNCTION)
    return {key: each["Properties"].get("ReservedConcurrentExecutions", 0) for key, each in functions.items()}


def _of_the_table(stacks: Sequence[tuple[Template, Template]]) -> Iterator[str]:
    old, new = (_one(_resources(template), _TABLE) for template in stacks[0])
    if not old or not new:
        return
    name = new["TableName"]
    if old.get(_RESTORE, {}).get(_RESTORES) and not new.get(_RESTORE, {}).get(_RESTORES):
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
        yield (
            f"The table {name} can no longer be restored to any second of the last 35 days: these backups are lost "
            "immediately, and start from zero if they are turned on again. If you may need one, make a backup first "
            "(`aws dynamodb create-backup`)."
        )
    if old.get(_EXPIRES) != new.get(_EXPIRES) and any(
        _but_expiry(before) != _but_expiry(after) for before, after in stacks
    ):
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
        yield (
            f"DynamoDB takes up to an hour to change the ttl of the table {name}, and refuses another change until "
            "then: if another part of this deployment fails afterwards, CloudFormation can't roll it back. Deploy the "
            "change of ttl on its own."
        )


_TABLE = "AWS::DynamoDB::Table"
_INDEXES = "GlobalSecondaryIndexes"
_EXPIRES = "TimeToLiveSpecification"
_RESTORE = "PointInTimeRecoverySpecification"
_RESTORES = "PointInTimeRecoveryEnabled"


def _but_expiry(template: Template) -> Any:
    return {
        logical: {**resource, "Properties": {**resource.get("Properties", {}), _EXPIRES: None}}
        for logical, resource in _resources(template).items()
    }


def _of_the_network(stacks: Sequence[tuple[Template, Template]]) -> Iterator[str]:
    """Lambda deletes a function's interfaces some time later, with the permissions of the function's role.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    old, new = (_resources(template) for template in stacks[0])
    is_deleted = bool(_one(old, _VPC)) and not _one(new, _VPC)
    for before, after in ((_resources(before), _resources(after)) for before, after in stacks):
        for logical, function in _of_type(before, _FUNCTION).items():
            if "VpcConfig" not in function["Properties"] or logical not in after:
                continue
            leaves = "VpcConfig" not in after[logical]["Properties"] and not _may_leave(after, after[logical])
            if is_deleted or leaves:
                yield (
                    "Functions leave the network, and Lambda deletes their interfaces up to 40 minutes later, with "
                    "permissions that their roles no longer have: the interfaces and the network would stay. First "
                    "add in_use=False to the Network(…) and deploy that; an hour later remove the network."
                )
                return


_VPC = "AWS::EC2::VPC"
_FUNCTION = "AWS::Lambda::Function"


def _may_leave(resources: Resources, function: Mapping[str, Any]) -> bool:
    role = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    return "ec2:DeleteNetworkInterface" in json.dumps(role["Policies"])


def _of_consumers(old: Resources, new: Resources) -> Iterator[str]:
    """A new mapping starts with everything in the stream, which is a day: `aws.template.stream_consumers`."""
    was, will = (_functions_of_mappings(resources) for resources in (old, new))
    added, gone = ([name for key, name in one.items() if key not in other] for one, other in ((will, was), (was, will)))
    if added and was:
        yield (
            f"{' and '.join(added)} receives all changes in the table's stream, up to a day's worth, including those "
            f"that {' and '.join(was.values())} has handled. Make sure that handling a change twice does no harm."
        )
    elif gone:
        yield (
            f"Changes of the table that {' and '.join(gone)} has not read by then are lost. If that matters, deploy "
            "while nothing is written and its IteratorAge is 0."
        )


def _functions_of_mappings(resources: Resources) -> dict[str, str]:
    """The name of the function of each mapping to a stream."""
    return {key: _function(resources, each) for key, each in _of_type(resources, _MAPPING).items()}


_MAPPING = "AWS::Lambda::EventSourceMapping"


def _function(resources: Resources, resource: Mapping[str, Any]) -> str:
    """The name of the function that a resource belongs to, directly or through an alias."""
    of = resource["Properties"]["FunctionName"]
    if isinstance(of, str):
        return of
    return _function(resources, resources[of["Ref"] if "Ref" in of else of["Fn::GetAtt"][0]])


def _of_readers(old: Resources, new: Resources) -> Iterator[str]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html"""
    readers = [
        {each["Properties"]["Endpoint"] for each in _of_type(of, "AWS::SNS::Subscription").values()}
        for of in (old, new)
    ]
    added = sorted(readers[1] - readers[0])
    if added:
        yield (
            f"Amazon SNS sends a mail to {' and '.join(added)}, who gets no alarms until the link in it is followed."
        )


def _resources(template: Template) -> Resources:
    return template.get("Resources", {})


def _all(stacks: Sequence[tuple[Template, Template]], which: int) -> dict[str, Any]:
    """Every resource of all stacks, before (0) or after (1); the stack's number keeps the keys distinct."""
    return {
        f"{number}/{logical}": resource
        for number, templates in enumerate(stacks)
        for logical, resource in _resources(templates[which]).items()
    }


def _one(resources: Resources, type_: str) -> Resources:
    """The properties of the one resource of a type; empty where there is none."""
    none: Resources = {}
    return next((each["Properties"] for each in _of_type(resources, type_).values()), none)


def _count(resources: Resources, type_: str) -> int:
    return len(_of_type(resources, type_))


def _of_type(resources: Resources, type_: str) -> dict[str, Any]:
    return {key: each for key, each in resources.items() if each["Type"] == type_}
