"""The imports in a module's source that Lambda's Python would execute."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from taxiway.aws.packaging.static_conditions import truth

_BY_NAME = frozenset({"import_module", "__import__"})
_OF_IMPORTS = frozenset({"ImportError", "ModuleNotFoundError"})
_TOLERANT = _OF_IMPORTS | {"Exception", "BaseException"}

# https://docs.python.org/3/whatsnew/3.12.html#removed, https://docs.python.org/3/whatsnew/3.13.html#removed,
# https://docs.python.org/3/whatsnew/3.14.html#new-modules
_REMOVED = {
    12: "asynchat asyncore distutils imp smtpd",
    13: "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd "
    "sunau telnetlib uu xdrlib",
}
_ADDED = {14: "annotationlib compression"}


class Import(Struct, frozen=True):
    """One import, or the use of what may be a module."""

    module: str | None
    """The absolute name; None if it is computed at run time."""
    names: tuple[str, ...]
    where: str
    is_guarded: bool = False
    """Python continues if the module is missing."""
    instead_of: tuple[tuple[str, ...], ...] = ()
    """The modules that were tried before, `try` by `try`: if all of one exist, this import is never executed."""

    def __str__(self) -> str:
        return f"{', '.join(self.names)} from {self.module}" if self.names else str(self.module)


def standard_library(python: str) -> frozenset[str]:
    """The top-level names of the standard library of Python `python` ("3.14"), whichever Python runs this."""
    minor = int(python.partition(".")[2])
    names = set(sys.stdlib_module_names)
    for since, removed in _REMOVED.items():
        names = names - {*removed.split()} if since <= minor else names | {*removed.split()}
    for since, added in _ADDED.items():
        names = names | {*added.split()} if since <= minor else names - {*added.split()}
    return frozenset(names)


def read(file: Path, tree: ast.Module, package: Sequence[str], python: str) -> tuple[Import, ...]:
    """Every import in a module of `package`, at its top or within a function; then what is used of what it imports."""
    reader = _Reader(file, package, python)
    imports = [*reader.imports([tree])]
    return (*imports, *reader.uses())


class _Reader:
    def __init__(self, file: Path, package: Sequence[str], python: str) -> None:
        self._file = file
        self._package = package
        self._python = python
        self._modules: dict[str, str] = {}  # what may be a module, by the name that it has here
        self._chains: list[ast.Attribute] = []

    def imports(
        self, nodes: Iterable[ast.AST], *, is_guarded: bool = False, instead_of: tuple[tuple[str, ...], ...] = ()
    ) -> Iterator[Import]:
        for node in nodes:
            where = self._where(node)
            below: Iterable[ast.AST] = ast.iter_child_nodes(node)
            guards = is_guarded
            match node:
                case ast.Import() | ast.ImportFrom():
                    for module, names in self._spelt(node):
                        yield Import(module, names, where, is_guarded, instead_of)
                case ast.If() if (holds := truth(node.test, self._python)) is not None:
                    below = node.body if holds else node.orelse
                case ast.Try() if any(_kinds(handler) & _TOLERANT for handler in node.handlers):
                    tried = [*self.imports(node.body, is_guarded=True, instead_of=instead_of)]
                    yield from tried
                    for handler in node.handlers:
                        before = _tried(tried) if _kinds(handler) <= _OF_IMPORTS else ()
                        yield from self.imports([handler], is_guarded=is_guarded, instead_of=(*instead_of, *before))
                    below = [*node.orelse, *node.finalbody]
                case ast.With() if any(_suppresses(item.context_expr) for item in node.items):
                    guards = True
                case ast.Call() if _name(node.func) in _BY_NAME:
                    yield Import(_named(node), (), where, is_guarded, instead_of)
                case ast.Attribute():
                    self._chains.append(node)
                case _:
                    pass
            yield from self.imports(below, is_guarded=guards, instead_of=instead_of)

    def uses(self) -> Iterator[Import]:
        """`package.inner.name` after `import package` may be about a submodule, though no import names it."""
        seen: set[tuple[str, str]] = set()
        for chain in self._chains:
            first, *rest = _dotted(chain)
            module = self._modules.get(first)
            for name in rest if module is not None else ():
                if (str(module), name) not in seen:
                    seen.add((str(module), name))
                    yield Import(module, (name,), self._where(chain), is_guarded=True)
                module = f"{module}.{name}"

    def _spelt(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, ...]]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self._modules[alias.asname or top] = alias.name if alias.asname else top
                yield alias.name, ()
            return
        parent = self._package[: len(self._package) - node.level + 1] if node.level else ()
        module = ".".join([*parent, *([node.module] if node.module else [])])
        self._modules |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
        yield module, tuple(alias.name for alias in node.names)

    def _where(self, node: ast.AST) -> str:
        return f"{self._file}:{getattr(node, 'lineno', 1)}"


def _tried(tried: Sequence[Import]) -> tuple[tuple[str, ...], ...]:
    modules = [found.module for found in tried]
    return (tuple(str(module) for module in modules),) if modules and None not in modules else ()


def _kinds(handler: ast.ExceptHandler) -> set[str]:
    """What a handler catches; everything where it doesn't say."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {"BaseException" if kind is None else _name(kind) for kind in kinds}


def _suppresses(context: ast.expr) -> bool:
    """Whether it is `contextlib.suppress(ImportError)`."""
    return (
        isinstance(context, ast.Call)
        and _name(context.func) == "suppress"
        and any(_name(kind) in _TOLERANT for kind in context.args)
    )


def _named(call: ast.Call) -> str | None:
    """The module that a call imports, where its name is spelt out and absolute."""
    match call:
        case ast.Call(args=[ast.Constant(value=str(name))], keywords=[]) if name and not name.startswith("."):
            return name
        case _:
            return None


def _dotted(node: ast.expr) -> list[str]:
    """`a.b.c` in its parts; the first is empty if it is not a name."""
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [node.id if isinstance(node, ast.Name) else ""]


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
