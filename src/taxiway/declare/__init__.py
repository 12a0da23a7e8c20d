"""The declaration of a backend: plain data from `backend.py`, from which every other room derives its output."""

from taxiway.declare.api import Authorizer, Cors, HttpApi, JwtAuthorizer, LambdaAuthorizer, Route, Throttle
from taxiway.declare.backend import Backend
from taxiway.declare.edge import Cdn, ClientCertificate, Domain, Firewall
from taxiway.declare.errors import DeclarationError
from taxiway.declare.function import Function, Provisioned
from taxiway.declare.grants import Grant, allow
from taxiway.declare.network import Network
from taxiway.declare.operations import Alarms, Operations
from taxiway.declare.secret import Rotation, Secret
from taxiway.declare.stage import Stage
from taxiway.declare.stream import StreamConsumer
from taxiway.declare.table import Capacity, Index, Table
from taxiway.declare.triggers import Trigger

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
    "Trigger",
    "allow",
]
