"""What of a declaration runs locally, and what is only on AWS."""

from dataclasses import fields
from typing import Any

import pytest

from taxiway import (
    Backend,
    Capacity,
    Cdn,
    DeclarationError,
    Domain,
    Firewall,
    Function,
    HttpApi,
    LambdaAuthorizer,
    Network,
    Operations,
    Provisioned,
    Rotation,
    Secret,
    Stage,
    StreamConsumer,
    Table,
    allow,
)
from taxiway.declare import Route
from taxiway.local.manifest import to_manifest

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:existing"
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
STAGE = Stage(name="dev", local=True)


def answer(event: object, context: object) -> None: ...


def test_it_names_all_that_is_only_on_aws() -> None:
    api = HttpApi(cdn=Cdn(firewall=Firewall()), domain=Domain(name="example.com", certificate=CERTIFICATE))
    api.get("/a", answer, cache=60, provisioned=Provisioned(minimum=1))
    table = Table(
        consumers=[StreamConsumer(answer, Function(name="changes"))],
        capacity=Capacity(read=(1, 5), write=(1, 5)),
        encryption_key=KEY,
    )
    secret = Secret("shop/dev", generate="key", rotation=Rotation(function=FUNCTION), encryption_key=KEY)
    operations = Operations(
        protected=True,
        release="canary-5m",
        alarms=True,
        emails=["a@example.com"],
        log_days=30,
        tracing=True,
        dashboards=True,
    )
    backend = Backend("shop", api=api, table=table, secrets=[secret], network=Network(), operations=operations)

    assert to_manifest(backend, STAGE).only_on_aws == (
        "the domain example.com",
        "the CDN and its firewall",
        "the cache of GET /a",
        "provisioned concurrency of answer",
        "stream consumers: changes",
        "the capacity of the table: no request is throttled",
        "the encryption key of the table",
        "the rotation of shop/dev",
        "the encryption key of shop/dev",
        "the network",
        "alarms",
        "e-mails of alarms to a@example.com",
        "dashboards",
        "the release canary-5m",
        "the protection of table and stack",
        "log retention",
    )


def test_it_names_nothing_where_all_runs_locally() -> None:
    assert to_manifest(Backend("shop", api=HttpApi(), table=Table(ttl="at")), STAGE).only_on_aws == ()


@pytest.mark.parametrize(
    ("kind", "local", "only_on_aws"),
    [
        (Backend, "name api table secrets source", "network operations"),
        (HttpApi, "cors throttle authorizer routes", "domain cdn default_endpoint"),
        (Route, "method path handler function throttle authorizer source", "cache"),
        (Function, "name memory timeout uses environment concurrency source", "provisioned"),
        (Table, "partition_key sort_key indexes ttl source", "capacity encryption_key consumers"),
        (Secret, "id variable generate source", "rotation encryption_key"),
        (Operations, "", "protected release alarms emails log_days tracing dashboards bootstrap boundary service_role"),
    ],
)
def test_every_field_of_a_declaration_either_runs_locally_or_is_named(kind: Any, local: str, only_on_aws: str) -> None:
    """Add a new field to one of the two lists, and to `only_on_aws` if local development leaves it out."""
    assert {field.name for field in fields(kind)} == {*local.split(), *only_on_aws.split()}


def test_an_environment_that_lambda_would_refuse_is_refused() -> None:
    """With what the declaration adds to it, as here the name of the table."""
    api = HttpApi()
    size = 4096 - len('{"LARGE":"","TABLE_NAME":"shop-dev"}')
    api.get("/a", answer, environment={"LARGE": "x" * size}, uses=[allow.idempotency_records()])
    to_manifest(Backend("shop", api=api, table=Table()), STAGE)
    with pytest.raises(DeclarationError, match="its environment has 4097 bytes, and Lambda accepts 4096") as raised:
        to_manifest(Backend("shops", api=api, table=Table()), STAGE)
    assert "The largest variable is LARGE" in str(raised.value)


def test_a_route_knows_the_kind_of_its_authorizer() -> None:
    api = HttpApi(authorizer=LambdaAuthorizer(arn=FUNCTION))
    api.get("/a", answer)
    api.get("/b", answer, function=api.routes[0].function, authorizer=None)

    routes = to_manifest(Backend("shop", api=api), STAGE).routes

    assert [route.authorizer for route in routes] == ["LambdaAuthorizer", None]


def test_a_backend_of_workers_alone_has_no_routes() -> None:
    consumer = StreamConsumer(answer, Function(name="changes"))

    manifest = to_manifest(Backend("shop", table=Table(consumers=[consumer])), STAGE)

    assert (manifest.routes, manifest.functions, manifest.cors) == ((), (), None)
    assert manifest.table is not None
