"""Where in the user's files a pattern is declared, and which warnings a comment there acknowledges.

An acknowledgement is a comment on the line that a warning names, or directly above it, with its reason:

    # taxiway: allow[unbounded-partition] a category has some thousand items, and few are written in a second
    @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}")
"""

import ast
import linecache
import re
import sys
from collections.abc import Iterator
from functools import cache

_ALLOWED = re.compile(r"#\s*taxiway:\s*allow\[([a-z-]+)\]\s*(.*)")


def source_of(owner: type, name: str) -> str:
    """`file:line` of the method `name` in the body of a class, or of the class where there is no such method."""
    path = getattr(sys.modules.get(owner.__module__), "__file__", None)
    if path is None:
        return owner.__module__
    lines = _lines_of(path)
    line = lines.get(f"{owner.__qualname__}.{name}") or lines.get(owner.__qualname__) or 1
    return f"{path}:{line}"


def acknowledged(where: str, rule: str) -> str | None:
    """The reason for which the warning `rule` is allowed at `file:line`; None where it isn't, or for no reason."""
    path, _, number = where.rpartition(":")
    if not path or not number.isdigit():
        return None
    lines = linecache.getlines(path)
    position = int(number) - 1
    if position >= len(lines):
        return None
    found = [lines[position]]
    while position and lines[position - 1].lstrip().startswith("#"):
        position -= 1
        found.append(lines[position])
    comments = (_ALLOWED.search(line) for line in found)
    return next((comment[2].strip() for comment in comments if comment and comment[1] == rule and comment[2]), None)


@cache
def _lines_of(path: str) -> dict[str, int]:
    """The first line, decorators included, of every class and function in a file, by its qualified name."""
    return dict(_named(ast.parse("".join(linecache.getlines(path))), ""))


def _named(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{child.name}"
            yield name, min(part.lineno for part in (child, *child.decorator_list))
            yield from _named(child, f"{name}." if isinstance(child, ast.ClassDef) else f"{name}.<locals>.")
        else:
            yield from _named(child, prefix)
