"""Files that every function gets because pyproject.toml lists them."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from taxiway.aws.packaging import pyproject
from taxiway.aws.packaging.imports import PackageError


def files(project: Path) -> Iterator[Path]:
    """The files that the patterns of `[tool.taxiway] include` match, each under its own name in the project.

    A link is replaced by the file that it points to, wherever that is. Raises PackageError for a pattern that is not a
    path within the project, and for one that matches no file.
    """
    for pattern in pyproject.texts(project, "tool", "taxiway", "include"):
        if wrong := _wrong(pattern):
            raise _error(project, pattern, wrong)
        try:
            found = sorted(path for path in project.glob(pattern) if path.is_file())
        except ValueError as error:
            raise _error(project, pattern, f"is not a valid pattern: {error}") from error
        if not found:
            raise _error(project, pattern, "matches no file")
        yield from found


def _wrong(pattern: str) -> str | None:
    """What keeps a pattern from naming files within a project, if anything does."""
    parts = PurePosixPath(pattern).parts
    if PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).anchor:
        return "is an absolute path, but packages must be the same wherever the project is"
    if ".." in parts:
        return "leads out of the project"
    return None if pattern.strip() and parts else "names nothing"


def _error(project: Path, pattern: str, wrong: str) -> PackageError:
    return PackageError(
        f"The pattern {pattern!r} of [tool.taxiway] include {wrong}.",
        fix='write a path relative to the project, as in include = ["data/*.json"], or remove the pattern; '
        "copy or link other files into the project",
        where=str(project / pyproject.NAME),
    )
