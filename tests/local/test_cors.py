"""The gateway answers for CORS: preflights by itself, and every other answer in the place of the function."""

from typing import Any

import pytest

from taxiway.local.manifest import ServedCors

from .serving import Answer, ServedGateway

ORIGIN = "https://www.example.com"


def policy(*origins: str, **changes: Any) -> ServedCors:
    members: dict[str, Any] = {
        "methods": ("GET", "POST"),
        "headers": ("content-type", "authorization"),
        "expose": (),
        "max_age": None,
        "credentials": False,
    }
    return ServedCors(origins=origins, **(members | changes))


def preflight(api: ServedGateway, target: str = "/items", origin: str = ORIGIN) -> Answer:
    return api.request("OPTIONS", target, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})


def cors_headers(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers if name.lower().startswith("access-control-")}


def test_a_preflight_is_answered_without_a_route_and_without_a_function() -> None:
    cors = policy(ORIGIN, expose=("x-total",), max_age=300, credentials=True)
    with ServedGateway("POST /items", cors=cors) as api:
        answer = preflight(api)
    assert answer.status == 204
    assert answer.body == b""
    assert cors_headers(answer) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type,authorization",
        "access-control-max-age": "300",
    }
    assert answer.header("vary") == "origin"
    assert answer.header("apigw-requestid")
    assert api.invoker.invoked == []


def test_a_preflight_for_a_path_that_no_route_has_is_answered_too() -> None:
    with ServedGateway("POST /items", cors=policy("*")) as api:
        assert preflight(api, "/nowhere").status == 204


def test_with_no_max_age_none_is_said() -> None:
    with ServedGateway("POST /items", cors=policy("*")) as api:
        assert "access-control-max-age" not in cors_headers(preflight(api))


def test_an_options_request_that_is_no_preflight_gets_nothing_of_cors() -> None:
    # "For the OPTIONS method, your request must contain an origin header and an Access-Control-Request-Method header."
    with ServedGateway("POST /items", cors=policy(ORIGIN)) as api:
        for headers in ({"Origin": ORIGIN}, {"Access-Control-Request-Method": "POST"}, {}):
            answer = api.request("OPTIONS", "/items", headers=headers)
            assert (answer.status, cors_headers(answer)) == (204, {})


def test_an_origin_that_is_not_allowed_gets_nothing_of_cors() -> None:
    with ServedGateway("POST /items", cors=policy(ORIGIN)) as api:
        for answer in (
            preflight(api, origin="https://evil.example"),
            api.request("POST", "/items", headers={"Origin": "https://evil.example"}),
        ):
            assert cors_headers(answer) == {}
            assert answer.header("vary") == "origin"


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("*",), "https://a.example", "*"),
        (("https://a.example", "*"), "https://a.example", "*"),
        (("https://a.example", "https://b.example"), "https://b.example", "https://b.example"),
        (("https://A.example",), "https://a.example", "https://a.example"),
        (("https://*",), "https://any.example:8443", "https://any.example:8443"),
        (("https://*",), "http://any.example", None),
        (("http://*",), "http://localhost:3000", "http://localhost:3000"),
        (("http://*",), "https://localhost:3000", None),
        (("https://a.example",), "https://a.example.evil", None),
        (("https://a.example",), "https://a.example:8443", None),
        (("https://a.example",), "null", None),
    ],
)
def test_which_origins_are_allowed(origins: tuple[str, ...], origin: str, allowed: str | None) -> None:
    with ServedGateway("POST /items", cors=policy(*origins)) as api:
        assert preflight(api, origin=origin).header("access-control-allow-origin") == allowed


def test_an_answer_to_any_origin_does_not_vary() -> None:
    with ServedGateway("GET /items", cors=policy("*")) as api:
        assert api.request("GET", "/items", headers={"Origin": ORIGIN}).header("vary") is None


def test_the_functions_own_cors_headers_are_ignored() -> None:
    def function(event: Any) -> Any:
        headers = {
            "Access-Control-Allow-Origin": "*",
            "access-control-allow-methods": "DELETE",
            "Vary": "accept-encoding",
            "x-own": "1",
        }
        return {"statusCode": 200, "headers": headers, "body": event["version"]}

    with ServedGateway("GET /items", function=function, cors=policy(ORIGIN, expose=("x-own", "etag"))) as api:
        answer = api.request("GET", "/items", headers={"Origin": ORIGIN})
        without_origin = api.request("GET", "/items")
    assert cors_headers(answer) == {
        "access-control-allow-origin": ORIGIN,
        "access-control-expose-headers": "x-own,etag",
    }
    assert answer.header("vary") == "accept-encoding,origin"
    assert answer.header("x-own") == "1"
    assert cors_headers(without_origin) == {}


def test_without_cors_the_functions_own_headers_pass() -> None:
    def function(_: Any) -> Any:
        return {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://own.example"}}

    with ServedGateway("GET /items", function=function) as api:
        answer = api.request("GET", "/items", headers={"Origin": ORIGIN})
    assert cors_headers(answer) == {"access-control-allow-origin": "https://own.example"}


def test_the_gateways_own_errors_can_be_read_across_origins() -> None:
    with ServedGateway("GET /items", cors=policy(ORIGIN)) as api:
        answer = api.request("GET", "/nowhere", headers={"Origin": ORIGIN})
    assert answer.status == 404
    assert answer.header("access-control-allow-origin") == ORIGIN


@pytest.mark.parametrize("route", ["OPTIONS /items", "ANY /items", "OPTIONS /{proxy+}", "ANY /{proxy+}", "$default"])
def test_a_route_that_takes_options_answers_the_preflight_and_the_gateway_adds_the_headers(route: str) -> None:
    def function(_: Any) -> Any:
        return {"statusCode": 200, "body": "from the function"}

    with ServedGateway("POST /items", route, function=function, cors=policy(ORIGIN)) as api:
        answer = preflight(api)
    assert answer.body == b"from the function"
    assert api.invoker.invoked[0][0] == route
    assert answer.header("access-control-allow-origin") == ORIGIN
    assert answer.header("access-control-allow-methods") == "GET,POST"


def test_without_cors_options_is_a_method_like_any_other() -> None:
    with ServedGateway("GET /items", "OPTIONS /own") as api:
        assert preflight(api, "/items").status == 404
        assert preflight(api, "/own").json["routeKey"] == "OPTIONS /own"
