"""Which files a function's handlers import, found by reading their sources and running none of them."""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

import taxiway
from taxiway.declare import DeclarationError

TAXIWAY = Path(taxiway.__file__).parent

SHIPPED = frozenset({"http", "data", "secrets", "log", "metrics"})
"""The rooms of Taxiway that run inside a function."""

_BY_NAME = frozenset({"import_module", "__import__"})
_TOLERANT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class PackageError(DeclarationError):
    """A function can't be packaged. The message says which one or which file, and what to do."""


class Reached(Struct, frozen=True):
    """What a function imports, at the top of a module or within a function, however far away."""

    files: dict[str, Path]
    """Where a file goes in the package (`dal/items.py`), and where it is now: the project's and Taxiway's."""
    libraries: dict[str, str]
    """The top-level names of the packages that it imports beside them, each with the `file:line` that does so first."""
    optional: frozenset[str]
    """Those that are only ever imported under `try`, with an `except ImportError` to follow."""
    notes: tuple[str, ...]
    """The lines that import by a name made up at run time, which nobody can follow here."""


class Imports:
    """Follows imports from handlers through a project and Taxiway; a file is read once, for every function."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self._read: dict[Path, tuple[_Import, ...]] = {}

    def reach(self, modules: Iterable[str], *, where: str, extra: Iterable[Path] = ()) -> Reached:
        """Everything that `modules` import, and the modules among `extra`, files of the project that are wanted anyway.

        `where` says who asks for the modules. Raises PackageError where a module of the project is not there, does not
        parse, or imports what only runs on a laptop.
        """
        files: dict[str, Path] = {}
        libraries: dict[str, str] = {}
        required: set[str] = set()
        notes: list[str] = []
        todo = [(self.project, file) for file in reversed([*extra])]
        for module in sorted(modules, reverse=True):
            todo += self._follow(_Import(module, (), where, is_guarded=False), libraries, required)
        while todo:
            root, file = todo.pop()
            path = file.relative_to(root).as_posix()
            if path in files:
                continue
            files[path] = file
            for found in self._imports_of(root, file) if file.suffix == ".py" else ():
                if found.module is None:
                    notes += [found.where] if root == self.project else []
                elif root == self.project or not _is_for_laptops(found):
                    todo += self._follow(found, libraries, required)
        return Reached(files, libraries, frozenset(libraries.keys() - required), tuple(sorted(notes)))

    def _follow(self, found: "_Import", libraries: dict[str, str], required: set[str]) -> Iterator[tuple[Path, Path]]:
        """The files that an import runs, each with the directory that its package starts in."""
        assert found.module is not None
        top = found.module.partition(".")[0]
        if not top:
            raise PackageError(
                "A relative import needs a package, and this module is in none.",
                fix="import it by its absolute name",
                where=found.where,
            )
        if top == "taxiway":
            if _is_for_laptops(found):
                raise PackageError(
                    f"A function imports {found}, which does not run inside a function.",
                    fix="move what needs it to a module that handlers do not import (inside a function there are "
                    + ", ".join(f"taxiway.{room}" for room in sorted(SHIPPED))
                    + ")",
                    where=found.where,
                )
            root = TAXIWAY.parent
        elif top in sys.builtin_module_names or not self._is_own(top):
            if top not in sys.stdlib_module_names:
                libraries.setdefault(top, found.where)
                if not found.is_guarded:
                    required.add(top)
            return
        else:
            root = self.project
        here = _files(root, found.module)
        if here is None:
            if found.is_guarded:
                return
            raise PackageError(
                f"The module {found.module} is imported, and is not there.",
                fix=f"add it to {root}, or take the import out",
                where=found.where,
            )
        for name in found.names:  # of `from a import b`, b may be a module and may be anything else
            here += _files(root, f"{found.module}.{name}") or []
        yield from ((root, file) for file in here)

    def _is_own(self, top: str) -> bool:
        """Whether the project has it; the standard library goes before a directory without `__init__.py`."""
        path = self.project / top
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return True
        return top not in sys.stdlib_module_names and path.is_dir() and any(path.rglob("*.py"))

    def _imports_of(self, root: Path, file: Path) -> tuple["_Import", ...]:
        if file not in self._read:
            try:
                tree = ast.parse(file.read_bytes(), str(file))
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                raise PackageError(f"It is no Python: {error}", fix="mend it", where=f"{file}:{line}") from error
            self._read[file] = tuple(_imports([tree], file, file.relative_to(root).parts[:-1]))
        return self._read[file]


class _Import(Struct, frozen=True):
    module: str | None
    """The absolute name; None where it is made up at run time."""
    names: tuple[str, ...]
    where: str
    is_guarded: bool

    def __str__(self) -> str:
        return f"{', '.join(self.names)} from {self.module}" if self.names else str(self.module)


def _is_for_laptops(found: _Import) -> bool:
    """Whether an import asks for a part of Taxiway that does not ship. (`taxiway` itself only looks its names up.)"""
    top, _, rest = (found.module or "").partition(".")
    rooms = [rest.partition(".")[0]] if rest else found.names
    return top == "taxiway" and any(room not in SHIPPED for room in rooms)


def _files(root: Path, module: str) -> list[Path] | None:
    """The files that importing `module` runs, packages first; None where there is no such module."""
    files: list[Path] = []
    *packages, last = module.split(".")
    directory = root
    for package in packages:
        directory = directory / package
        files += [directory / "__init__.py"] if (directory / "__init__.py").is_file() else []
    for file in (directory / last / "__init__.py", directory / f"{last}.py"):
        if file.is_file():
            return [*files, file]
    return files if (directory / last).is_dir() else None


def _imports(
    nodes: Iterable[ast.AST], file: Path, package: Sequence[str], *, is_guarded: bool = False
) -> Iterator[_Import]:
    """Every import in and below some nodes, without those for a type checker alone."""
    for node in nodes:
        where = f"{file}:{getattr(node, 'lineno', 1)}"
        below: Iterable[ast.AST] = ast.iter_child_nodes(node)
        match node:
            case ast.Import():
                yield from (_Import(alias.name, (), where, is_guarded) for alias in node.names)
            case ast.ImportFrom():
                parent = package[: len(package) - node.level + 1] if node.level else ()
                module = ".".join([*parent, *([node.module] if node.module else [])])
                yield _Import(module, tuple(alias.name for alias in node.names), where, is_guarded)
            case ast.If() if _name(node.test) == "TYPE_CHECKING":
                below = node.orelse
            case ast.Try() if any(_is_tolerant(handler) for handler in node.handlers):
                yield from _imports(node.body, file, package, is_guarded=True)
                below = [*node.handlers, *node.orelse, *node.finalbody]
            case ast.Call() if _name(node.func) in _BY_NAME:
                yield _Import(None, (), where, is_guarded)
            case _:
                pass
        yield from _imports(below, file, package, is_guarded=is_guarded)


def _is_tolerant(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or _name(kind) in _TOLERANT for kind in kinds)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
