"""The policies of a private network's endpoints: what the functions may do through them."""

import json
from collections import defaultdict

from taxiway.declare.backend import Backend
from taxiway.declare.errors import DeclarationError
from taxiway.declare.stage import Stage
from taxiway.permissions.function_policy import STREAM_ACTIONS, function_policy
from taxiway.permissions.statements import Policy

ENDPOINT_LIMIT = 20_480
"""Characters, white space among them: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"""


def endpoint_policy(service: str, backend: Backend, stage: Stage) -> Policy | None:
    """What the functions together may do with a service, for its endpoint in the network; None if that is nothing.

    Raises DeclarationError if the policy exceeds EC2's limit. Lambda reads a stream itself, and not from the network:
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    actions: dict[str, set[str]] = defaultdict(set)
    for function in backend.functions:
        for statement in function_policy(backend, function, stage)["Statement"]:
            for action in statement["Action"]:
                if action.startswith(f"{service}:") and action not in STREAM_ACTIONS:
                    for resource in statement["Resource"]:
                        actions[resource].add(action)
    resources: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for resource, allowed in sorted(actions.items()):
        resources[tuple(sorted(allowed))].append(resource)
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": list(allowed), "Resource": found}
        for allowed, found in sorted(resources.items())
    ]
    if not statements:
        return None
    document = {"Version": "2012-10-17", "Statement": statements}
    length = len(json.dumps(document))
    if length > ENDPOINT_LIMIT:
        raise DeclarationError(
            f"The network's endpoint for {service} would have a policy of {length} characters, and EC2 allows "
            f"{ENDPOINT_LIMIT}.",
            fix="store several values in one secret, or name an existing network: Network(subnets=…)",
            where=backend.source,
        )
    return document
