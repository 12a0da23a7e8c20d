"""Routes are chosen as HTTP APIs choose them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.local.routing import Router

from .serving import a_plan


def router(*keys: str) -> Router:
    return Router(a_plan(keys).routes)


def chosen(match: tuple[object, dict[str, str]] | None) -> tuple[str, dict[str, str]] | None:
    return None if match is None else (match[0].key, match[1])  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_the_most_specific_route_wins_as_aws_documents_it(method: str, path: str, route: str) -> None:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html, "Routing API requests"
    routes = router("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")
    found = routes.match(method, path)
    assert found is not None
    assert found[0].key == route


def test_the_order_of_declaration_does_not_matter() -> None:
    keys = ["GET /a/b", "GET /a/{x}", "GET /{y}/b", "ANY /a/b", "ANY /{proxy+}", "$default"]
    forwards, backwards = router(*keys), router(*reversed(keys))
    for path in ("/a/b", "/a/c", "/c/b", "/c/d", "/"):
        for method in ("GET", "POST"):
            assert chosen(forwards.match(method, path)) == chosen(backwards.match(method, path))


def test_a_method_wins_over_any_at_the_same_path() -> None:
    routes = router("ANY /a", "GET /a")
    assert chosen(routes.match("GET", "/a")) == ("GET /a", {})
    assert chosen(routes.match("PUT", "/a")) == ("ANY /a", {})


def test_a_more_specific_path_wins_over_a_method() -> None:
    assert chosen(router("ANY /a/b", "GET /a/{x}").match("GET", "/a/b")) == ("ANY /a/b", {})


def test_a_route_of_another_method_does_not_hide_a_less_specific_one() -> None:
    routes = router("POST /a/b", "GET /a/{x}", "DELETE /{proxy+}")
    assert chosen(routes.match("GET", "/a/b")) == ("GET /a/{x}", {"x": "b"})
    assert chosen(routes.match("DELETE", "/a/b")) == ("DELETE /{proxy+}", {"proxy": "a/b"})


def test_a_full_match_wins_over_a_greedy_one_with_a_longer_literal() -> None:
    assert chosen(router("GET /a/{proxy+}", "GET /{x}/b").match("GET", "/a/b")) == ("GET /{x}/b", {"x": "a"})


def test_the_longest_greedy_match_wins() -> None:
    routes = router("ANY /{proxy+}", "ANY /a/{rest+}", "ANY /a/{x}/c/{end+}")
    assert chosen(routes.match("GET", "/a/b/c/d/e")) == ("ANY /a/{x}/c/{end+}", {"x": "b", "end": "d/e"})
    assert chosen(routes.match("GET", "/a/b/c")) == ("ANY /a/{rest+}", {"rest": "b/c"})
    assert chosen(routes.match("GET", "/b")) == ("ANY /{proxy+}", {"proxy": "b"})


def test_get_does_not_answer_head_and_any_does() -> None:
    assert router("GET /a").match("HEAD", "/a") is None
    assert chosen(router("ANY /a").match("HEAD", "/a")) == ("ANY /a", {})


def test_routes_that_share_a_segment_name_their_parameters_as_they_like() -> None:
    routes = router("GET /items/{id}", "PUT /items/{name}", "GET /items/{item}/parts/{part}")
    assert chosen(routes.match("GET", "/items/1")) == ("GET /items/{id}", {"id": "1"})
    assert chosen(routes.match("PUT", "/items/1")) == ("PUT /items/{name}", {"name": "1"})
    assert chosen(routes.match("GET", "/items/1/parts/2")) == (
        "GET /items/{item}/parts/{part}",
        {"item": "1", "part": "2"},
    )


def test_an_encoded_slash_separates_no_segments() -> None:
    routes = router("GET /items/{id}", "GET /items/{id}/parts")
    assert chosen(routes.match("GET", "/items/a%2Fparts")) == ("GET /items/{id}", {"id": "a/parts"})


def test_parameters_are_decoded_once() -> None:
    routes = router("GET /items/{id}")
    assert chosen(routes.match("GET", "/items/caf%C3%A9%20%2B+%2520")) == ("GET /items/{id}", {"id": "café ++%20"})
    assert chosen(routes.match("GET", "/items/%FF%00%zz")) == ("GET /items/{id}", {"id": "\ufffd\x00%zz"})


def test_a_literal_matches_however_it_is_encoded() -> None:
    assert chosen(router("GET /items").match("GET", "/%69tems")) == ("GET /items", {})
    assert chosen(router("GET /a%20b").match("GET", "/a%20b")) == ("GET /a%20b", {})


@pytest.mark.parametrize("path", ["/items/", "/items//", "//items", "/ITEMS", "/items/1/", "", "*"])
def test_trailing_slashes_empty_segments_and_case_make_another_path(path: str) -> None:
    assert router("GET /items", "GET /items/{id}").match("GET", path) is None


def test_the_root_is_a_route_of_its_own() -> None:
    assert chosen(router("GET /").match("GET", "/")) == ("GET /", {})
    assert router("GET /{proxy+}", "GET /{x}").match("GET", "/") is None


def test_a_greedy_parameter_keeps_slashes_and_empty_segments_after_its_first() -> None:
    routes = router("GET /files/{path+}")
    assert chosen(routes.match("GET", "/files/a//b/")) == ("GET /files/{path+}", {"path": "a//b/"})
    assert routes.match("GET", "/files/") is None
    assert routes.match("GET", "/files") is None


def test_default_takes_everything_else() -> None:
    routes = router("GET /a", "$default")
    for method, path in [("POST", "/a"), ("GET", "/"), ("PROPFIND", "/x/y"), ("OPTIONS", "/*")]:
        assert chosen(routes.match(method, path)) == ("$default", {})


@given(st.text(alphabet="/ab%2F{}+.", max_size=30))
def test_any_path_is_routed_or_not_found(path: str) -> None:
    routes = router("GET /a", "GET /a/{x}", "GET /{y}/b", "GET /a/{z+}", "GET /{proxy+}")
    found = routes.match("GET", "/" + path)
    assert found is None or all(found[1].values())
