"""The libraries of a project for a runtime of Lambda: resolved and unpacked by uv, without Docker."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import uuid4

from msgspec import Struct

from taxiway.aws.packaging import local_libraries, package_cache, pyproject
from taxiway.aws.packaging.imports import PackageError
from taxiway.aws.packaging.local_libraries import Local
from taxiway.aws.packaging.uv import uv

Architecture: TypeAlias = Literal["arm64", "x86_64"]

_MACHINES: dict[Architecture, str] = {"arm64": "aarch64", "x86_64": "x86_64"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LEFT_OUT = (".pyc", "py.typed")
_READS_STUBS = "lazy-loader"
"""A library that requires it may read its own stubs when it is imported: https://pypi.org/project/lazy-loader/."""
_KEPT_METADATA = frozenset({"METADATA", "entry_points.txt"})  # what importlib.metadata is asked for at run time


class Library(Struct, frozen=True):
    """A distribution, as it is unpacked."""

    name: str
    version: str
    files: dict[str, Path]
    """Where a file goes in the package, and where it is; no scripts, no record of the installation, and no type stubs
    but those of a library that reads them itself.
    """
    requires: frozenset[str]
    """The names of the distributions that it may need, whether or not they are there."""

    @property
    def imported_as(self) -> frozenset[str]:
        """The top-level names that it can be imported by."""
        tops = {path.partition("/")[0] for path in self.files}
        return frozenset(top.partition(".")[0] for top in tops if not top.endswith(".dist-info"))


class Libraries(Struct, frozen=True):
    """Every distribution that a project depends on, by its normal name."""

    by_name: dict[str, Library]
    pinned_by: str
    """What says which versions they are: `uv.lock`, or the environment that this process runs in."""

    @property
    def importable(self) -> frozenset[str]:
        """The top-level names that any of them can be imported by."""
        return frozenset(top for library in self.by_name.values() for top in library.imported_as)

    def providing(self, top: str) -> list[str]:
        """The distributions that can be imported as `top`: several may share a namespace."""
        return [name for name, library in self.by_name.items() if top in library.imported_as]

    def with_requirements(self, names: Iterable[str]) -> set[str]:
        """These distributions, and what they require, and so on."""
        found: set[str] = set()
        todo = [*names]
        while todo:
            name = todo.pop()
            if name in self.by_name and name not in found:
                found.add(name)
                todo += self.by_name[name].requires
        return found


def install(project: Path, *, python: str, architecture: Architecture, cache: Path) -> Libraries:
    """Unpack the libraries that the project declares, for Python `python` ("3.14") on Lambda's `architecture`.

    The versions are those of the project's `uv.lock`; without one, those that are installed in this environment, so
    that you deploy what you tested. They are resolved again only if these versions or local libraries change. Raises
    PackageError if uv is missing, and if it finds no wheel.
    """
    requirements, constraints, pinned_by = _wanted(project)
    platform = f"{_MACHINES[architecture]}-manylinux{_glibc(python)}"
    identities = "\n".join(line.identity() if isinstance(line, Local) else line for line in requirements)
    key = sha256(f"{identities}\n\n{constraints}\n\n{python} {platform}".encode()).hexdigest()[:16]
    directory = cache / "libraries" / f"{platform}-{python}-{key}"
    if not directory.is_dir():
        _unpack(project, requirements, constraints, python, platform, directory)
    package_cache.use(directory)
    return Libraries(_read(directory), pinned_by)


def _wanted(project: Path) -> tuple[tuple[str | Local, ...], str, str]:
    """Requirements, constraints on them, and what pins them."""
    lock = _lock(project)
    if lock is not None:
        options = ["--frozen", "--no-dev", "--no-emit-project", "--no-emit-package", "taxiway", "--no-header"]
        exported = uv("export", *options, directory=project)
        if exported.returncode:
            raise PackageError(
                f"uv can't read the lock:\n{exported.stderr.strip()}", fix="run `uv lock`", where=str(lock)
            )
        return local_libraries.read(exported.stdout, lock.parent), "", lock.name
    own = [text for text in pyproject.texts(project, "project", "dependencies") if normal(text) != "taxiway"]
    sources = pyproject.table(project, "tool", "uv", "sources")
    if elsewhere := sorted({normal(name) for name in sources} & {normal(text) for text in own}):
        raise PackageError(
            f"[tool.uv.sources] has a source for {', '.join(elsewhere)}, but there is no uv.lock.",
            fix="run `uv lock`",
            where=str(project / pyproject.NAME),
        )
    taxiway = [text for text in metadata.requires("taxiway") or [] if "extra ==" not in text]
    installed = {normal(found.name): found.version for found in metadata.distributions()}
    local = local_libraries.read("\n".join(sorted([*own, *taxiway])), project)
    built_here = {normal(line.name) for line in local if isinstance(line, Local)}
    constraints = [
        f"{name}=={version}"
        for name, version in sorted(installed.items())
        if "+" not in version and name not in built_here
    ]
    return local, "\n".join(constraints), "the environment"


def _lock(project: Path) -> Path | None:
    """The project's `uv.lock`: its own, or that of the workspace that it is a member of."""
    for directory in (project, *project.parents):
        lock = directory / "uv.lock"
        if lock.is_file():
            members = pyproject.texts(directory, "tool", "uv", "workspace", "members")
            if directory == project or any(project in directory.glob(pattern) for pattern in members):
                return lock
    return None


def _unpack(
    project: Path,
    requirements: tuple[str | Local, ...],
    constraints: str,
    python: str,
    platform: str,
    directory: Path,
) -> None:
    _refuse_git(requirements)
    work = directory.with_name(f"{directory.name}.{uuid4().hex}")
    work.mkdir(parents=True)
    try:
        constraining = work / "constraints.txt"
        constraining.write_text(constraints)
        unpacked = work / "unpacked"
        command = [
            *("pip", "install", "--quiet", "--python", sys.executable, "--target", str(unpacked)),
            *("--python-version", python, "--python-platform", platform, "--only-binary", ":all:", "--no-compile"),
            *("--constraint", str(constraining), "--requirement", "-"),
        ]
        with tempfile.TemporaryDirectory(prefix="taxiway-") as building:  # outside what git ignores in the project
            text = "\n".join(
                line.requirement(Path(building), project) if isinstance(line, Local) else line for line in requirements
            )
            done = uv(*command, directory=project, text=text)
            failed = done.returncode and uv(*command, "--offline", directory=project, text=text).returncode
        if failed:
            raise PackageError(
                f"uv can't install the project's dependencies for Lambda ({platform}, Python {python}):\n"
                f"{done.stderr.strip()}",
                fix="require versions that have wheels for this platform, and be online the first time. For a library "
                "without such a wheel, depend on the path of a wheel that you have built (`uv build --wheel`), or of "
                "a directory, if it is pure Python: other builds on this machine would not run on Lambda",
                where=pyproject.NAME,
            )
        unpacked.mkdir(exist_ok=True)  # nothing was asked for
        try:
            unpacked.rename(directory)
        except OSError:
            if not directory.is_dir():  # else another process was faster, with the same
                raise
    finally:
        shutil.rmtree(work)


def _refuse_git(requirements: Iterable[str | Local]) -> None:
    for line in requirements:
        if isinstance(line, str) and re.match(r"(-e\s+)?([^;]*@\s*)?git\+", line):
            raise PackageError(
                f"{line.split(';')[0].strip()} comes from git, which is not supported: packages need wheels.",
                fix="depend on the path of its wheel (`uv build --wheel` in a clone), or of a copy of it in the "
                "repository, if it is pure Python",
                where=pyproject.NAME,
            )


def _read(directory: Path) -> dict[str, Library]:
    libraries: dict[str, Library] = {}
    for found in metadata.distributions(path=[str(directory)]):
        requires = frozenset(normal(text) for text in found.requires or ())
        left_out = _LEFT_OUT if _READS_STUBS in requires else (*_LEFT_OUT, ".pyi")
        files: dict[str, Path] = {}
        for file in found.files or ():
            path = file.as_posix()
            folder = file.parts[0]
            is_metadata = folder.endswith(".dist-info") and file.name not in _KEPT_METADATA
            if path.startswith("..") or folder == "bin" or is_metadata or path.endswith(left_out):
                continue
            files[path] = directory / path
        name = normal(found.name)
        libraries[name] = Library(name, found.version, dict(sorted(files.items())), requires)
    return dict(sorted(libraries.items()))


def normal(requirement: str) -> str:
    """The name in a requirement, as PEP 503 writes it: `Foo_Bar[x]>=1` is about `foo-bar`."""
    match = _NAME.match(requirement.strip())
    return re.sub(r"[-_.]+", "-", match[0] if match else requirement).lower().rstrip("-")


def _glibc(python: str) -> str:
    """What uv calls the C library of a runtime: Amazon Linux 2 under Python 3.11 (2.26), 2023 under later ones (2.34).

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    """
    return "_2_17" if python == "3.11" else "_2_34"
