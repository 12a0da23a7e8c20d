"""Where a new project takes Taxiway from: a checkout, a wheel, or the registry of packages."""

import json
import shutil
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import taxiway
from taxiway.scaffold.errors import ScaffoldError

VENDORED = "vendor"
"""The directory of a project with its copy of a wheel."""

_FIX = "name Taxiway's checkout or its wheel: --taxiway PATH"


def of_this_installation() -> Path | None:
    """The checkout or the wheel that this Taxiway was installed from; None where it came from a registry.

    pip and uv note it in direct_url.json: https://packaging.python.org/en/latest/specifications/direct-url/. Raises
    ScaffoldError where it is no longer there.
    """
    try:
        noted = Distribution.from_name("taxiway").read_text("direct_url.json")
    except PackageNotFoundError:
        checkout = Path(taxiway.__file__).parents[2]
        return checkout if _is_checkout(checkout) else None
    if noted is None:
        return None
    address: str = json.loads(noted)["url"]
    url = urlsplit(address)
    if url.scheme != "file":
        raise ScaffoldError(f"Taxiway was installed from {address}, which is not a file.", fix=_FIX)
    path = Path(url2pathname(url.path))
    if not path.exists():
        raise ScaffoldError(f"Taxiway was installed from {path}, which no longer exists.", fix=_FIX)
    return path


def checked(path: Path) -> Path:
    """The absolute path of a checkout or a wheel that a user named. Raises ScaffoldError where it is neither."""
    path = path.expanduser().resolve()
    is_wheel = path.is_file() and path.name.startswith("taxiway-") and path.suffix == ".whl"
    if not is_wheel and not _is_checkout(path):
        raise ScaffoldError(f"{path} is neither a checkout of Taxiway nor its wheel.", fix=_FIX)
    return path


def declare_in(project: Path, source: Path) -> None:
    """Let a project's pyproject.toml take Taxiway from `source`; a wheel is copied into the project."""
    if source.is_dir():
        where = f"path = {json.dumps(str(source))}, editable = true"
    else:
        (project / VENDORED).mkdir()
        shutil.copyfile(source, project / VENDORED / source.name)
        where = f"path = {json.dumps(f'{VENDORED}/{source.name}')}"
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.uv.sources]\ntaxiway = {{ {where} }}\n")


def _is_checkout(directory: Path) -> bool:
    try:
        declared = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return declared.get("project", {}).get("name") == "taxiway"
