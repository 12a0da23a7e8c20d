import json
import sys

import pytest

from taxiway.http import dispatch
from taxiway.http.dispatch import Routes, read_routes


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two routes' modules, under a package whose name no other test has."""
    package = tmp_path / "shared_routes"
    package.mkdir()
    (package / "typed.py").write_text(
        "from taxiway.http import Path, handler\n"
        "@handler\n"
        "def greet(name: Path[str]) -> str:\n"
        "    return f'hello {name}'\n"
    )
    (package / "plain.py").write_text("def answer(event, context):\n    return [event['routeKey'], context]\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("shared_routes")]:
        del sys.modules[name]


ROUTES = {
    "GET /hello/{name}": "shared_routes.typed.greet",
    "$default": "shared_routes.plain.answer",
    "GET /typo": "shared_routes.plain.anwser",
}


@pytest.mark.usefixtures("project")
def test_each_route_is_answered_by_its_own_handler(make_event):
    routes = Routes(ROUTES, source="routes.json")

    hello = routes(make_event(routeKey="GET /hello/{name}", pathParameters={"name": "ada"}), None)

    assert hello["body"] == '"hello ada"'
    assert routes({"routeKey": "$default"}, "context") == ["$default", "context"]


@pytest.mark.usefixtures("project")
def test_a_module_is_imported_on_its_routes_first_request():
    routes = Routes(ROUTES, source="routes.json")
    assert "shared_routes.plain" not in sys.modules

    routes({"routeKey": "$default"}, None)

    assert "shared_routes.plain" in sys.modules
    assert "shared_routes.typed" not in sys.modules


def test_an_unknown_route_is_named_with_the_file():
    with pytest.raises(LookupError, match=r"No handler for the route 'GET /x' in routes.json, which has: GET /hello"):
        Routes(ROUTES, source="routes.json")({"routeKey": "GET /x"}, None)


@pytest.mark.usefixtures("project")
def test_a_handler_that_is_not_there_is_named():
    with pytest.raises(LookupError, match=r"'GET /typo' names shared_routes\.plain\.anwser .* has no 'anwser'"):
        Routes(ROUTES, source="routes.json")({"routeKey": "GET /typo"}, None)


def test_the_entry_point_reads_the_file_that_the_environment_names(project, monkeypatch):
    file = project / "routes.json"
    file.write_text(json.dumps(ROUTES))
    monkeypatch.setenv("TAXIWAY_ROUTES", str(file))
    monkeypatch.setattr(dispatch, "_routes", None)

    assert dispatch.handler({"routeKey": "$default"}, 1) == ["$default", 1]

    file.unlink()
    assert dispatch.handler({"routeKey": "$default"}, 2) == ["$default", 2]


def test_the_entry_point_says_what_it_needs(monkeypatch):
    monkeypatch.delenv("TAXIWAY_ROUTES", raising=False)
    monkeypatch.setattr(dispatch, "_routes", None)

    with pytest.raises(LookupError, match="TAXIWAY_ROUTES is not set"):
        dispatch.handler({}, None)


def test_a_file_of_something_else_is_refused(tmp_path):
    file = tmp_path / "routes.json"
    file.write_text('{"GET /": 1}')

    with pytest.raises(ValueError, match="does not map route keys to handlers"):
        read_routes(str(file))
