"""The declaration as local development needs it: plain values that cross a process boundary."""

from typing import assert_never

from msgspec import Struct

from taxiway.declare import Backend, Cors, Function, Route, Stage, StreamConsumer, Table
from taxiway.declare.environment_size import check_size
from taxiway.local.only_on_aws import only_on_aws


class ServedThrottle(Struct, frozen=True):
    rate: float
    burst: int


class ServedCors(Struct, frozen=True):
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    expose: tuple[str, ...]
    max_age: int | None
    credentials: bool


class ServedRoute(Struct, frozen=True):
    key: str
    """`GET /items/{id}`, `ANY /files/{path+}` or `$default`."""
    method: str
    path: str
    function: str
    handler: str
    """`module.name` of the handler that answers it."""
    throttle: ServedThrottle | None
    authorizer: str | None = None
    """The kind of its authorizer, `LambdaAuthorizer`; there is no local code for one."""


class ServedFunction(Struct, frozen=True):
    name: str
    handlers: dict[str, str]
    """Route key → `module.name`. With more than one the function is shared and dispatches by route key."""
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    concurrency: int | None
    environment: dict[str, str]
    secrets: tuple[str, ...]
    """The ids that it may read."""


class ServedIndex(Struct, frozen=True):
    name: str
    partition_key: str
    sort_key: str


class ServedTable(Struct, frozen=True):
    name: str
    partition_key: str
    sort_key: str
    indexes: tuple[ServedIndex, ...]
    ttl: str | None


class ServedSecret(Struct, frozen=True):
    id: str
    generate: str | None


class Manifest(Struct, frozen=True):
    backend: str
    stage: str
    region: str
    account: str
    routes: tuple[ServedRoute, ...]
    functions: tuple[ServedFunction, ...]
    table: ServedTable | None
    cors: ServedCors | None
    secrets: tuple[ServedSecret, ...]
    only_on_aws: tuple[str, ...] = ()
    """What is declared and left out here, in words."""


def to_manifest(backend: Backend, stage: Stage) -> Manifest:
    """Project a declaration onto local development. Raises DeclarationError, naming what AWS would refuse."""
    routes: list[Route] = []
    for trigger in backend.triggers:
        match trigger:
            case Route():
                routes.append(trigger)
            case StreamConsumer():
                pass  # it is said to run only on AWS
            case _:
                assert_never(trigger)
    table, cors = backend.table, backend.api.cors if backend.api else None
    return Manifest(
        backend=backend.name,
        stage=stage.name,
        region=stage.region,
        account=stage.account,
        routes=tuple(map(_route, routes)),
        functions=tuple(
            _function(backend, function, stage) for function in backend.functions if backend.routes_of(function)
        ),
        table=table and _table(table, backend.table_name(stage)),
        cors=cors and _cors(cors),
        secrets=tuple(ServedSecret(secret.id, secret.generate) for secret in backend.secrets if secret.id is not None),
        only_on_aws=only_on_aws(backend, stage),
    )


def _route(route: Route) -> ServedRoute:
    return ServedRoute(
        key=route.key,
        method=route.method,
        path=route.path,
        function=route.function.name,
        handler=route.handler_path,
        throttle=route.throttle and ServedThrottle(route.throttle.rate, route.throttle.burst),
        authorizer=type(route.authorizer).__name__ if route.authorizer else None,
    )


def _function(backend: Backend, function: Function, stage: Stage) -> ServedFunction:
    environment = backend.environment_of(function, stage)
    check_size(function, environment)
    return ServedFunction(
        name=function.name,
        handlers={route.key: route.handler_path for route in backend.routes_of(function)},
        memory=function.memory,
        timeout=function.timeout,
        concurrency=function.concurrency,
        environment=environment,
        secrets=tuple(secret.id for secret in function.secrets if secret.id is not None),
    )


def _table(table: Table, name: str) -> ServedTable:
    return ServedTable(
        name=name,
        partition_key=table.partition_key,
        sort_key=table.sort_key,
        indexes=tuple(ServedIndex(index.name, index.partition_key, index.sort_key) for index in table.indexes),
        ttl=table.ttl,
    )


def _cors(cors: Cors) -> ServedCors:
    return ServedCors(
        origins=tuple(cors.origins),
        methods=tuple(cors.methods),
        headers=tuple(cors.headers),
        expose=tuple(cors.expose),
        max_age=cors.max_age,
        credentials=cors.credentials,
    )
