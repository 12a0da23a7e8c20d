"""Typed Lambda handlers for the HTTP APIs of API Gateway (payload format 2.0)."""

from taxiway.http.context import Context
from taxiway.http.cookies import delete_cookie, set_cookie
from taxiway.http.handler import Handler, handler
from taxiway.http.parameters import Body, Cookie, Event, Header, IfMatch, Name, Parameter, Path, Query
from taxiway.http.payload import UnsupportedEventError
from taxiway.http.preconditions import etag
from taxiway.http.problems import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    FieldError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    ProblemDetails,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
    UnsupportedMediaType,
)
from taxiway.http.responses import Accepted, Created, NoContent, Response
from taxiway.http.signature import SignatureError

__all__ = [
    "Accepted",
    "BadRequest",
    "Body",
    "Conflict",
    "ContentTooLarge",
    "Context",
    "Cookie",
    "Created",
    "Event",
    "FieldError",
    "Forbidden",
    "Handler",
    "Header",
    "IfMatch",
    "Name",
    "NoContent",
    "NotFound",
    "Parameter",
    "Path",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "ProblemDetails",
    "Query",
    "Response",
    "SignatureError",
    "TooManyRequests",
    "Unauthorized",
    "UnprocessableContent",
    "UnsupportedEventError",
    "UnsupportedMediaType",
    "delete_cookie",
    "etag",
    "handler",
    "set_cookie",
]
