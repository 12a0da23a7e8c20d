"""The declaration as the laptop needs it: plain values that cross a process boundary."""

from msgspec import Struct

from taxiway.declare import Backend, Stage
from taxiway.declare.errors import DeclarationError


class ThrottlePlan(Struct, frozen=True):
    rate: float
    burst: int


class CorsPlan(Struct, frozen=True):
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    expose: tuple[str, ...]
    max_age: int | None
    credentials: bool


class RoutePlan(Struct, frozen=True):
    key: str
    """`GET /items/{id}`, `ANY /files/{path+}` or `$default`."""
    method: str
    path: str
    function: str
    handler: str
    """`module.name` of the handler that answers it."""
    throttle: ThrottlePlan | None


class FunctionPlan(Struct, frozen=True):
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


class IndexPlan(Struct, frozen=True):
    name: str
    partition_key: str
    sort_key: str


class TablePlan(Struct, frozen=True):
    name: str
    partition_key: str
    sort_key: str
    indexes: tuple[IndexPlan, ...]
    ttl: str | None


class SecretPlan(Struct, frozen=True):
    id: str
    generate: str | None


class Plan(Struct, frozen=True):
    backend: str
    stage: str
    region: str
    account: str
    routes: tuple[RoutePlan, ...]
    functions: tuple[FunctionPlan, ...]
    table: TablePlan | None
    cors: CorsPlan | None
    secrets: tuple[SecretPlan, ...]
    only_on_aws: tuple[str, ...] = ()
    """What is declared and left out here, in words."""


def plan(backend: Backend, stage: Stage) -> Plan:
    """Project a declaration onto the laptop. Raises DeclarationError, naming what the laptop can't do."""
    for route in backend.api.routes:
        if route.authorizer is not None:
            raise DeclarationError(
                f"Route {route.key} has a {type(route.authorizer).__name__}, and the laptop's gateway can't run one.",
                fix="declare the authorizer only where stage.local is false",
                where=route.source,
            )
    table = backend.table
    cors = backend.api.cors
    return Plan(
        backend=backend.name,
        stage=stage.name,
        region=stage.region,
        account=stage.account,
        routes=tuple(
            RoutePlan(
                key=route.key,
                method=route.method,
                path=route.path,
                function=route.function.name,
                handler=route.handler_path,
                throttle=route.throttle and ThrottlePlan(route.throttle.rate, route.throttle.burst),
            )
            for route in backend.api.routes
        ),
        functions=tuple(
            FunctionPlan(
                name=function.name,
                handlers={route.key: route.handler_path for route in backend.routes_of(function)},
                memory=function.memory,
                timeout=function.timeout,
                concurrency=function.concurrency,
                environment=backend.environment_of(function, stage),
                secrets=tuple(secret.id for secret in function.secrets if secret.id is not None),
            )
            for function in backend.functions
        ),
        table=table
        and TablePlan(
            name=backend.table_name(stage),
            partition_key=table.partition_key,
            sort_key=table.sort_key,
            indexes=tuple(IndexPlan(index.name, index.partition_key, index.sort_key) for index in table.indexes),
            ttl=table.ttl,
        ),
        cors=cors
        and CorsPlan(
            origins=tuple(cors.origins),
            methods=tuple(cors.methods),
            headers=tuple(cors.headers),
            expose=tuple(cors.expose),
            max_age=cors.max_age,
            credentials=cors.credentials,
        ),
        secrets=tuple(SecretPlan(secret.id, secret.generate) for secret in backend.secrets if secret.id is not None),
        only_on_aws=backend.only_on_aws,
    )
