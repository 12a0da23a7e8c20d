"""Adds imports and routes to a `backend.py`, where it is written as the template's is."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from taxiway.scaffold.errors import ScaffoldError

WIDTH = 120
"""Columns of a line, as the template's ruff has them."""


class UnknownShape(Exception):  # noqa: N818  it says what the file is, which is not wrong
    """backend.py is written in another way than the template's; the message says in which."""


@dataclass(frozen=True)
class Declared:
    """What one addition declares: a handler, its route, and what its function may do."""

    method: str
    path: str
    handler: str
    module: str
    uses: tuple[str, ...] = ()
    entity: tuple[str, str] | None = None
    """The module and the class that `uses` name."""

    @property
    def imports(self) -> tuple[tuple[str, str], ...]:
        return ((self.module, self.handler), *([self.entity] if self.entity else []))

    def import_lines(self) -> list[str]:
        allow = ["from taxiway import allow"] if self.uses else []
        return [*allow, *(_import(module, name) for module, name in self.imports)]

    def route_lines(self, api: str, indent: str) -> list[str]:
        """The call, on one line or on several, as ruff formats it."""
        uses = [f"uses=[{', '.join(self.uses)}]"] if self.uses else []
        arguments = [f'"{self.path}"', self.handler, *uses]
        call = f"{indent}{api}.{self.method.lower()}("
        one_line = f"{call}{', '.join(arguments)})"
        if len(one_line) <= WIDTH:
            return [one_line]
        inner = f"{indent}    {', '.join(arguments)}"
        if len(inner) <= WIDTH:
            return [call, inner, f"{indent})"]
        return [call, *(f"{indent}    {argument}," for argument in arguments), f"{indent})"]


class BackendFile:
    """The text of a backend.py, and the places in it where something is added."""

    def __init__(self, project: Path, text: str) -> None:
        self._project = project
        self._text = text
        self._tree = ast.parse(text)

    @classmethod
    def read(cls, project: Path) -> Self:
        return cls(project, (project / "backend.py").read_text(encoding="utf-8"))

    def check_names(self, declared: Declared) -> None:
        """Raise ScaffoldError where the file has a name already, for something else than an addition means by it."""
        imports = self._imports()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                imports.setdefault(node.id, "")
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                imports.setdefault(node.name, "")
        for module, name in declared.imports:
            if imports.get(name, module) != module:
                raise ScaffoldError(f"backend.py already uses the name {name}.", fix="choose another name")

    def with_declared(self, declared: Declared) -> str:
        """The text with the imports and the route. Raises UnknownShape."""
        needs_table = declared.entity is not None
        api, last = self._routes(needs_table=needs_table)
        lines = self._text.split("\n")
        indent = " " * last.col_offset
        self._check_alone(last, lines)
        present = self._imports()
        insertions = [(_end(last), declared.route_lines(api, indent))]
        for module, name in declared.imports:
            if name not in present:
                at, blank = self._place_of_import(module)
                insertions.append((at, ([""] if blank else []) + [_import(module, name)]))
        for at, new in sorted(insertions, key=lambda insertion: insertion[0], reverse=True):
            lines[at:at] = new
        changed = "\n".join(lines)
        if declared.uses and "allow" not in present:
            changed = BackendFile(self._project, changed)._with_allow()  # noqa: SLF001  another of this class
        ast.parse(changed)
        return changed

    def _imports(self) -> dict[str, str]:
        """Each imported name, and the module that it comes from."""
        return {
            alias.asname or alias.name: node.module or ""
            for node in self._tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def _routes(self, *, needs_table: bool) -> tuple[str, ast.stmt]:
        """The name of the API, and the statement after which a route is added."""
        functions = [node for node in self._tree.body if isinstance(node, ast.FunctionDef) and node.name == "backend"]
        if len(functions) != 1:
            raise UnknownShape("backend.py does not define one function `backend`")
        body = functions[0].body
        apis = [(name, node) for node in body if (name := _assigned_api(node)) is not None]
        if len(apis) != 1:
            raise UnknownShape("the function `backend` does not assign one HttpApi(…) to a name")
        name, last = apis[0]
        for node in body:
            if _is_call_of(node, name):
                last = node
        if needs_table and not _has_table(functions[0]):
            raise UnknownShape("backend.py declares no table in Backend(…, table=Table())")
        return name, last

    def _check_alone(self, node: ast.stmt, lines: list[str]) -> None:
        after = lines[_end(node) - 1].encode()[node.end_col_offset :].decode().strip()
        if after and not after.startswith("#"):
            raise UnknownShape(f"line {_end(node)} of backend.py has several statements")

    def _place_of_import(self, module: str) -> tuple[int, bool]:
        """The line before which an import goes, in alphabetical order, and whether it opens a section of its own."""
        nodes = [node for node in self._tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
        if not nodes:
            raise UnknownShape("backend.py has no imports")
        own = [node for node in nodes if isinstance(node, ast.ImportFrom) and self._is_own(node.module or "")]
        for node in own:
            if (node.module or "").lower() > module.lower():
                return node.lineno - 1, False
        return (_end(own[-1]), False) if own else (_end(nodes[-1]), True)

    def _is_own(self, module: str) -> bool:
        """Whether a module is the project's."""
        root = module.partition(".")[0]
        return root in ("handlers", "models") or any((self._project / path).exists() for path in (root, f"{root}.py"))

    def _with_allow(self) -> str:
        """The text with `allow` imported from taxiway."""
        found = [node for node in self._tree.body if isinstance(node, ast.ImportFrom) and node.module == "taxiway"]
        if len(found) != 1 or any(alias.name == "*" or alias.asname for alias in found[0].names):
            raise UnknownShape("backend.py does not have one `from taxiway import …`")
        names = sorted({alias.name for alias in found[0].names} | {"allow"}, key=lambda name: (name.islower(), name))
        lines = self._text.split("\n")
        lines[found[0].lineno - 1 : _end(found[0])] = _import("taxiway", *names).split("\n")
        return "\n".join(lines)


def _import(module: str, *names: str) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= WIDTH else "\n".join([f"from {module} import (", *(f"    {n}," for n in names), ")"])


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _assigned_api(node: ast.stmt) -> str | None:
    """The name that a statement assigns HttpApi(…) to."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="HttpApi"))):
            return name
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id="HttpApi"))):
            return name
        case _:
            return None


def _is_call_of(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=found)))):
            return found == name
        case _:
            return False


def _has_table(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Backend"
        and any(keyword.arg == "table" for keyword in node.keywords)
        for node in ast.walk(function)
    )
