"""The Lambda entry of a function that several routes share: `taxiway.http.dispatch.handler`.

The gateway has matched the route already and names it in the event's `routeKey`. TAXIWAY_ROUTES is the path of a JSON
file that says which handler answers it: `{"GET /items": "handlers.http.list_items.list_items", "$default": …}`.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

import msgspec

from taxiway.http.context import Json

LambdaHandler: TypeAlias = Callable[[Json, Any], Any]

VARIABLE = "TAXIWAY_ROUTES"


class Routes:
    """A Lambda handler that passes each event on to its route's own, imported on the route's first request.

    `handlers` gives the path `module.name` of a handler for each route key; `source` is where they are written.
    """

    def __init__(self, handlers: dict[str, str], *, source: str) -> None:
        self._paths = handlers
        self._source = source
        self._loaded: dict[str, LambdaHandler] = {}

    def __call__(self, event: Json, context: Any) -> Any:
        """Answer with the route's handler. Raises LookupError where the event's route has none."""
        key = event.get("routeKey", "")
        route = self._loaded.get(key)
        if route is None:
            route = self._loaded[key] = self._load(key)
        return route(event, context)

    def _load(self, key: str) -> LambdaHandler:
        path = self._paths.get(key)
        if path is None:
            known = ", ".join(self._paths)
            raise LookupError(f"No handler for the route {key!r} in {self._source}, which has: {known}.")
        module, _, name = path.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except AttributeError as error:
            raise LookupError(f"The route {key!r} names {path} in {self._source}: {module} has no {name!r}.") from error


def read_routes(path: str) -> Routes:
    """The routes of a JSON file. Raises OSError if it can't be read, ValueError if it is not a map of strings."""
    with open(path, "rb") as file:  # noqa: PTH123  pathlib costs a cold start some milliseconds
        content = file.read()
    try:
        return Routes(msgspec.json.decode(content, type=dict[str, str]), source=path)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} does not map route keys to handlers: {error}") from error


def handler(event: Json, context: Any) -> Any:
    """Answer an event of any route in the file that TAXIWAY_ROUTES names; the file is read once."""
    global _routes
    if _routes is None:
        path = os.environ.get(VARIABLE)
        if not path:
            raise LookupError(f"{VARIABLE} is not set: it names the JSON file of the routes that share this function.")
        _routes = read_routes(path)
    return _routes(event, context)


_routes: Routes | None = None
