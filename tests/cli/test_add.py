"""`taxiway add`: the code that it writes, where it declares it, and what it refuses."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

from taxiway.scaffold import fields, naming, route

ROUTES = ("GET /orders/{id}", "PATCH /orders/{id}", "DELETE /orders/{id}", "GET /order-lines/{line_id}", "GET /orders")
PLAIN = ("POST /orders/{id}/cancel-for-a-reason-that-has-a-long-name", "PUT /files/{path+}", "GET /days/{day}/{hour}")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert taxiway(tmp_path, "new", "shop").returncode == 0
    return tmp_path / "shop"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    assert taxiway(tmp_path, "new", "tiny", "--bare").returncode == 0
    return tmp_path / "tiny"


def add(project: Path, *arguments: str) -> str:
    done = taxiway(project, "add", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(project: Path, *arguments: str) -> str:
    """What is wrong, of an addition that changes nothing."""
    before = snapshot(project)
    done = taxiway(project, "add", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert snapshot(project) == before
    return done.stderr.strip().splitlines()[0]


def snapshot(project: Path) -> dict[str, str]:
    files = (file for file in project.rglob("*.py") if ".venv" not in file.parts)
    return {str(file.relative_to(project)): file.read_text() for file in files}


def run(project: Path, *command: str, **environment: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_it_writes_passes_lint_types_and_its_own_tests(shop: Path, path_with_engine: dict[str, str]) -> None:
    add(shop, "entity", "Order")
    add(
        shop,
        "entity",
        "OrderLine",
        "sku",
        "quantity:int",
        "unit_price:Decimal",
        "note:str?",
        "due:datetime",
        "sent:bool",
    )
    add(shop, "entity", "Box", "size:int?")
    for each in (*ROUTES, *PLAIN):
        add(shop, "route", each)
    add(shop, "route", "POST /orders/{id}/cancel", "--name", "cancel_order")

    run(shop, "ruff", "check", ".")
    run(shop, "ruff", "format", "--check", ".")
    (shop / ".venv").symlink_to(sys.prefix)
    run(shop, "pyright", PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    tests = sorted(str(file.relative_to(shop)) for file in shop.glob("tests/*.py") if "item" not in file.name)
    said = run(shop, "pytest", "-q", "-p", "no:cacheprovider", *tests, **path_with_engine)
    assert re.search(r"(\d+) passed", said)
    listed = json.loads(run(shop, "taxiway", "routes", "--json"))
    assert {*ROUTES, *PLAIN, "POST /orders", "POST /order-lines", "POST /boxes"} <= {
        f"{each['method']} {each['path']}" for each in listed
    }


def test_it_names_every_file_and_declares_what_the_function_may_do(shop: Path) -> None:
    said = add(shop, "entity", "Order")

    assert said.splitlines() == [
        "Added POST /orders:",
        "  models/order.py",
        "  dal/orders.py",
        "  handlers/http/create_order.py",
        "  tests/test_orders.py",
        "  backend.py",
    ]
    backend = (shop / "backend.py").read_text()
    assert '    api.post("/orders", create_order, uses=[allow.put(Order), allow.idempotency_records()])\n' in backend
    add(shop, "route", "GET /orders/{id}")
    assert '    api.get("/orders/{id}", get_order, uses=[allow.get(Order)])\n' in (shop / "backend.py").read_text()
    assert "orders.get(id)" in (shop / "handlers" / "http" / "get_order.py").read_text()


def test_a_route_of_the_templates_own_entity_uses_its_data_access(shop: Path) -> None:
    (shop / "dal" / "users.py").write_text(
        (shop / "dal" / "users.py").read_text()
        + "\n\ndef delete(user_id: str, *, expect_version: int | None = None) -> User | None:\n"
        + "    return table.delete(User.by_id(user_id), expect_version=expect_version)\n"
    )
    add(shop, "route", "DELETE /users/{id}")
    assert "allow.delete(User)" in (shop / "backend.py").read_text()
    assert '"email": ' not in (shop / "tests" / "test_delete_user.py").read_text()  # no example fits its pattern


def test_the_bare_project_gets_the_folders_that_it_needs(tiny: Path, path_with_engine: dict[str, str]) -> None:
    add(tiny, "route", "GET /hours/{hour}")
    add(tiny, "route", "POST /days")
    run(tiny, "ruff", "check", ".")
    run(tiny, "ruff", "format", "--check", ".")
    assert "3 passed" in run(tiny, "pytest", "-q", "-p", "no:cacheprovider", **path_with_engine)

    backend = (tiny / "backend.py").read_text()
    assert "handlers" in backend
    (tiny / "backend.py").write_text(
        backend.replace("HttpApi, Stage", "HttpApi, Stage, Table").replace("api=api)", "api=api, table=Table())")
    )
    add(tiny, "entity", "Order")
    assert "from taxiway import Backend, HttpApi, Stage, Table, allow\n" in (tiny / "backend.py").read_text()
    run(tiny, "ruff", "check", ".")
    assert "6 passed" in run(tiny, "pytest", "-q", "-p", "no:cacheprovider", **path_with_engine)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("api = HttpApi()", "apis = [HttpApi()]\n    api = apis[0]"), "does not assign one HttpApi(…) to a name"),
        (
            ("def backend(", "backend = lambda stage: make(stage)\n\n\ndef make("),
            "does not define one function `backend`",
        ),
        (("hello)\n", "hello); stage = stage\n"), "has several statements"),
    ],
)
def test_a_backend_of_another_shape_is_left_alone_and_what_to_paste_is_printed(
    tiny: Path, change: tuple[str, str], reason: str
) -> None:
    file = tiny / "backend.py"
    assert change[0] in file.read_text()
    file.write_text(file.read_text().replace(*change))
    before = snapshot(tiny)
    done = taxiway(tiny, "add", "route", "GET /hours/{hour}")

    assert (done.returncode, done.stderr) == (1, "")
    assert reason in done.stdout.splitlines()[0]
    for line in (
        "Into a new file handlers/http/get_hour.py:",
        "    from handlers.http.get_hour import get_hour",
        '    api.get("/hours/{hour}", get_hour)',
    ):
        assert line in done.stdout.splitlines()
    assert snapshot(tiny) == before


def test_an_entity_needs_a_table(tiny: Path) -> None:
    done = taxiway(tiny, "add", "entity", "Order")

    assert done.returncode == 1
    assert "backend.py declares no table in Backend(…, table=Table())" in done.stdout
    assert "    from taxiway import allow" in done.stdout.splitlines()
    assert not (tiny / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("entity", "Item"), "models/item.py already exists."),
        (("entity", "Table"), "backend.py already uses the name Table."),
        (("route", "GET /items/{id}"), "The route GET /items/{id} already exists: handlers.http.get_item.get_item."),
        (("route", "GET /things", "--name", "get_item"), "handlers/http/get_item.py already exists."),
        (("route", "GET /things", "--name", "backend"), "backend.py already uses the name backend."),
        (("entity", "order"), "Invalid entity name 'order'."),
        (("entity", "Class"), "A module cannot be called 'class'."),
        (("entity", "Sheep", "--plural", "sheep"), "'sheep' is both the singular and the plural."),
        (("entity", "Order", "id"), "The field id already exists: every entity has it."),
        (("entity", "Order", "a:float"), "Unknown type 'float' of the field a."),
        (("entity", "Order", "Total"), "Invalid field 'Total'."),
        (("entity", "Order", "a", "a:int"), "The field a is given twice."),
        (("route", "FETCH /things"), "Invalid route 'FETCH /things'."),
        (("route", "GET /a b"), "Invalid route 'GET /a b'."),
        (("route", "GET /{id}x"), "Invalid segment '{id}x' in the path /{id}x."),
        (("route", "GET /{id}/{id}"), "Invalid parameter 'id' in the path /{id}/{id}."),
        (("route", "GET /{all+}/x"), "Invalid segment '{all+}' in the path /{all+}/x."),
        (("route", "GET /x", "--name", "Get-X"), "Invalid name of a handler 'Get-X'."),
    ],
)
def test_what_exists_or_cannot_be_is_refused_by_name(shop: Path, arguments: tuple[str, ...], said: str) -> None:
    assert refused(shop, *arguments) == said


def test_a_second_addition_of_the_same_is_refused(shop: Path) -> None:
    add(shop, "entity", "Order")
    add(shop, "route", "GET /orders/{id}")
    assert refused(shop, "entity", "Order") == "models/order.py already exists."
    assert "The route GET /orders/{id} already exists" in refused(shop, "route", "GET /orders/{id}")


def test_a_project_that_cannot_be_read_is_refused_as_elsewhere(shop: Path) -> None:
    shutil.rmtree(shop / "models")
    assert refused(shop, "route", "GET /things").startswith("Cannot read backend.py: ModuleNotFoundError")


@pytest.mark.parametrize("word", ["order", "category", "box", "address", "dish", "day", "order_line"])
def test_a_plural_has_its_singular(word: str) -> None:
    assert naming.singular(naming.plural(word)) == word
    assert naming.is_plural(naming.plural(word))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GET /orders", "list_orders"),
        ("GET /orders/{id}", "get_order"),
        ("POST /orders/{id}/lines", "create_order_line"),
        ("GET /orders/{id}/lines", "list_order_lines"),
        ("GET /health", "get_health"),
        ("PUT /{path+}", "put_root"),
        ("DELETE /order-lines/{id}", "delete_order_line"),
    ],
)
def test_a_handler_is_named_for_its_route(text: str, name: str) -> None:
    assert route.handler_name(route.parse(text)) == name


def test_required_fields_come_first() -> None:
    assert [field.name for field in fields.parse(["note?", "unit_price:Decimal"])] == ["unit_price", "note"]
    assert fields.parse(["unit_price:Decimal"])[0].json_name == "unitPrice"
