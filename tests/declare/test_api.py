"""Routes: every mistake that can be seen in one is an error that names the route, the place and what to do."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from taxiway import (
    Cors,
    DeclarationError,
    Firewall,
    Function,
    HttpApi,
    JwtAuthorizer,
    LambdaAuthorizer,
    Network,
    Operations,
    Secret,
    Throttle,
)

AUTHORIZER = "arn:aws:lambda:eu-west-1:111122223333:function:authorizer"


def answer(event: Any, context: Any) -> None:
    """A plain Lambda handler."""


def test_a_route_has_a_function_of_its_own_named_after_its_handler() -> None:
    api = HttpApi()
    api.get("/items", answer, memory=256, timeout=5)
    (route,) = api.routes
    assert route.key == "GET /items"
    assert (route.function.name, route.function.memory, route.function.timeout) == ("answer", 256, 5)
    assert route.handler_path == f"{__name__}.answer"


def test_several_routes_can_share_a_function() -> None:
    api, shared = HttpApi(), Function(name="admin", memory=512)
    api.get("/a", answer, function=shared)
    api.any("/b/{rest+}", answer, function=shared)
    api.default(answer, function=shared)
    assert [route.key for route in api.routes] == ["GET /a", "ANY /b/{rest+}", "$default"]
    assert {route.function.name for route in api.routes} == {"admin"}


def test_routes_that_differ_in_the_names_of_parameters_alone_have_one_shape() -> None:
    api, shared = HttpApi(), Function(name="f")
    for path in ("/a/{id}/{b+}", "/a/{other}/{rest+}", "/a/{id}/{b}"):
        api.get(path, answer, function=shared)
    api.default(answer, function=shared)
    assert [route.shape for route in api.routes] == ["GET /a/{}/{+}", "GET /a/{}/{+}", "GET /a/{}/{}", "$default"]


def test_a_throttle_of_the_api_holds_for_routes_that_have_none() -> None:
    api = HttpApi(throttle=Throttle(rate=10, burst=5))
    api.get("/a", answer, function=(f := Function(name="f")))
    api.get("/b", answer, function=f, throttle=Throttle(rate=1, burst=1))
    assert [route.throttle and route.throttle.rate for route in api.routes] == [10, 1]


def test_a_route_can_be_let_out_of_what_holds_for_the_api() -> None:
    authorizer = JwtAuthorizer(issuer="https://issuer", audience=["api"])
    api = HttpApi(throttle=Throttle(rate=10, burst=5), authorizer=authorizer)
    api.get("/health", answer, throttle=None, authorizer=None)
    (route,) = api.routes
    assert (route.throttle, route.authorizer) == (None, None)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("items", "not absolute"),
        ("/items/{id", "invalid segment '{id'"),
        ("/items//x", "invalid segment ''"),
        ("/items/{a-b}/{a-b}", "two path parameters have the same name"),
        ("/{all+}/tail", "must be the last segment"),
        ("/a b", "invalid segment 'a b'"),
        ("/items/?limit=1", "invalid segment '\\?limit=1'"),
    ],
)
def test_a_malformed_path_says_what_is_wrong_and_where(path: str, problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem) as raised:
        HttpApi().get(path, answer)
    assert f"Route GET {path}" in str(raised.value)
    assert raised.value.where.startswith(__file__)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/users/:id", "{id}"),
        ("/users/:id?", "{id}"),
        ("/users/:id/orders", "{id}"),
        ("/users/<id>", "{id}"),
        ("/users/<int:id>", "{id}"),
        ("/users/{id:int}", "{id}"),
        ("/files/<path:name>", "{name+}"),
        ("/files/{name:path}", "{name+}"),
        ("/files/{name*}", "{name+}"),
        ("/files/{*name}", "{name+}"),
        ("/files/*", "{path+}"),
        ("/files/**", "{path+}"),
        ("/files/*name", "{name+}"),
        ("/*", "{path+}"),
        ("/*/files", "{path}"),
        ("/users/", "/users"),
        ("/users/{id}/", "/users/{id}"),
    ],
)
def test_a_path_of_another_framework_is_refused_with_what_it_means(path: str, meant: str) -> None:
    """API Gateway would take these literally."""
    with pytest.raises(DeclarationError) as raised:
        HttpApi().get(path, answer)
    assert raised.value.fix == f"did you mean {meant}?"
    assert raised.value.where.startswith(__file__)


@pytest.mark.parametrize("path", ["/items:batch", "/v1.0/a*b", "/@me", "/", "/a,b;c=d/~x"])
def test_other_punctuation_is_literal(path: str) -> None:
    api = HttpApi()
    api.get(path, answer)
    assert api.routes[0].path == path


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(DeclarationError, match="Route GET /a: unknown option 'memroy'") as raised:
        HttpApi().get("/a", answer, memroy=128)  # pyright: ignore[reportCallIssue]  the mistake is the test
    assert raised.value.fix.startswith("use memory, timeout")


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(DeclarationError, match="invalid method 'FETCH'"):
        HttpApi().route("FETCH", "/", answer)  # pyright: ignore[reportArgumentType]  the mistake is the test


def test_a_shared_function_carries_its_own_size() -> None:
    with pytest.raises(DeclarationError, match=r"has its own memory, uses, but shares the function 'admin'"):
        HttpApi().get("/a", answer, memory=128, uses=[], function=Function(name="admin"))


def test_a_handler_must_be_importable_by_name() -> None:
    with pytest.raises(DeclarationError, match="can't be imported by name"):
        HttpApi().get("/a", lambda *_: None)
    with pytest.raises(DeclarationError, match="is not a handler"):
        HttpApi().get("/a", "handlers.answer")  # pyright: ignore[reportArgumentType]  the mistake is the test


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"memory": 64}, "memory=64 is out of range"),
        ({"timeout": 60}, "timeout=60 is out of range"),
        ({"concurrency": 0}, "concurrency=0 is out of range"),
        ({"uses": ["dynamodb:*"]}, "'dynamodb:\\*' is not a grant"),
        ({"environment": {"AWS_REGION": "x"}}, "AWS_REGION is reserved"),
        ({"environment": {"NUMBER": 1}}, "NUMBER must be a string"),
        ({"environment": {"N": "1"}}, "invalid name of an environment variable 'N'"),
        ({"environment": {"LOG-LEVEL": "debug"}}, "invalid name of an environment variable 'LOG-LEVEL'"),
        ({"environment": {"1ST": "x"}}, "invalid name of an environment variable '1ST'"),
        ({"environment": {"_HANDLER": "x"}}, "_HANDLER is reserved"),
        ({"environment": {"AWS_LAMBDA_FUNCTION_NAME": "x"}}, "AWS_LAMBDA_FUNCTION_NAME is reserved"),
        ({"environment": {"AWS_ACCESS_KEY_ID": "x"}}, "AWS_ACCESS_KEY_ID is reserved"),
        ({"environment": {"TAXIWAY_ROUTES": "x"}}, "TAXIWAY_ROUTES is reserved"),
        (
            {"environment": {"SECRETS_ID": "x"}, "uses": [Secret("shop/dev")]},
            "its environment declares SECRETS_ID, which would also hold the id of the secret 'shop/dev'",
        ),
    ],
)
def test_a_function_that_lambda_would_refuse_is_refused_here(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem) as raised:
        HttpApi().get("/a", answer, **options)
    assert raised.value.where.startswith(__file__)


@pytest.mark.parametrize("name", ["AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS", "AWS_LAMBDA_EXEC_WRAPPER", "LAMBDA_HOME"])
def test_a_variable_that_lambda_takes_is_taken(name: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html lists the reserved ones."""
    assert Function(name="f", environment={name: "1"}).environment == {name: "1"}


@pytest.mark.parametrize(
    "options",
    [
        {"origins": ["*"], "credentials": True},
        {"origins": ["https://example.com"], "methods": ["GET"], "expose": ["*"], "credentials": True},
        {"origins": ["https://example.com/path"]},
        {"origins": ["https://*.example.com"]},
        {"origins": ["https://example.com?page=1"]},
        {"origins": ["https://example.com example.org"]},
        {"origins": ["example.com"]},
        {"origins": []},
        {"origins": ["*"], "methods": ["get"]},
        {"origins": ["*"], "methods": ["ANY"]},
        {"origins": ["*"], "max_age": -2},
        {"origins": ["*"], "max_age": 86_401},
    ],
)
def test_cors_that_a_browser_would_refuse_is_refused_here(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        Cors(**options)


@pytest.mark.parametrize("seconds", [-1, 0, 86_400])
def test_a_browser_may_keep_what_cors_says_for_a_day_or_not_at_all(seconds: int) -> None:
    assert Cors(origins=["*"], max_age=seconds).max_age == seconds


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"issuer": "http://login.example.com"}, "Invalid issuer 'http://login.example.com'"),
        ({"issuer": "login.example.com"}, "Invalid issuer 'login.example.com'"),
        ({"audience": []}, "has no audience"),
        ({"audience": [f"a{number}" for number in range(51)]}, r"audience=…\) has 51 entries; an HTTP API allows 50"),
        ({"scopes": [f"s{number}" for number in range(11)]}, r"scopes=…\) has 11 entries; an HTTP API allows 10"),
    ],
)
def test_an_authorizer_of_tokens_that_the_gateway_would_refuse_is_refused_here(
    options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DeclarationError, match=problem) as raised:
        JwtAuthorizer(**{"issuer": "https://login.example.com/", "audience": ["shop"]} | options)
    assert raised.value.where.startswith(__file__)


def test_authorizers_that_differ_in_their_scopes_alone_are_one() -> None:
    api = HttpApi()
    for number in range(3):
        authorizer = JwtAuthorizer(issuer="https://issuer", audience=["api"], scopes=[f"scope-{number}"])
        api.get(f"/{number}", answer, function=Function(name=f"f{number}"), authorizer=authorizer)
    api.get("/public", answer)

    assert api.authorizers == (JwtAuthorizer(issuer="https://issuer", audience=["api"]),)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (1, 0), (float("inf"), 1), (float("nan"), 1)])
def test_a_throttle_lets_something_through_and_not_everything(rate: float, burst: int) -> None:
    with pytest.raises(DeclarationError, match=rf"Throttle\(rate={rate}, burst={burst}\) is out of range"):
        Throttle(rate=rate, burst=burst)


@pytest.mark.parametrize(
    ("declare", "named"),
    [
        (lambda: JwtAuthorizer(issuer="https://issuer", audience="api"), "audience=['api']"),
        (lambda: JwtAuthorizer(issuer="https://issuer", audience=["api"], scopes="admin"), "scopes=['admin']"),
        (lambda: LambdaAuthorizer(arn=AUTHORIZER, identity_sources="$context.a"), "identity_sources=['$context.a']"),
        (lambda: Cors(origins="*"), "origins=['*']"),
        (lambda: Cors(origins=["*"], headers="etag"), "headers=['etag']"),
        (lambda: Firewall(rules="abc"), "rules=['abc']"),
        (lambda: Network(subnets="subnet-1"), "subnets=['subnet-1']"),
        (lambda: Network(zones="eu-west-1a"), "zones=['eu-west-1a']"),
        (lambda: Operations(emails="a@b.co"), "emails=['a@b.co']"),
    ],
)
def test_one_string_is_no_list_of_its_letters(declare: Callable[[], object], named: str) -> None:
    """A token for `a` would else be let in where the audience was to be `api`."""
    with pytest.raises(DeclarationError, match=re.escape(f"put it into a list: {named}")):
        declare()
