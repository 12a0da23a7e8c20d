"""Which way Lambda's Python takes at an `if` that asks for the version or the platform, as a type checker decides it.

https://typing.python.org/en/latest/spec/directives.html#version-and-platform-checking
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _UnknownError(Exception):
    """Only the running program can tell."""


def truth(condition: ast.expr, python: str) -> bool | None:
    """Whether it holds under Python `python` ("3.14") on Lambda; None where that is not known before it runs."""
    match condition:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand, python)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            decides = isinstance(op, ast.Or)
            parts = [truth(value, python) for value in values]
            return decides if decides in parts else None if None in parts else not decides
        case _:
            try:
                return bool(_value(condition, tuple(int(part) for part in python.split("."))))
            except (_UnknownError, TypeError):  # TypeError: it compares what can't be compared
                return None


def _value(node: ast.expr, version: tuple[int, ...]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=elements) if len(elements) <= len(version):  # with more, it asks for a patch release
            return tuple(_value(element, version) for element in elements)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            sides = (_whole(side, _value(side, version)) for side in (left, right))
            return _COMPARISONS[type(op)](*sides)
        case ast.Attribute(value=ast.Name(id="sys"), attr="platform"):
            return "linux"
        case ast.Call(func=ast.Attribute(value=value, attr="startswith"), args=[ast.Constant(value=str(prefix))]):
            return str(_value(value, version)).startswith(prefix)
        case _:
            return _of_the_version(node, version)


def _of_the_version(node: ast.expr, version: tuple[int, ...]) -> Any:
    match node:
        case ast.Subscript(value=value, slice=ast.Constant(value=int(index))) if _is_version(value) and index in (0, 1):
            return version[index]
        case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=ast.Constant(value=int(end)), step=None)) if (
            _is_version(value) and end in (1, 2)
        ):
            return version[:end]
        case ast.Attribute(value=value, attr="major" | "minor" as part) if _is_version(value):
            return version[part == "minor"]
        case _ if _is_version(node):
            return version
        case _:
            raise _UnknownError


def _is_version(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "version_info" and ast.unparse(node.value) == "sys"


def _whole(node: ast.expr, value: Any) -> Any:
    """`sys.version_info` has more than the two numbers: it is never equal to them, and comes after them."""
    return (*value, 0) if _is_version(node) else value
