"""Writes a new project: a copy of the template, under a name of its own."""

import re
from pathlib import Path

import taxiway
from taxiway.declare import Backend, DeclarationError
from taxiway.scaffold import taxiway_source
from taxiway.scaffold.errors import ScaffoldError

TEMPLATE = "template"
BARE = "template-bare"

NAMED: dict[str, tuple[tuple[str, str], ...]] = {
    TEMPLATE: (
        ("README.md", "# items\n"),
        ("backend.py", 'Backend("items"'),
        ("pyproject.toml", 'name = "items"'),
        (".env.dev", "SECRETS_ID=items/"),
        (".env.test", "SECRETS_ID=items/"),
        (".env.prod", "SECRETS_ID=items/"),
        (".github/workflows/preview.yml", "BACKEND: items "),
        (".github/workflows/sweep.yml", "BACKEND: items "),
    ),
    BARE: (
        ("README.md", "# bare\n"),
        ("backend.py", 'Backend("bare"'),
        ("pyproject.toml", 'name = "bare"'),
    ),
}
"""Where the files of each template say its own name, which is `items` or `bare`: the file, and the name with its
neighbours."""

_OWN_NAMES = {TEMPLATE: "items", BARE: "bare"}
_SHARED = ("Makefile", ".gitignore")
"""What the bare project has of the template."""
_NOT_COPIED = frozenset({"__pycache__", ".taxiway", ".venv", "uv.lock", ".env.local"})
"""What comes of using a template where it is."""


def name_for(directory: Path) -> str:
    """The name of the backend in a directory: `My_Shop` becomes `my-shop`."""
    return re.sub(r"[^a-z0-9]+", "-", directory.name.lower()).strip("-")


def create(directory: Path, name: str, *, bare: bool = False, source: Path | None = None) -> int:
    """Write a project, and return how many files it has. `source` is Taxiway's checkout or wheel, if it has one.

    Raises ScaffoldError where the name is invalid, or the directory has files.
    """
    _check_name(name)
    _check_directory(directory)
    template = BARE if bare else TEMPLATE
    files = _files_of(_find(template))
    if bare:
        files |= {path: _find(TEMPLATE) / path for path in _SHARED}
    for path, original in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(original.read_bytes())
    for path, said in NAMED[template]:
        file = directory / path
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(said, said.replace(_OWN_NAMES[template], name)), encoding="utf-8")
    if source is not None:
        taxiway_source.declare_in(directory, source)
    return sum(file.is_file() for file in directory.rglob("*") if ".git" not in file.parts)


def _files_of(template: Path) -> dict[str, Path]:
    """Each file of a template by its relative path."""
    return {
        str(file.relative_to(template)): file
        for file in sorted(template.rglob("*"))
        if file.is_file() and not any(_is_left_out(part) for part in file.relative_to(template).parts)
    }


def _is_left_out(part: str) -> bool:
    return part in _NOT_COPIED or part.endswith("_cache")


def _find(template: str) -> Path:
    """A template: in the wheel beside the modules of Taxiway, in a checkout at its root."""
    package = Path(taxiway.__file__).parent
    found = package / template
    return found if found.is_dir() else package.parents[1] / template


def _check_name(name: str) -> None:
    try:
        Backend(name)
    except DeclarationError as error:
        raise ScaffoldError(error.problem, fix=f"{error.fix}: taxiway new DIR --name my-api") from None


def _check_directory(directory: Path) -> None:
    """A new repository, which has a `.git` and no more, counts as empty."""
    if directory.is_dir():
        if any(entry.name != ".git" for entry in directory.iterdir()):
            raise ScaffoldError(f"The directory {directory} is not empty.", fix="name a new directory, or an empty one")
    elif directory.exists():
        raise ScaffoldError(f"{directory} is a file.", fix="name a new directory, or an empty one")
