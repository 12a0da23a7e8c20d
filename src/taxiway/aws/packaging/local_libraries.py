"""Requirements that are on this machine: wheels, and directories of pure Python, which are built from a copy.

They are identified by their content and not by their path: a library of the same repository changes without a new
version. The copy contains only the files that identify it, and nothing that an earlier build left behind.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from taxiway.aws.packaging import pyproject
from taxiway.aws.packaging.imports import PackageError
from taxiway.aws.packaging.uv import uv

# A line as uv exports it, or as PEP 508 has it: `-e ./lib`, `../x.whl --hash=…`, `lib[a] @ file:///x ; marker`.
_LOCAL = re.compile(
    r"(?:(?:-e|--editable)\s+)?(?P<name>[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*)?"
    r"(?P<place>(?:file:|/|\.{1,2}(?=/|$)).*?)(?P<rest>\s*;.*|\s+--hash.*)?"
)
_OF_TOOLS = frozenset({"__pycache__", "node_modules"})
_OF_BUILDS = frozenset({"build", "dist"})
_MEND = "make sure that `uv build --wheel` builds a copy without its .git, and be online the first time"
_MEND_VERSION = (
    "its version is dynamic. A version from git is not available: the copy that is built has no .git, because each "
    "commit would be another version, and deploy every function that uses the library. Set a fallback version in its "
    'pyproject.toml (`fallback_version = "0"` in [tool.setuptools_scm], `fallback-version = "0"` in '
    "[tool.hatch.version]), write its version there, or depend on the path of its wheel. If it is not from git, "
)


class Local(Struct, frozen=True):
    """A requirement of something that is on this machine."""

    name: str
    """`lib @ `, or nothing."""
    path: Path
    rest: str
    """Its marker and hashes."""

    def identity(self) -> str:
        """Changes if what it is built from does, and not with where that is."""
        whole = sha256()
        for file in [self.path] if self.path.is_file() else _sources(self.path):
            content = sha256(file.read_bytes()).hexdigest()
            whole.update(f"{file.relative_to(self.path).as_posix()}\0{content}\0".encode())
        return f"{self.name}{whole.hexdigest()}{self.rest}"

    def requirement(self, work: Path, project: Path) -> str:
        """It as a requirement of a wheel. Raises PackageError if it can't be built, or not for Lambda."""
        if self.path.suffix == ".whl":
            return f"{self.name}{self.path.as_uri()}{self.rest}"
        marker = self.rest.partition(" --hash")[0]  # the hashes are of what it is built from
        return f"{self.name}{self._build(work, project).as_uri()}{marker}"

    def _build(self, work: Path, project: Path) -> Path:
        source, made = self.path, work / sha256(str(self.path).encode()).hexdigest()[:8]
        if source.is_dir():
            source = made / self.path.name
            for file in _sources(self.path):
                to = source / file.relative_to(self.path)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, to)
        build = partial(uv, "build", "--wheel", "--python", sys.executable, "--out-dir", str(made / "wheel"))
        done = build(str(source), directory=project)
        if done.returncode and build(str(source), "--offline", directory=project).returncode:
            raise PackageError(
                f"uv can't build a wheel of the library:\n{done.stderr.strip()}",
                fix=self._way_to_build(),
                where=str(self.path),
            )
        [wheel] = (made / "wheel").glob("*.whl")
        if not wheel.name.endswith("-none-any.whl"):
            raise PackageError(
                f"The wheel {wheel.name} of a library is for this machine, not for Lambda.",
                fix="build the wheel on a machine like Lambda's, or in a container, and depend on its path",
                where=str(self.path),
            )
        return wheel

    def _way_to_build(self) -> str:
        is_dynamic = self.path.is_dir() and "version" in pyproject.texts(self.path, "project", "dynamic")
        return f"{_MEND_VERSION if is_dynamic else ''}{_MEND}"


def read(requirements: str, base: Path) -> tuple[str | Local, ...]:
    """The requirements of a text, one each; paths are relative to `base`."""
    lines = (line.strip() for line in requirements.replace("\\\n", " ").splitlines())
    return tuple(_local(line, base) or line for line in lines if line and not line.startswith("#"))


def _local(line: str, base: Path) -> Local | None:
    match = _LOCAL.fullmatch(line)
    if match is None:
        return None
    path = base / unquote(urlsplit(match["place"]).path)
    # Where nothing is there, uv says so.
    return Local(match["name"] or "", path.resolve(), match["rest"] or "") if path.exists() else None


def _sources(library: Path) -> Iterator[Path]:
    """The files of a directory that a build may read, in order: neither hidden directories nor what tools have made."""
    for directory, directories, files in os.walk(library, followlinks=True):
        here = Path(directory)
        directories[:] = sorted(
            name
            for name in directories
            if not (name.startswith(".") or name in _OF_TOOLS or name.endswith(".egg-info"))
            and not (here == library and name in _OF_BUILDS)
            and not (here / name / "pyvenv.cfg").is_file()
            and not here.is_relative_to((here / name).resolve())
        )
        yield from (here / name for name in sorted(files) if (here / name).is_file())
