"""The HTTP API: its routes, CORS, throttling and authorizers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, get_args

from taxiway.declare import arns
from taxiway.declare._listed import listed
from taxiway.declare._source import caller
from taxiway.declare.edge import Cdn, Domain
from taxiway.declare.errors import refuse
from taxiway.declare.function import Function, Provisioned, Use
from taxiway.declare.handler_path import LambdaHandler, handler_path
from taxiway.declare.handler_signature import check_signature

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"]

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html, on identity sources; a
# stage of ours has no stage variables.
_IDENTITY_SOURCE = re.compile(r"\$(request\.(header|querystring)|context)\.[A-Za-z0-9_.-]+")
_LONGEST_TTL = (
    3600  # seconds: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html
)

_CORS_METHODS = tuple(method for method in get_args(Method) if method != "ANY")
# https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html#apis-model-cors
_CORS_MAX_AGE = range(-1, 86_401)

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html: none of these can be raised.
_MOST_AUDIENCES = 50
_MOST_SCOPES = 10
_ISSUER = re.compile(r"https://[^/?#\s]+[^?#\s]*")

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9._-]*)(\+?)\}")
_FOREIGN = re.compile(
    r"""
    :(?P<colon>\w+)[?*+]?                          # Express, Rails
    | <(?:(?P<converter>\w+):)?(?P<angle>\w+)>     # Flask, Django
    | \{\*?(?P<brace>\w+)(?:[*?]|:(?P<type>\w+))?\} # Starlette, Spring
    | \*+(?P<star>\w+)?                           # everything below
    """,
    re.VERBOSE,
)
"""A path parameter as other frameworks write it."""
_LITERAL = re.compile(r"[A-Za-z0-9._~:@!$&'()*+,;=%-]+")


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Cross-origin access, answered and added by the gateway.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html. `max_age` is in seconds.
    """

    origins: Sequence[str]
    methods: Sequence[str] = ("*",)
    headers: Sequence[str] = ("content-type",)
    expose: Sequence[str] = ()
    max_age: int | None = None
    credentials: bool = False

    def __post_init__(self) -> None:
        for name in ("origins", "methods", "headers", "expose"):
            object.__setattr__(self, name, listed(name, getattr(self, name)))
        if self.credentials and "*" in (*self.origins, *self.methods, *self.headers, *self.expose):
            refuse(
                "Cors does not support credentials together with '*': browsers and API Gateway refuse it.",
                fix="list the origins, methods, headers and exposed headers, or leave credentials out",
            )
        for method in self.methods:
            if method != "*" and method not in _CORS_METHODS:
                refuse(f"Invalid CORS method {method!r}.", fix=f"use {', '.join(_CORS_METHODS)}, or '*'")
        if self.max_age is not None and self.max_age not in _CORS_MAX_AGE:
            refuse(
                f"Cors(max_age={self.max_age}) is out of range.",
                fix=f"use 0 to {_CORS_MAX_AGE[-1]} (seconds), or -1 for a browser to ask each time",
            )
        if not self.origins:
            refuse("Cors needs at least one origin.", fix="name one, or leave cors out")
        for origin in self.origins:
            if origin != "*" and not re.fullmatch(r"https?://(\*|[^\s/?#*]+)", origin):
                refuse(
                    f"Invalid CORS origin {origin!r}.",
                    fix="write scheme and host with no path, as in https://example.com, or '*', or https://*",
                )


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """A token bucket: `rate` requests a second on average, at most `burst` at once; over it the gateway says 429."""

    rate: float
    burst: int

    def __post_init__(self) -> None:
        if not 0 < self.rate < inf or self.burst < 1:
            refuse(
                f"Throttle(rate={self.rate}, burst={self.burst}) is out of range.",
                fix="use a rate over 0, a burst of 1 or more, and None in place of a throttle for no limit",
            )


@dataclass(frozen=True, kw_only=True)
class LambdaAuthorizer:
    """An existing Lambda function that decides on each request (payload 2.0, simple responses).

    A request without its `identity_sources` is refused (401) without calling it. API Gateway caches a decision for
    `ttl` seconds (0 to 3600), for every request of the same route with the same identity sources: use `ttl=0` if the
    decision depends on more, such as a path parameter.
    """

    arn: str
    identity_sources: Sequence[str] = ("$request.header.Authorization",)
    ttl: int = 300

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity_sources", listed("identity_sources", self.identity_sources))
        if not arns.LAMBDA_FUNCTION.fullmatch(self.arn):
            refuse(
                f"Invalid authorizer function {self.arn!r}: it must be the ARN of a Lambda function.",
                fix="write it like arn:aws:lambda:eu-west-1:123456789012:function:authorizer",
            )
        if not 0 <= self.ttl <= _LONGEST_TTL:
            refuse(f"LambdaAuthorizer(ttl={self.ttl}) is out of range.", fix=f"use 0 to {_LONGEST_TTL} (seconds)")
        for source in self.identity_sources:
            if not _IDENTITY_SOURCE.fullmatch(source):
                refuse(
                    f"Invalid identity source {source!r}.",
                    fix="write $request.header.NAME, $request.querystring.NAME or $context.NAME",
                )
        if self.ttl and not any(source.startswith("$request.") for source in self.identity_sources):
            refuse(
                "The authorizer caches its decisions, but has no identity source to distinguish clients.",
                fix="name the sources of its decision, such as $request.header.Authorization, or use ttl=0",
            )

    @property
    def cache_key(self) -> tuple[str, ...]:
        """The cache key of a decision: without the route in it, a decision for one route would apply to all.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
        """
        return tuple(dict.fromkeys((*self.identity_sources, *(["$context.routeKey"] if self.ttl else []))))


@dataclass(frozen=True, kw_only=True)
class JwtAuthorizer:
    """A token of an OpenID Connect issuer, checked by the gateway.

    It is accepted if it has one of the `audience` (up to 50) and, if there are any, one of the `scopes` (up to 10). The
    gateway reads the issuer's keys over HTTPS, from `<issuer>/.well-known/openid-configuration`:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    issuer: str
    audience: Sequence[str]
    scopes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, most in (("audience", _MOST_AUDIENCES), ("scopes", _MOST_SCOPES)):
            found = listed(name, getattr(self, name))
            object.__setattr__(self, name, found)
            if len(found) > most:
                refuse(
                    f"JwtAuthorizer({name}=…) has {len(found)} entries; an HTTP API allows {most}.",
                    fix=f"name {most} at most",
                )
        if not self.audience:
            refuse(
                "The authorizer has no audience, so it would accept tokens for other services.",
                fix="name the audience of its tokens",
            )
        if not _ISSUER.fullmatch(self.issuer):
            refuse(
                f"Invalid issuer {self.issuer!r}: it must be an https URL.",
                fix="write it like https://login.example.com/",
            )


Authorizer: TypeAlias = LambdaAuthorizer | JwtAuthorizer


class RouteOptions(TypedDict, total=False):
    """The options of a route. The first six configure its function, unless that is shared."""

    memory: int
    """MB, 128 to 10,240."""
    timeout: int
    """Seconds, 1 to 30."""
    uses: Sequence[Use]
    environment: Mapping[str, str]
    concurrency: int
    provisioned: Provisioned | None
    function: Function
    """A function that several routes share; it has the six options above itself."""
    throttle: Throttle | None
    """Overrides the API's; None for no throttle."""
    authorizer: Authorizer | None
    """Overrides the API's; None allows everybody."""
    cache: int
    """Seconds for which a CDN and browsers may cache a 200 of this GET route, for everybody."""


_FUNCTION_OPTIONS = frozenset({"memory", "timeout", "uses", "environment", "concurrency", "provisioned"})


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method and path, and the handler that answers it in its function."""

    method: str
    path: str
    handler: LambdaHandler
    function: Function
    throttle: Throttle | None
    authorizer: Authorizer | None
    cache: int | None = None
    """Seconds."""
    source: str = field(compare=False)

    @property
    def key(self) -> str:
        """The route key, as API Gateway writes it: `GET /items/{id}`, or `$default`."""
        return "$default" if self.path == "$default" else f"{self.method} {self.path}"

    @property
    def shape(self) -> str:
        """The key without the names of its parameters, `GET /items/{}`: an API has each shape once."""
        return _PARAMETER.sub(lambda match: "{+}" if match[0].endswith("+}") else "{}", self.key)

    @property
    def handler_path(self) -> str:
        return handler_path(self.handler, where=self.source)

    @property
    def shared_authorizer(self) -> Authorizer | None:
        """Its authorizer without the scopes, which belong to the route: routes with the same authorizer share one."""
        if isinstance(self.authorizer, JwtAuthorizer):
            return replace(self.authorizer, scopes=())
        return self.authorizer

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path: `/items/{id}` has `id`, `/files/{name+}` has `name`."""
        return tuple(match[1] for match in _PARAMETER.finditer(self.path))


@dataclass(kw_only=True)
class HttpApi:
    """An HTTP API of API Gateway. `throttle` and `authorizer` apply to every route that doesn't set its own.

    On AWS it also answers at `domain` and through `cdn`; neither exists locally. With a domain, the default endpoint on
    AWS no longer answers, unless `default_endpoint` is True: the CDN then uses it.
    """

    cors: Cors | None = None
    throttle: Throttle | None = None
    authorizer: Authorizer | None = None
    domain: Domain | None = None
    cdn: Cdn | None = None
    default_endpoint: bool | None = None
    routes: list[Route] = field(default_factory=list[Route], init=False)

    @property
    def has_default_endpoint(self) -> bool:
        """Whether the API's default endpoint answers."""
        return self.domain is None or self.default_endpoint is True

    @property
    def authorizers(self) -> tuple[Authorizer, ...]:
        """Every authorizer that a route has, once."""
        return tuple(dict.fromkeys(shared for route in self.routes if (shared := route.shared_authorizer)))

    def get(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        self.route("GET", path, handler, **options)

    def post(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        self.route("POST", path, handler, **options)

    def put(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        self.route("PUT", path, handler, **options)

    def patch(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        self.route("PATCH", path, handler, **options)

    def delete(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        self.route("DELETE", path, handler, **options)

    def any(self, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        """Answer every method that has no route of its own at `path`."""
        self.route("ANY", path, handler, **options)

    def default(self, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        """Answer every request that no other route matches (`$default`)."""
        self.route("ANY", "$default", handler, **options)

    def route(self, method: Method, path: str, handler: LambdaHandler, **options: Unpack[RouteOptions]) -> None:
        """Answer `method` and `path` with `handler`, in its own function or in a shared one.

        Its own function is named after the handler. Raises DeclarationError if the path is invalid, if the route has
        options that belong to its shared function, and if the handler can't be imported by name.
        """
        where = caller()
        _check_path(method, path, where)
        _check_options(f"Route {method} {path}", options, where)
        shared = options.get("function")
        own: dict[str, Any] = {name: value for name, value in options.items() if name in _FUNCTION_OPTIONS}
        if shared is not None and own:
            refuse(
                f"Route {method} {path} has its own {', '.join(own)}, but shares the function {shared.name!r}.",
                fix=f"move {', '.join(own)} to Function(name={shared.name!r}, …)",
                where=where,
            )
        imported = handler_path(handler, where=where)
        check_signature(handler, imported, where=where)
        name = imported.rpartition(".")[2].replace("_", "-")
        self.routes.append(
            Route(
                method=method,
                path=path,
                handler=handler,
                function=shared or Function(name=name, source=where, **own),
                throttle=options.get("throttle", self.throttle),
                authorizer=options.get("authorizer", self.authorizer),
                cache=_checked_cache(method, path, options, where),
                source=where,
            )
        )


def _checked_cache(method: str, path: str, options: RouteOptions, where: str) -> int | None:
    cache = options.get("cache")
    if cache is not None and (method != "GET" or cache < 1):
        refuse(
            f"Route {method} {path}: cache={cache} is not supported.",
            fix="cache a GET route, for 1 second or more",
            where=where,
        )
    return cache


def _check_options(route: str, options: Mapping[str, object], where: str) -> None:
    """The user may not run a checker, and an option that nothing reads would be ignored."""
    for name in options:
        if name not in RouteOptions.__annotations__:
            refuse(
                f"{route}: unknown option {name!r}.", fix=f"use {', '.join(RouteOptions.__annotations__)}", where=where
            )


def _check_path(method: str, path: str, where: str) -> None:
    """Refuse what API Gateway would refuse as a route key, and what it would take literally by mistake."""
    route = f"Route {method} {path}"
    if method not in get_args(Method):
        refuse(f"{route}: invalid method {method!r}.", fix=f"use one of {', '.join(get_args(Method))}", where=where)
    if path == "$default":
        return
    if not path.startswith("/"):
        refuse(f"{route}: the path is not absolute.", fix=f"start it with a slash: /{path}", where=where)
    if path.endswith("/") and path.strip("/"):
        refuse(
            f"{route}: the path ends with a slash, and API Gateway would not match requests for {path.rstrip('/')}.",
            fix=f"did you mean {path.rstrip('/')}?",
            where=where,
        )
    segments = path[1:].split("/") if path != "/" else []
    names: list[str] = []
    for position, segment in enumerate(segments):
        is_last = position == len(segments) - 1
        parameter = _PARAMETER.fullmatch(segment)
        if parameter:
            names.append(parameter[1])
            if parameter[2] and not is_last:
                refuse(
                    f"{route}: {segment} matches the rest of the path, so it must be the last segment.",
                    fix=f"move it to the end, or write {{{parameter[1]}}}",
                    where=where,
                )
        elif (meant := _meant(segment, is_last)) or not _LITERAL.fullmatch(segment):
            refuse(
                f"{route}: invalid segment {segment!r}.",
                fix=f"did you mean {meant}?" if meant else "use literal text, or {name}, or {name+} at the end",
                where=where,
            )
    if len(names) != len(set(names)):
        refuse(f"{route}: two path parameters have the same name.", fix="give each its own name", where=where)


def _meant(segment: str, is_last: bool) -> str | None:
    """The path parameter that is meant by `:id`, `*`, `<int:id>` or `{id:int}`, as API Gateway writes it."""
    found = _FOREIGN.fullmatch(segment)
    if found is None:
        return None
    name = found["colon"] or found["angle"] or found["brace"] or found["star"] or "path"
    takes_rest = "*" in segment or "path" in (found["converter"], found["type"])
    return f"{{{name}+}}" if takes_rest and is_last else f"{{{name}}}"
