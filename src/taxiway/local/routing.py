"""Which route answers a request, as an HTTP API of API Gateway chooses it."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from urllib.parse import unquote

from taxiway.local.manifest import ServedRoute

Match: TypeAlias = tuple[ServedRoute, dict[str, str]]
"""The route, and its path parameters, decoded."""

_Leaf: TypeAlias = tuple[ServedRoute, Sequence[str]]
"""A route, and the names of its path parameters in order (routes that share a node may name them differently)."""


class _Node:
    """One segment of the paths of the routes."""

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, _Leaf] = {}
        """By method: the routes that end here."""
        self.greedy: dict[str, _Leaf] = {}
        """By method: the routes that take the rest of the path from here."""


class Router:
    """A tree over the segments of the routes, built once for a plan.

    The most specific route wins: a full match of method and path, then the longest greedy match, then `$default`;
    along the path, a literal segment over `{parameter}`; at the same path, the method over ANY.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    def __init__(self, routes: Iterable[ServedRoute]) -> None:
        self._root = _Node()
        self._default: ServedRoute | None = None
        for route in routes:
            if route.path == "$default":
                self._default = route
            else:
                self._insert(route)

    def _insert(self, route: ServedRoute) -> None:
        node, names = self._root, list[str]()
        for segment in route.path[1:].split("/"):
            if segment.endswith("+}"):
                node.greedy[route.method] = route, [*names, segment[1:-2]]
                return
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(unquote(segment), _Node())
        node.routes[route.method] = route, names

    def match(self, method: str, path: str) -> Match | None:
        """The route for a request, or None. `path` is percent-encoded: `%2F` separates no segments."""
        segments = path[1:].split("/")
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        found = _full(self._root, method, segments, 0, ()) or _greedy(self._root, method, segments, 0, ())
        if found is None:
            return self._default and (self._default, {})
        (route, names), values = found
        return route, dict(zip(names, values, strict=True))


_Found: TypeAlias = tuple[_Leaf, tuple[str, ...]]


def _full(node: _Node, method: str, segments: list[str], at: int, values: tuple[str, ...]) -> _Found | None:
    if at == len(segments):
        leaf = node.routes.get(method) or node.routes.get("ANY")
        return leaf and (leaf, values)
    segment = segments[at]
    found = None
    if (literal := node.literals.get(segment)) is not None:
        found = _full(literal, method, segments, at + 1, values)
    if found is None and node.parameter is not None and segment:
        found = _full(node.parameter, method, segments, at + 1, (*values, segment))
    return found


def _greedy(node: _Node, method: str, segments: list[str], at: int, values: tuple[str, ...]) -> _Found | None:
    if at == len(segments):
        return None
    segment = segments[at]
    found = None
    if (literal := node.literals.get(segment)) is not None:
        found = _greedy(literal, method, segments, at + 1, values)
    if found is None and node.parameter is not None and segment:
        found = _greedy(node.parameter, method, segments, at + 1, (*values, segment))
    if found is None and (leaf := node.greedy.get(method) or node.greedy.get("ANY")):
        rest = "/".join(segments[at:])
        found = (leaf, (*values, rest)) if rest else None
    return found
