"""What a backend is: plain data, read from `backend.py`, that every other room is a projection of."""

from taxiway.declare.api import Authorizer, Cors, HttpApi, JwtAuthorizer, LambdaAuthorizer, Route, Throttle
from taxiway.declare.backend import Backend
from taxiway.declare.errors import DeclarationError
from taxiway.declare.function import Function
from taxiway.declare.grants import Grant, delete, get, put, query, update
from taxiway.declare.secret import Secret
from taxiway.declare.stage import Stage
from taxiway.declare.table import Index, Table

__all__ = [
    "Authorizer",
    "Backend",
    "Cors",
    "DeclarationError",
    "Function",
    "Grant",
    "HttpApi",
    "Index",
    "JwtAuthorizer",
    "LambdaAuthorizer",
    "Route",
    "Secret",
    "Stage",
    "Table",
    "Throttle",
    "delete",
    "get",
    "put",
    "query",
    "update",
]
