"""The code of a new route: its handler, its declaration and its test."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from taxiway.declare import Backend
from taxiway.scaffold import naming, resource, routes
from taxiway.scaffold.addition import Addition
from taxiway.scaffold.backend_file import Declared
from taxiway.scaffold.errors import ScaffoldError

_VERBS = {"GET": "get", "POST": "create", "PUT": "put", "PATCH": "update", "DELETE": "delete"}
_ACCESS = {"GET": "get", "PATCH": "update", "DELETE": "delete"}
"""What a route to one item calls in `dal`, and the grant that it needs, which have the same name."""


@dataclass(frozen=True)
class Key:
    """A route's method and path."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def segments(self) -> list[str]:
        return self.path.strip("/").split("/")

    @property
    def parameters(self) -> list[str]:
        return [segment[1:-1].removesuffix("+") for segment in self.segments if segment.startswith("{")]


def parse(text: str) -> Key:
    """A route as `"GET /orders/{id}"`. Raises ScaffoldError."""
    match = re.fullmatch(rf"\s*({'|'.join(_VERBS)})\s+(/\S+)\s*", text)
    if match is None:
        fix = f'write it like "GET /orders/{{id}}", with {", ".join(_VERBS)}'
        raise ScaffoldError(f"Invalid route {text!r}.", fix=fix)
    key = Key(match[1], match[2])
    for number, segment in enumerate(key.segments, start=1):
        last = r"\+?" if number == len(key.segments) else ""
        if not re.fullmatch(rf"[A-Za-z0-9._~-]+|\{{[a-z][a-z0-9_]*{last}\}}", segment):
            raise ScaffoldError(
                f"Invalid segment {segment!r} in the path {key.path}.", fix="write letters, digits and -, or {name}"
            )
    names = key.parameters
    for name in names:
        if keyword.iskeyword(name) or names.count(name) > 1:
            raise ScaffoldError(f"Invalid parameter {name!r} in the path {key.path}.", fix="choose another name")
    return key


def handler_name(key: Key) -> str:
    """`get_order` for GET /orders/{id}, `list_orders` for GET /orders, `create_order_line` for a nested POST."""
    words = [segment.replace("-", "_") for segment in key.segments if not segment.startswith("{")]
    words = [re.sub(r"[^a-z0-9_]", "_", word.lower()).strip("_") for word in words]
    *owners, last = [word for word in words if word] or ["root"]
    of_many = not key.segments[-1].startswith("{")
    lists = of_many and key.method == "GET" and naming.is_plural(last)
    verb = "list" if lists else _VERBS[key.method]
    return "_".join([verb, *map(naming.singular, owners), last if lists else naming.singular(last)])


def addition(project: Path, backend: Backend, key: Key, name: str | None) -> Addition:
    """The files of a new route, and its declaration. Raises ScaffoldError where the backend has the route already."""
    for route in backend.routes:
        if route.key == str(key):
            raise ScaffoldError(f"The route {key} already exists: {route.handler_path}.", fix="edit that handler")
    handler = name or handler_name(key)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", handler) or keyword.iskeyword(handler):
        raise ScaffoldError(f"Invalid name of a handler {handler!r}.", fix="name it like cancel_order: --name NAME")
    known = _of_entity(project, backend, key, handler)
    if known is not None:
        return known
    files = {
        f"handlers/http/{handler}.py": routes.plain_handler(key.method, key.path, handler, key.parameters),
        f"tests/test_{handler}.py": routes.test_of_plain_handler(key.method, key.path, handler, key.parameters),
    }
    return Addition(Declared(key.method, key.path, handler, f"handlers.http.{handler}"), files)


def _of_entity(project: Path, backend: Backend, key: Key, handler: str) -> Addition | None:
    """What the template does, for GET, PATCH and DELETE of one item of an entity under its usual name."""
    access = _ACCESS.get(key.method)
    if access is None or len(key.segments) != 2 or len(key.parameters) != 1 or "+" in key.path:
        return None
    found = resource.find(project, key.segments[0], access)
    if found is None or handler != handler_name(key):
        return None
    where = f"/{key.segments[0]}"
    names = (found.one, found.many, where, key.parameters[0])
    match key.method:
        case "GET":
            code = routes.get_handler(found.entity, *names)
        case "PATCH":
            code = routes.update_handler(found.entity, *names)
        case _:
            code = routes.delete_handler(*names)
    creates = any(route.key == f"POST {where}" for route in backend.routes)
    return Addition(
        Declared(
            key.method,
            key.path,
            handler,
            f"handlers.http.{handler}",
            (f"allow.{access}({found.entity})",),
            (f"models.{found.one}", found.entity),
        ),
        {
            f"handlers/http/{handler}.py": code,
            f"tests/test_{handler}.py": routes.test_of_entity_handler(
                key.method, where, found.one, found.example if creates else None
            ),
        },
    )
