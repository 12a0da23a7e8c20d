"""Which room may import which, and what a function's import must not bring in."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import taxiway

PACKAGE = Path(taxiway.__file__).parent

SHIPPED = frozenset({"http", "data", "secrets", "settings", "log"})
"""What runs inside a function."""

PROJECTIONS = frozenset({"declare", "permissions", "project", "sdk", *SHIPPED})
"""What a projection of the declaration may be made of."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    "__init__": frozenset({"declare"}),
    "__main__": frozenset({"cli"}),
    "declare": frozenset(),
    "permissions": frozenset({"declare"}),
    "sdk": frozenset(),
    "project": frozenset({"declare"}),
    **dict.fromkeys(SHIPPED, SHIPPED | {"sdk"}),
    "patterns": frozenset({"declare", "data"}),
    "migrate": frozenset({"declare", "data", "patterns", "sdk"}),
    "scaffold": frozenset({"__init__", "declare", "project"}),
    "local": PROJECTIONS | {"__init__"},
    "aws": PROJECTIONS | {"__init__"},
    "cli": frozenset({"__init__", "aws", "local", "migrate", "patterns", "scaffold"}) | PROJECTIONS,
    "testing": frozenset({"__init__", "local"}) | PROJECTIONS,
    "pytest_plugin": frozenset({"data", "project", "testing"}),
}
"""The rooms that each room may import beside itself: every room is here."""

FOLDERS_OF_AWS: dict[str, frozenset[str]] = {
    "cost": frozenset({"packaging", "template"}),
    "deploying": frozenset({"packaging", "template"}),
    "packaging": frozenset(),
    "template": frozenset(),
}
"""The same within `aws/`."""

LIBRARIES: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "declare": frozenset(),
    "permissions": frozenset(),
    "sdk": frozenset({"msgspec", "snapshot_restore_py"}),  # the latter comes with the runtime of Lambda
    **{room: frozenset({"msgspec"}) for room in SHIPPED},
}
"""The packages beside the standard library that a room may import, where they are limited."""

NEVER_IN_A_FUNCTION = frozenset(
    {
        *("asyncio", "inspect", "email", "dataclasses", "importlib.metadata"),
        *("pydantic", "boto3", "botocore", "troposphere"),
    }
)

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path) -> Iterator[str]:
    """The absolute name of everything that a module imports, at its top or within a function."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: import by the absolute name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_room_imports_what_it_may(module):
    room = room_of(module)
    for name in imports_of(module):
        package, _, rest = name.partition(".")
        if package == "taxiway":
            imported = rest.partition(".")[0]
            imported = imported if imported in MAY_IMPORT else "__init__"  # a name of `taxiway` itself
            assert imported in MAY_IMPORT[room] | {room}, f"{room} may not import taxiway.{imported}"
        elif package not in sys.stdlib_module_names:
            assert package in LIBRARIES.get(room, {package}), f"{room} may not import {package}"


@pytest.mark.parametrize("module", [*(PACKAGE / "aws").glob("*/*.py")], ids=lambda module: "/".join(module.parts[-2:]))
def test_a_folder_of_aws_imports_what_it_may(module):
    folder = module.parent.name
    for name in imports_of(module):
        parts = name.split(".")
        if parts[:2] == ["taxiway", "aws"] and len(parts) > 2 and parts[2] in FOLDERS_OF_AWS:
            assert parts[2] in FOLDERS_OF_AWS[folder] | {folder}, f"aws/{folder} may not import aws/{parts[2]}"


def test_no_modules_import_each_other_in_a_circle():
    modules = {_name_of(module): module for module in MODULES}
    imports = {
        name: {_nearest(each, modules) for each in imports_of(module)} - {name, None}
        for name, module in modules.items()
    }
    done: set[str] = set()
    while ready := [name for name, needs in imports.items() if name not in done and needs <= done]:
        done.update(ready)
    assert imports.keys() - done == set(), "these import each other, or are imported by such: open the circle"


def _name_of(module: Path) -> str:
    return ".".join(("taxiway", *module.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def _nearest(name: str, modules: dict[str, Path]) -> str | None:
    """The module that an import names: `taxiway.declare.api` of `taxiway.declare.api.Route`."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


@pytest.fixture(scope="session")
def function_path(tmp_path_factory) -> list[str]:
    """A path with what ships to Lambda and nothing else: Taxiway and msgspec."""
    packages = tmp_path_factory.mktemp("function")
    spec = find_spec("msgspec")
    assert spec
    assert spec.origin
    (packages / "msgspec").symlink_to(Path(spec.origin).parent)
    return [str(PACKAGE.parent), str(packages)]


def modules_after(code: str, path: list[str]) -> set[str]:
    """The modules that `code` has loaded, in an interpreter without site-packages."""
    program = f"import sys; sys.path += {path!r}\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


EXAMPLE = """
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from msgspec import Meta, Struct
from taxiway import log
from taxiway.http import Created, Header, Path, Query, handler

class NewItem(Struct):
    name: Annotated[str, Meta(min_length=1)]
    price: Decimal | None = None

@handler
def create(
    body: NewItem, key: Header[str | None] = None, limit: Query[int] = 20, since: Query[datetime | None] = None
) -> Created[NewItem]:
    if log is None:
        raise RuntimeError
    return Created(body, location="/items/1")
"""

ONE_REQUEST = """
response = create({
    "version": "2.0", "routeKey": "POST /items", "rawPath": "/items", "headers": {"content-type": "application/json"},
    "requestContext": {"requestId": "r"}, "body": '{"name": "lamp", "price": 1.10}', "isBase64Encoded": False,
}, None)
assert response["statusCode"] == 201, response
"""

ROOMS = sorted(
    room for room in SHIPPED if (PACKAGE / room / "__init__.py").exists() or (PACKAGE / f"{room}.py").exists()
)


@pytest.mark.parametrize(
    "code",
    [*(f"import taxiway.{room}" for room in ROOMS), "import taxiway.http.dispatch", EXAMPLE, EXAMPLE + ONE_REQUEST],
    ids=[*ROOMS, "http.shared", "a handler", "a request"],
)
def test_a_functions_import_brings_in_nothing_slow(code, function_path):
    assert not modules_after(code, function_path) & NEVER_IN_A_FUNCTION


def test_asyncio_is_paid_for_by_async_handlers_alone(function_path):
    code = "from taxiway.http import handler\n@handler\nasync def get() -> None: ..."

    assert "asyncio" in modules_after(code, function_path)
