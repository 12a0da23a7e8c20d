"""The vocabulary of `backend.py`, re-exported from `taxiway.declare`.

Names are looked up when they are first used, so that a function, which imports `taxiway.http` and its neighbours, does
not pay for a declaration that it never reads.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taxiway.declare import (
        Alarms,
        Authorizer,
        Backend,
        Capacity,
        Cdn,
        ClientCertificate,
        Cors,
        DeclarationError,
        Domain,
        Firewall,
        Function,
        Grant,
        HttpApi,
        Index,
        JwtAuthorizer,
        LambdaAuthorizer,
        Network,
        Operations,
        Provisioned,
        Rotation,
        Route,
        Secret,
        Stage,
        StreamConsumer,
        Table,
        Throttle,
        allow,
    )

__version__ = "0.1.0"

__all__ = [
    "Alarms",
    "Authorizer",
    "Backend",
    "Capacity",
    "Cdn",
    "ClientCertificate",
    "Cors",
    "DeclarationError",
    "Domain",
    "Firewall",
    "Function",
    "Grant",
    "HttpApi",
    "Index",
    "JwtAuthorizer",
    "LambdaAuthorizer",
    "Network",
    "Operations",
    "Provisioned",
    "Rotation",
    "Route",
    "Secret",
    "Stage",
    "StreamConsumer",
    "Table",
    "Throttle",
    "allow",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'taxiway' has no attribute {name!r}")
    from taxiway import declare

    return getattr(declare, name)
