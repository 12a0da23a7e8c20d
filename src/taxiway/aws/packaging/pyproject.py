"""Reads pyproject.toml, and reports values of the wrong type."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from taxiway.aws.packaging.imports import PackageError

NAME = "pyproject.toml"


def table(directory: Path, *names: str) -> Mapping[str, Any]:
    """A table of a directory's pyproject.toml, by its dotted name; empty where there is none.

    Raises PackageError if it is something else, and if the file is not valid TOML.
    """
    within: Mapping[str, Any] = _read(directory)
    for depth, name in enumerate(names, start=1):
        found: Any = within.get(name, {})
        if not isinstance(found, dict):
            spelt = ".".join(names[:depth])
            raise PackageError(
                f"{spelt} must be a table, and is {found!r}.", fix=f"write it as [{spelt}]", where=str(directory / NAME)
            )
        within = cast(Mapping[str, Any], found)
    return within


def texts(directory: Path, *names: str) -> tuple[str, ...]:
    """A list of texts, by its dotted name; empty where there is none.

    Raises PackageError where it is something else.
    """
    *tables, key = names
    found: Any = table(directory, *tables).get(key, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in cast(list[Any], found)):
        raise PackageError(
            f"{key} of [{'.'.join(tables)}] must be a list of strings, and is {found!r}.",
            fix=f'write {key} = ["…"]',
            where=str(directory / NAME),
        )
    return tuple(cast(list[str], found))


def _read(directory: Path) -> dict[str, Any]:
    path = directory / NAME
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackageError(f"Cannot read {NAME}: {error}", fix="correct the file", where=str(path)) from error
