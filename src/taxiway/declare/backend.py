"""The whole backend, with the checks that concern several of its parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from taxiway.declare._source import caller
from taxiway.declare.api import HttpApi, Route
from taxiway.declare.edge import Cdn, Domain
from taxiway.declare.errors import refuse
from taxiway.declare.function import Function
from taxiway.declare.grants import Pattern, allow
from taxiway.declare.network import Network
from taxiway.declare.operations import Operations
from taxiway.declare.secret import Secret
from taxiway.declare.stage import Stage
from taxiway.declare.stream import StreamConsumer
from taxiway.declare.table import Index, Table
from taxiway.declare.triggers import Trigger

_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")


@dataclass(frozen=True)
class Backend:
    """Everything that a stage of the backend consists of. Raises DeclarationError if its parts are inconsistent.

    A backend of workers only has no `api`. `network` and `operations` only apply to AWS.
    """

    name: str
    api: HttpApi | None = field(default=None, kw_only=True)
    table: Table | None = field(default=None, kw_only=True)
    secrets: Sequence[Secret] = field(default=(), kw_only=True)
    network: Network | None = field(default=None, kw_only=True)
    operations: Operations = field(default_factory=Operations, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", tuple(self.secrets))
        if not _NAME.fullmatch(self.name):
            refuse(
                f"Invalid backend name {self.name!r}.",
                fix="use 2 to 32 lower-case letters, digits and hyphens, starting with a letter",
                where=self.source,
            )
        if self.api is not None:
            _check_api(self.api, self.source)
        _check_functions(self.triggers)
        _check_secrets(self.secrets)
        for route in self.routes:
            self._check_idempotency(route)
        for function in self.functions:
            self._check_uses(function)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of the API, in the order of their declaration; none without an API."""
        return tuple(self.api.routes) if self.api else ()

    @property
    def domain(self) -> Domain | None:
        """The domain of the API's own."""
        return self.api.domain if self.api else None

    @property
    def cdn(self) -> Cdn | None:
        """What stands in front of the API."""
        return self.api.cdn if self.api else None

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Everything that invokes a function: the routes, then the consumers of the table's stream."""
        return (*self.routes, *(self.table.consumers if self.table else ()))

    @property
    def functions(self) -> tuple[Function, ...]:
        """Every function, once, in the order in which the triggers name them."""
        return tuple({id(trigger.function): trigger.function for trigger in self.triggers}.values())

    def triggers_of(self, function: Function) -> tuple[Trigger, ...]:
        """Everything that invokes one function."""
        return tuple(trigger for trigger in self.triggers if trigger.function is function)

    def routes_of(self, function: Function) -> tuple[Route, ...]:
        """The routes that a function answers."""
        return tuple(route for route in self.routes if route.function is function)

    def table_name(self, stage: Stage) -> str:
        return f"{self.name}-{stage.name}"

    def environment_of(self, function: Function, stage: Stage) -> dict[str, str]:
        """The environment variables that the declaration gives a function, locally and on AWS."""
        environment = dict(function.environment)
        if self.table is not None and function.grants:
            environment["TABLE_NAME"] = self.table_name(stage)
        for secret in function.secrets:
            environment[secret.variable] = secret.id or ""
        return environment

    def _check_idempotency(self, route: Route) -> None:
        """A handler that remembers its answers (`idempotency`, of taxiway.http) needs a place to, and must be let."""
        idempotency = getattr(route.handler, "idempotency", None)
        if idempotency is None:
            return
        if route.authorizer is None and getattr(idempotency, "needs_authorizer", False):
            refuse(
                f"Route {route.key} has no authorizer, so its handler {route.handler_path} can't tell callers apart: "
                "two clients with the same Idempotency-Key would share a response.",
                fix="give the route an authorizer; or write Idempotency(…, caller=…), a function that returns the "
                "caller of an event; or caller=None, if its clients are anonymous and share their keys",
                where=route.source,
            )
        if allow.idempotency_records() not in route.function.uses:
            refuse(
                f"Route {route.key}: its handler {route.handler_path} stores its responses, but may not write them.",
                fix="add allow.idempotency_records() to the uses of its function",
                where=route.source,
            )
        if self.table is not None and self.table.ttl != "expiresAt":
            refuse(
                f"Route {route.key} stores its responses until `expiresAt`, but the table's ttl is {self.table.ttl!r}.",
                fix='pass ttl="expiresAt" to Table, so that DynamoDB deletes them',
                where=self.table.source,
            )

    def _check_uses(self, function: Function) -> None:
        for grant in function.grants:
            if self.table is None:
                refuse(
                    f"Function {function.name} uses {grant}, but the backend has no table.",
                    fix="pass table=Table(…) to Backend",
                    where=function.source,
                )
            for pattern in grant.patterns:
                self._check_index(self.table, pattern)
        variables: dict[str, Secret] = {}
        for secret in function.secrets:
            first = variables.setdefault(secret.variable, secret)
            if first != secret:
                refuse(
                    f"Function {function.name} uses the secrets {first.id!r} and {secret.id!r}, which have the same "
                    f"environment variable {secret.variable}.",
                    fix='give one of them a variable of its own: Secret(…, variable="KEYS_ID")',
                    where=secret.source,
                )
            if secret not in self.secrets:
                refuse(
                    f"Function {function.name} uses the secret {secret.id!r}, which the backend does not list.",
                    fix="add it to Backend(…, secrets=[…])",
                    where=function.source,
                )

    @staticmethod
    def _check_index(table: Table, pattern: Pattern) -> None:
        index = next((index for index in table.indexes if index.name == pattern.index), None)
        if pattern.index is None:
            return
        if index is None:
            refuse(
                f"{pattern.entity}.{pattern.name} reads the index {pattern.index!r}, which the table does not define.",
                fix=f"add Index({pattern.index!r}) to the table's indexes",
                where=table.source,
            )
        if index != (conventional := Index(index.name)):
            refuse(
                f"The index {index.name!r} has the keys {index.partition_key!r} and {index.sort_key!r}; entities write "
                f"{conventional.partition_key!r} and {conventional.sort_key!r}.",
                fix=f"write Index({index.name!r}), or rename its keys",
                where=table.source,
            )


def _check_api(api: HttpApi, source: str) -> None:
    if api.cdn is not None and api.cdn.client_certificate is not None and api.domain is None:
        refuse(
            "The CDN has a client certificate, but the API has no domain, which is needed to require it.",
            fix="pass domain=Domain(…) to HttpApi",
            where=source,
        )
    _check_default_endpoint(api, source)
    _check_domains(api, source)
    _check_routes(api.routes)


def _check_default_endpoint(api: HttpApi, source: str) -> None:
    if api.default_endpoint is False and api.domain is None:
        refuse(
            "The API has default_endpoint=False and no domain, so it would have no address.",
            fix="pass domain=Domain(…) to HttpApi, or leave default_endpoint out",
            where=source,
        )
    if api.default_endpoint and api.domain and api.cdn is not None and api.cdn.client_certificate is not None:
        refuse(
            "The CDN has a client certificate, but with default_endpoint=True the API accepts clients without one.",
            fix="leave default_endpoint out; or, for one deployment, the certificate",
            where=source,
        )


def _check_domains(api: HttpApi, source: str) -> None:
    """The origin of a CDN is the API's domain, if it has one."""
    own, cdn = api.domain, api.cdn
    if own is None or cdn is None:
        return
    if own.name.startswith("*."):
        refuse(
            f"The API's domain is {own.name}, but the origin of a CDN can't be a wildcard domain.",
            fix="give the API a domain without a star, as in origin.example.com",
            where=source,
        )
    if cdn.domain is not None and cdn.domain.name == own.name:
        refuse(
            f"The API and its CDN have the same domain {own.name}, so the CDN would be its own origin.",
            fix="give it to the CDN, and give the API no domain or another, as in origin.example.com",
            where=source,
        )


def _check_routes(routes: Sequence[Route]) -> None:
    seen: dict[str, Route] = {}
    for route in routes:
        first = seen.setdefault(route.shape, route)
        if first is not route:
            refuse(
                f"Route {route.key} is declared twice (first as {first.key} at {first.source}).",
                fix="remove one of the two, or give it another method or path",
                where=route.source,
            )
        _check_parameters(route)
        if route.cache is not None and route.authorizer is not None:
            refuse(
                f"Route {route.key} is cached for everybody, but has an authorizer that does not allow everybody.",
                fix="leave cache or the authorizer out",
                where=route.source,
            )


def _check_secrets(secrets: Sequence[Secret]) -> None:
    seen: dict[str, Secret] = {}
    for secret in secrets:
        if secret.id is not None and (first := seen.setdefault(secret.id, secret)) is not secret:
            refuse(
                f"The secret {secret.id!r} is declared twice (first at {first.source}).",
                fix="let the functions that need it share one Secret",
                where=secret.source,
            )


def _check_parameters(route: Route) -> None:
    """Compare a typed handler's path parameters (`path_parameters`) with the route's; a plain handler takes any."""
    taken: Sequence[str] | None = getattr(route.handler, "path_parameters", None)
    if taken is None or route.path == "$default":
        return
    for name in route.parameters:
        if name not in taken:
            refuse(
                f"Route {route.key}: its handler {route.handler_path} does not take the path parameter {name!r}.",
                fix=f"add a parameter {name}: Path[str] to it, or remove {{{name}}} from the path",
                where=route.source,
            )
    for name in taken:
        if name not in route.parameters:
            refuse(
                f"Route {route.key}: its handler {route.handler_path} takes {name!r}, which is not in the path.",
                fix=f"put {{{name}}} into the path, or remove the parameter from the handler",
                where=route.source,
            )


def _check_functions(triggers: Sequence[Trigger]) -> None:
    owners: dict[str, Trigger] = {}
    for trigger in triggers:
        first = owners.setdefault(trigger.function.name.lower(), trigger)
        if first is not trigger and not _may_share(first, trigger):
            refuse(
                f"The {_called(first)} and the {_called(trigger)} would both have a function called "
                f"{trigger.function.name!r}.",
                fix="let two routes share one: Function(name=…), passed to both as function=; a consumer needs a "
                "function of its own, with another name",
                where=trigger.source,
            )


def _may_share(first: Trigger, second: Trigger) -> bool:
    """Several routes may share one function: it dispatches by the event's `routeKey`, which no other event has."""
    return isinstance(first, Route) and isinstance(second, Route) and first.function is second.function


def _called(trigger: Trigger) -> str:
    """A trigger, as an error of the declaration names it."""
    match trigger:
        case Route():
            return f"route {trigger.key}"
        case StreamConsumer():
            return f"stream consumer {trigger.handler_path}"
        case _:
            assert_never(trigger)
