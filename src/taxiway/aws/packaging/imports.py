"""Finds the files that a function's handlers import, by reading their sources without running them."""

import ast
import sys
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

import taxiway
from taxiway.aws.packaging.import_statements import Import, read, standard_library
from taxiway.declare import DeclarationError

TAXIWAY = Path(taxiway.__file__).parent

SHIPPED = frozenset({"http", "data", "sdk", "secrets", "log", "metrics"})
"""The rooms of Taxiway that run inside a function."""


class PackageError(DeclarationError):
    """A function can't be packaged: `where` says which one or which file."""

    code = "package"


class Reached(Struct, frozen=True):
    """What a function imports, directly or indirectly, at the top of a module or within a function."""

    files: dict[str, Path]
    """Where a file goes in the package (`dal/items.py`), and where it is now: the project's and Taxiway's."""
    libraries: dict[str, str]
    """The top-level names of the packages that it imports beside them, each with the `file:line` that does so first."""
    optional: frozenset[str]
    """Those that a function does without: only ever imported under `try`, or after a `try` that doesn't fail."""
    notes: tuple[str, ...]
    """The lines that import a name that is computed at run time, which can't be followed."""


class Imports:
    """Follows imports from handlers through a project and Taxiway; a file is read once, for every function."""

    def __init__(self, project: Path, *, python: str, available: Container[str] = ()) -> None:
        """For Python `python` ("3.14"); `available` are the top-level names of the libraries that can be imported."""
        self.project = project
        self._python = python
        self._standard_library = standard_library(python)
        self._available = available
        self._read: dict[Path, tuple[Import, ...]] = {}
        self._found: dict[tuple[Path, str], tuple[Path, ...] | None] = {}

    def reach(self, modules: Iterable[str], *, where: str, extra: Iterable[Path] = ()) -> Reached:
        """Everything that `modules` import, and the modules among `extra`, files of the project that are wanted anyway.

        `where` says who asks for the modules. Raises PackageError if a module of the project is missing, is not valid
        Python, or imports a module that is not for Lambda.
        """
        files: dict[str, Path] = {}
        libraries: dict[str, str] = {}
        required: set[str] = set()
        notes: list[str] = []
        todo = [(self.project, file) for file in reversed([*extra])]
        for module in sorted(modules, reverse=True):
            todo += self._follow(Import(module, (), where), libraries, required)
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

    def _follow(self, found: Import, libraries: dict[str, str], required: set[str]) -> Iterator[tuple[Path, Path]]:
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
            if top not in self._standard_library:
                libraries.setdefault(top, found.where)
                if not self._is_optional(found):
                    required.add(top)
            return
        else:
            root = self.project
        here = self._files(root, found.module)
        if here is None:
            if self._is_optional(found):
                return
            raise PackageError(
                f"The module {found.module} is imported, but does not exist.",
                fix=f"add it to {root}, or remove the import",
                where=found.where,
            )
        for name in found.names:  # of `from a import b`, b may be a module and may be anything else
            here += self._files(root, f"{found.module}.{name}") or ()
        yield from ((root, file) for file in here)

    def _is_own(self, top: str) -> bool:
        """Whether the project has it; the standard library goes before a directory without `__init__.py`."""
        path = self.project / top
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return True
        return top not in self._standard_library and path.is_dir() and any(path.rglob("*.py"))

    def _is_optional(self, found: Import) -> bool:
        """Whether a function does without: it goes on where that isn't there, or never comes to import it."""
        return found.is_guarded or any(all(map(self._is_there, tried)) for tried in found.instead_of)

    def _is_there(self, module: str) -> bool:
        top = module.partition(".")[0]
        if self._is_own(top):
            return self._files(self.project, module) is not None
        return top in self._available or top in self._standard_library or top == "taxiway"

    def _files(self, root: Path, module: str) -> tuple[Path, ...] | None:
        """The files that importing `module` runs, packages first; None where there is no such module."""
        if (root, module) not in self._found:
            self._found[root, module] = _files(root, module)
        return self._found[root, module]

    def _imports_of(self, root: Path, file: Path) -> tuple[Import, ...]:
        if file not in self._read:
            try:
                tree = ast.parse(file.read_bytes(), str(file))
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                raise PackageError(
                    f"The module is not valid Python: {error}", fix="correct the syntax error", where=f"{file}:{line}"
                ) from error
            self._read[file] = read(file, tree, file.relative_to(root).parts[:-1], self._python)
        return self._read[file]


def _is_for_laptops(found: Import) -> bool:
    """Whether an import asks for a part of Taxiway that does not ship. (`taxiway` itself only looks its names up.)"""
    top, _, rest = (found.module or "").partition(".")
    rooms = [rest.partition(".")[0]] if rest else found.names
    return top == "taxiway" and any(room not in SHIPPED for room in rooms)


def _files(root: Path, module: str) -> tuple[Path, ...] | None:
    files: list[Path] = []
    *packages, last = module.split(".")
    directory = root
    for package in packages:
        directory = directory / package
        files += [directory / "__init__.py"] if (directory / "__init__.py").is_file() else []
    for file in (directory / last / "__init__.py", directory / f"{last}.py"):
        if file.is_file():
            return (*files, file)
    return tuple(files) if (directory / last).is_dir() else None
