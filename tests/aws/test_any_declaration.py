"""Whatever can be declared goes to AWS as it is declared: odd names, odd paths, and options that meet by chance."""

import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.aws.backends import ACCOUNT, Customer, answer, bootstrapped, packages, stage
from tests.counts import count

from taxiway import (
    Alarms,
    Backend,
    Capacity,
    Cdn,
    Cors,
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
)
from taxiway.aws.cost.bill import bill
from taxiway.aws.template import alarms
from taxiway.aws.template.bootstrap_template import Workflow, template
from taxiway.aws.template.synthesis import synthesize
from taxiway.declare import names
from taxiway.permissions.function_policy import POLICY_LIMIT
from taxiway.permissions.statements import size

REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:another"

keys = st.sampled_from([None, KEY])
throttles = st.none() | st.builds(Throttle, rate=st.sampled_from([0.5, 100]), burst=st.sampled_from([1, 5_000]))
jwts = st.builds(
    JwtAuthorizer,
    issuer=st.sampled_from(["https://login.example.com/", "https://issuer"]),
    audience=st.just(["shop"]),
    scopes=st.lists(st.sampled_from(["read", "write"]), unique=True),
)
asked = st.builds(LambdaAuthorizer, arn=st.just(FUNCTION), ttl=st.sampled_from([0, 1, 3_600]))
cors = st.builds(
    Cors, origins=st.sampled_from([["*"], ["https://*"]]), headers=st.just([]), max_age=st.sampled_from([None, -1, 0])
)
segments = st.from_regex(
    r"[A-Za-z0-9._~@!$&'()+,;=%-][A-Za-z0-9._~:@!$&'()*+,;=%-]{0,8}|\{[a-z_][A-Za-z0-9._-]{0,9}\}", fullmatch=True
)
paths = st.lists(segments, max_size=4, unique=True).map(lambda found: "/" + "/".join(found))
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"])
operations = st.builds(
    Operations,
    protected=st.sampled_from([None, True, False]),
    release=st.sampled_from([None, "canary-5m", "linear-10m"]),
    alarms=st.sampled_from([None, True, Alarms(latency=30_000)]),
    emails=st.sampled_from([[], ["team@example.com"]]),
    tracing=st.booleans(),
)
networks = st.sampled_from(
    [
        None,
        Network(zones=3, cidr="172.16.0.0/22"),
        Network(cidr="10.1.0.0/24"),
        Network(zones=["eu-west-1a", "eu-west-1c"]),
    ]
)
capacities = st.none() | st.builds(Capacity, read=st.just((1, 40_000)), write=st.just((5, 5)))
provisions = st.none() | st.builds(Provisioned, minimum=st.just(1), maximum=st.sampled_from([None, 1, 9]))
rotations = st.none() | st.builds(Rotation, function=st.just(FUNCTION))


@st.composite
def secrets(draw: DrawFn) -> list[Secret]:
    ids = draw(st.lists(st.from_regex(r"[A-Za-z0-9/_+=.@-]{1,40}", fullmatch=True), max_size=3, unique=True))
    return [
        Secret(each, variable=f"S{number}", generate="key", rotation=draw(rotations), encryption_key=draw(keys))
        if draw(st.booleans())
        else Secret(each, variable=f"S{number}")
        for number, each in enumerate(ids)
    ]


@st.composite
def tables(draw: DrawFn, functions: list[Function]) -> Table:
    called = st.from_regex(r"[A-Za-z0-9_.-]{3,20}|[A-Za-z0-9_.-]{250}", fullmatch=True)
    return Table(
        indexes=[Index(name) for name in draw(st.lists(called, max_size=3, unique=True))],
        ttl=draw(st.sampled_from([None, "expiresAt"])),
        capacity=draw(capacities),
        encryption_key=draw(keys),
        consumers=[StreamConsumer(answer, function) for function in functions],
    )


@st.composite
def backends(draw: DrawFn) -> Backend:
    declared = draw(secrets())
    called = draw(
        st.lists(
            st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True) | st.sampled_from(["Default", "Resource"]),
            min_size=2,
            max_size=6,
            unique_by=str.lower,
        )
    )
    functions = [
        Function(
            name=name,
            memory=draw(st.sampled_from([128, 10_240])),
            timeout=draw(st.integers(1, 30)),
            uses=draw(st.lists(st.sampled_from([allow.get(Customer), allow.put(Customer), *declared]), unique=True)),
            concurrency=draw(st.sampled_from([None, 9])),
            provisioned=draw(provisions),
        )
        for name in called
    ]
    consuming = draw(st.integers(0, 2))
    api = HttpApi(cors=draw(st.none() | cors), throttle=draw(throttles), cdn=draw(st.sampled_from([None, Cdn()])))
    shapes: set[str] = set()
    for function in functions[consuming:]:
        for _ in range(draw(st.integers(1, 2))):
            method, path = draw(methods), draw(paths)
            options: dict[str, Any] = {"authorizer": draw(st.none() | jwts | asked), "throttle": draw(throttles)}
            if method == "GET" and options["authorizer"] is None:
                options["cache"] = draw(st.sampled_from([None, 60]))
            shape = f"{method} {re.sub(r'{[^}]*}', '{}', path)}"
            if shape not in shapes:
                shapes.add(shape)
                api.route(method, path, answer, function=function, **options)
    return Backend(
        draw(st.from_regex(r"[a-z][a-z0-9-]{1,31}", fullmatch=True)),
        api=api,
        table=draw(tables(functions[:consuming])),
        secrets=declared,
        network=draw(networks),
        operations=draw(operations),
    )


UNSHRUNK = (Phase.explicit, Phase.generate)
"""Making a failing declaration smaller takes minutes."""

stages = st.sampled_from(["prod", "pr-7", "x" * 20]).map(lambda name: stage(name, REGION))


class Synthesized:
    """All that a declaration becomes: every template, by its name, and the resources of all by theirs."""

    def __init__(self, backend: Backend, at: Stage) -> None:
        with TemporaryDirectory() as scratch:
            directory = Path(scratch)
            made = synthesize(backend, at, packages=packages(backend, directory), directory=directory / "assembly")
            self.templates = {file.path.name: file.path.read_bytes() for file in made.files if file.is_template}
        self.resources: dict[str, dict[str, Any]] = {}
        for content in self.templates.values():
            self.resources |= json.loads(content)["Resources"]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [made["Properties"] for made in self.resources.values() if made["Type"] == f"AWS::{kind}"]


def one_route_more(backend: Backend) -> Backend:
    api = replace(backend.api)
    for route in backend.routes:
        api.routes.append(route)
    api.get("/one/route/more", answer, function=Function(name="OneRouteMore"))
    return replace(backend, api=api)


@count("declarations", test=50, soak=500, phases=UNSHRUNK)
@given(backends(), stages)
def test_any_declaration_goes_to_aws_as_it_is_declared(backend: Backend, at: Stage) -> None:
    made, functions = Synthesized(backend, at), backend.functions

    assert sorted(route["RouteKey"] for route in made.of_type("ApiGatewayV2::Route")) == sorted(
        route.key for route in backend.routes
    )
    assert {
        each["FunctionName"]: (each["MemorySize"], each["Timeout"], each.get("ReservedConcurrentExecutions"))
        for each in made.of_type("Lambda::Function")
    } == {names.function(backend, at, each): (each.memory, each.timeout, each.concurrency) for each in functions}
    assert {each["Name"] for each in made.of_type("SecretsManager::Secret")} == {
        secret.id for secret in backend.secrets if secret.generate
    }
    watched = alarms.every(backend, at) if backend.operations.has_alarms(at) else ()
    assert sorted(each["AlarmName"] for each in made.of_type("CloudWatch::Alarm")) == sorted(a.name for a in watched)
    for role in made.of_type("IAM::Role"):
        assert sum(size(policy["PolicyDocument"]) for policy in role["Policies"]) <= POLICY_LIMIT
    assert template(bootstrapped(backend, at), at, Workflow(repository="owner/shop", branch="main"))["Resources"]
    assert min(line.usd for line in bill(backend, at, requests=1e6, read_ratio=0.5).lines) >= 0
    assert Synthesized(backend, at).templates == made.templates


@count("declarations", test=20, soak=200, phases=UNSHRUNK)
@given(backends(), stages)
def test_a_route_more_leaves_all_else_as_it_was(backend: Backend, at: Stage) -> None:
    """But for what is of all routes: the stage with their throttles, the dashboards, and who may release functions."""
    before, after = Synthesized(backend, at).resources, Synthesized(one_route_more(backend), at).resources

    changed = {made["Type"] for name, made in before.items() if after.get(name) != made}
    assert changed <= {"AWS::ApiGatewayV2::Stage", "AWS::CloudWatch::Dashboard", "AWS::IAM::Role"}
    assert after.keys() > before.keys()
