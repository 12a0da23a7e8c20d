"""Backends for the tests of what goes to AWS: the template's, one with everything there is, and large ones."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from msgspec import Struct

from taxiway import (
    Backend,
    Capacity,
    Cdn,
    ClientCertificate,
    Cors,
    Domain,
    Firewall,
    Function,
    HttpApi,
    Index,
    JwtAuthorizer,
    LambdaAuthorizer,
    Network,
    Operations,
    Provisioned,
    Rotation,
    Secret,
    Stage,
    StreamConsumer,
    Table,
    Throttle,
    allow,
    project,
)
from taxiway.data import Entity, key, pattern

TEMPLATE = Path(__file__).parents[2] / "template"
ACCOUNT = "111122223333"


def stage(name: str, region: str = "eu-west-1", **variables: str) -> Stage:
    return Stage(name=name, variables={"AWS_REGION": region, "AWS_ACCOUNT": ACCOUNT} | variables)


def of_the_template(name: str) -> tuple[Backend, Stage]:
    """The template's backend at a stage; prod has an authorizer."""
    variables = {"SECRETS_ID": f"items/{name}"}
    if name == "prod":
        variables["AUTHORIZER_ARN"] = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:authorizer"
    at = stage(name, **variables)
    return project.read_backend(TEMPLATE, at), at


class Order(Entity):
    id: str
    customer: str

    @key(pk="ORDER#{id}", sk="ORDER")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="ORDER#CUSTOMER#{customer}", sk="{id}")
    def by_customer(self, customer: str) -> None: ...

    @pattern("gsi2", pk="ORDERS", sk="{id}")
    def every(self) -> None: ...


class Customer(Entity):
    id: str

    @key(pk="CUSTOMER#{id}", sk="CUSTOMER")
    def by_id(self, id: str) -> None: ...


def answer(event: Any, context: Any) -> None: ...


def with_everything(region: str = "us-east-1") -> tuple[Backend, Stage]:
    """A protected stage with every resource and option that can be declared."""
    at = stage("prod", region)
    key_arn = f"arn:aws:kms:{region}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    certificate = f"arn:aws:acm:{region}:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
    made = Secret(
        "shop/made",
        generate="key",
        encryption_key=key_arn,
        rotation=Rotation(function=f"arn:aws:lambda:{region}:{ACCOUNT}:function:rotate"),
    )
    existing = Secret("shop/existing", variable="EXISTING_ID")
    table = Table(
        indexes=[Index("gsi1"), Index("gsi2")],
        ttl="expiresAt",
        capacity=Capacity(read=(5, 100), write=(5, 50)),
        encryption_key=key_arn,
        consumers=[StreamConsumer(answer, Function(name="changes", uses=[allow.get(Order), made]), batch=10)],
    )
    api = HttpApi(
        cors=Cors(origins=["https://example.com"], credentials=True, methods=["GET", "POST"], max_age=600),
        throttle=Throttle(rate=100, burst=200),
        domain=Domain(name="api.example.com", certificate=certificate, zone="Z0123456789ABCDEFGHIJ"),
        cdn=Cdn(
            domain=Domain(
                name="www.example.com",
                certificate=certificate.replace(region, "us-east-1"),
                zone="Z0123456789ABCDEFGHIJ",
            ),
            firewall=Firewall(
                arn=None if region == "us-east-1" else f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shop/1234"
            ),
            log_bucket="logs-of-the-shop",
            client_certificate=ClientCertificate(
                arn=certificate.replace(region, "us-east-1"), trust_store="s3://trust-of-the-shop/cdn.pem"
            ),
        ),
    )
    shared = Function(
        name="orders",
        memory=512,
        timeout=10,
        uses=[
            allow.put(Order),
            allow.update(Order),
            allow.delete(Order),
            allow.query(Order.by_customer),
            allow.query(Order.every),
            allow.get(Customer),
            made,
        ],
        environment={"LOG_LEVEL": "debug"},
        concurrency=20,
        provisioned=Provisioned(minimum=2, maximum=10),
    )
    jwt = JwtAuthorizer(issuer="https://login.example.com/", audience=["shop"], scopes=["orders"])
    asked = LambdaAuthorizer(arn=f"arn:aws:lambda:{region}:{ACCOUNT}:function:authorizer")
    api.post("/orders", answer, function=shared, authorizer=jwt, throttle=Throttle(rate=5, burst=10))
    api.get("/orders", answer, function=shared, authorizer=jwt)
    api.delete("/orders/{id}", answer, function=shared, authorizer=asked)
    api.get("/catalogue", _handler("catalogue"), uses=[allow.query(Order.every), existing], cache=300, throttle=None)
    api.default(_handler("fallback"), memory=128, timeout=3, provisioned=Provisioned(minimum=1))
    backend = Backend(
        "shop",
        api=api,
        table=table,
        secrets=[made, existing],
        network=Network(zones=3),
        operations=Operations(emails=["team@example.com"], release="linear-1m", dashboards=True, tracing=True),
    )
    return backend, at


def of_size(routes: int, at: Stage, *, shared: bool = False, name: str = "large") -> Backend:
    """A backend of so many routes, each with a function of its own, or all with one."""
    api = HttpApi()
    one = Function(name="everything", uses=[allow.get(Order)])
    for number in range(routes):
        path = f"/things/{number}/{{id}}"
        if shared:
            api.get(path, _handler(f"thing_{number}"), function=one)
        else:
            provisioned = Provisioned(minimum=1, maximum=2) if at.is_production else None
            api.get(path, _handler(f"thing_{number}"), uses=[allow.get(Order)], provisioned=provisioned)
    return Backend(name, api=api, table=Table(indexes=[Index("gsi1"), Index("gsi2")]))


def minimal() -> tuple[Backend, Stage]:
    """A CDN with nothing before or behind it, and no tracing."""
    api = HttpApi(cdn=Cdn())
    return Backend("small", api=api, operations=Operations(tracing=False)), stage("dev")


def bootstrapped(backend: Backend, at: Stage, pattern: str | None = None) -> Backend:
    """The backend with a service role and a permissions boundary."""
    return replace(backend, operations=replace(backend.operations, bootstrap=pattern or at.name))


def of_workers() -> tuple[Backend, Stage]:
    """A backend without an API: a consumer of the table's changes, watched as in production."""
    consumer = StreamConsumer(answer, Function(name="changes", uses=[allow.get(Order)]))
    table = Table(indexes=[Index("gsi1"), Index("gsi2")], consumers=[consumer])
    return Backend("workers", table=table), stage("prod")


def in_several_stacks() -> tuple[Backend, Stage]:
    at = stage("prod")
    return of_size(40, at), at


BACKENDS: dict[str, Callable[[], tuple[Backend, Stage]]] = {
    "template-dev": lambda: of_the_template("dev"),
    "template-prod": lambda: of_the_template("prod"),
    "everything": with_everything,
    "everything-in-europe": lambda: with_everything("eu-west-1"),
    "minimal": minimal,
    "workers": of_workers,
    "bootstrapped": lambda: (bootstrapped(*with_everything()), with_everything()[1]),
    "in-several-stacks": in_several_stacks,
}


class Code(Struct):
    """A package with nothing in it."""

    function: str
    path: Path
    digest: str
    handler: str
    variables: dict[str, str]


def packages(backend: Backend, directory: Path) -> Sequence[Code]:
    """Empty packages that are called as real ones would be."""
    archive = directory / "empty.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    handlers = {
        function.name: triggers[0].handler_path if len(triggers) == 1 else "taxiway.http.dispatch.handler"
        for function in backend.functions
        for triggers in (backend.triggers_of(function),)
    }
    return [Code(function.name, archive, "0" * 64, handlers[function.name], {}) for function in backend.functions]


_HANDLERS = sys.modules["handlers_of_tests"] = ModuleType("handlers_of_tests")


def _handler(name: str) -> Any:
    """A handler of this name, in a module of its own."""
    if name not in vars(_HANDLERS):
        made = FunctionType(answer.__code__, globals(), name)
        made.__module__, made.__qualname__ = _HANDLERS.__name__, name
        setattr(_HANDLERS, name, made)
    return getattr(_HANDLERS, name)
