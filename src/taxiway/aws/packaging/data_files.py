"""Finds data files of the project that its code names and a package lacks: templates, schemas, lists of words."""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

_MODULES = (".py", ".pyc", ".pyi")


def missing(project: Path, files: Mapping[str, Path], own: Collection[str]) -> Iterator[str]:
    """Yields a note for each file, or directory of files, that a module names in its text and that is not packaged.

    `files` has the files of the package by their paths in it, `own` the paths of the project's own. A name is relative
    to the project or to the module's directory, and may be written in parts: `Path("templates") / "invoice.html"`.
    """
    packaged = set(files.values())
    lacking: dict[Path, Path] = {}
    for path in sorted(own):
        module = files[path]
        if module.suffix == ".py" and module.is_relative_to(project):
            for name in _names(module):
                for found in _named(project, module, name):
                    if not _is_packaged(found, packaged):
                        lacking.setdefault(found, module)
    for found, module in lacking.items():
        if not any(found in other.parents for other in lacking):  # the file is named more exactly than its directory
            yield _note(project, module, found)


def _names(module: Path) -> list[str]:
    """The constants of a module that may be paths, and those that `/` joins, as one."""
    tree = ast.parse(module.read_bytes())
    texts = [_joined(node) for node in ast.walk(tree) if isinstance(node, ast.BinOp | ast.Constant)]
    return sorted({text for text in texts if text and len(text) < 256 and text.isprintable()})


def _joined(node: ast.expr) -> str | None:
    """The constant part at the end of a path: `templates/invoice.html` of `here / "templates" / "invoice.html"`."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(text))):
            before = _joined(left.args[0]) if isinstance(left, ast.Call) and left.args else _joined(left)
            return f"{before}/{text}" if before else text
        case _:
            return None


def _named(project: Path, module: Path, name: str) -> Iterator[Path]:
    """The data file or directory of the project that a name means, if there is one."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or any(part.startswith(".") for part in parts):
        return
    for start in dict.fromkeys((module.parent, project)):
        found = start / name
        is_file = "." in parts[-1] and found.is_file() and found.suffix not in _MODULES
        if is_file or (found.is_dir() and any(_data(found))):
            yield found
            return


def _data(directory: Path) -> Iterator[Path]:
    """The data files directly in a directory that has no modules, as a directory of templates does not."""
    inside = [path for path in directory.iterdir() if path.is_file() and not path.name.startswith(".")]
    if not any(path.suffix in _MODULES for path in inside):
        yield from inside


def _is_packaged(found: Path, packaged: Collection[Path]) -> bool:
    return found in packaged or (found.is_dir() and all(path in packaged for path in _data(found)))


def _note(project: Path, module: Path, found: Path) -> str:
    name = found.relative_to(project).as_posix()
    pattern, what = (f"{name}/*", f"the files of {name}") if found.is_dir() else (name, name)
    return (
        f"{module.relative_to(project).as_posix()} names {what}, not part of the package. If a function reads it, add "
        f'"{pattern}" to [tool.taxiway] include in pyproject.toml.'
    )
