"""A ZIP for each function: what it imports, for the Python and the processor of Lambda, the same bytes each time."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import assert_never
from zipfile import ZipFile

import msgspec
from msgspec import Struct

from taxiway.aws.packaging import data_files, included_files, package_cache
from taxiway.aws.packaging.archive import archive, write
from taxiway.aws.packaging.bytecode import Compiler, compiler
from taxiway.aws.packaging.dependencies import Architecture, install
from taxiway.aws.packaging.imports import TAXIWAY, Imports, PackageError, Reached
from taxiway.aws.runtime import PYTHON
from taxiway.declare import Backend, Function, Route, StreamConsumer, Trigger

MAX_UNZIPPED = 250 * 1024 * 1024
"""Bytes that Lambda unzips, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""
BUDGET = 50 * 1024 * 1024
"""Bytes unzipped above which a package is worth a look: a cold start reads them."""

TASK_ROOT = "/var/task"
ROUTES = "taxiway-routes.json"
_SHARED = "taxiway.http.dispatch"

# The runtime has its own: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_OF_THE_RUNTIME = frozenset({"awslambdaric", "boto3", "botocore", "snapshot_restore_py"})

_FORMAT = b"taxiway package 1"
_MB = 1024 * 1024


class Part(Struct, frozen=True):
    """What a package is made of."""

    name: str
    """`msgspec 0.22.0`, `taxiway 0.1.0`, or `project`."""
    size: int
    """Bytes, unzipped."""
    zipped: int


class Package(Struct, frozen=True):
    """A function's code, ready for Lambda."""

    function: str
    path: Path
    digest: str
    """Changes if and only if what is inside does, whichever zlib deflated it and whichever Python compiled it so:
    what a deployment compares. Lambda publishes no second version of the same code, and CloudFormation fails on that.
    """
    handler: str
    """What Lambda calls: `handlers.http.create_item.create_item`."""
    variables: dict[str, str]
    """Environment variables that the code needs on top of the declaration's."""
    size: int
    """Bytes, unzipped."""
    zipped: int
    parts: tuple[Part, ...]
    """The largest first."""
    is_cached: bool
    """It was built before."""
    notes: tuple[str, ...]
    """What a person should know, each in a sentence."""


def build(
    backend: Backend,
    project: Path,
    *,
    python: str = PYTHON,
    architecture: Architecture = "arm64",
    cache: Path | None = None,
    budget: int = BUDGET,
) -> tuple[Package, ...]:
    """Build the package of every function; one whose contents have not changed is not built again.

    A package has the modules of the project and of Taxiway that the function's handlers import, and those libraries
    among the project's dependencies that they import, with what these require. Files that no import names are listed
    in pyproject.toml, under `[tool.taxiway] include`, as patterns: `["data/*.json", "plugins/*.py"]`.

    `cache` is the directory for packages and their parts, `.taxiway/packages` of the project by default; entries that
    no build has used for 30 days are deleted. Raises PackageError if an imported module is missing, a dependency has no
    wheel, a pattern matches no file of the project, or a package exceeds Lambda's limit.
    """
    cache = cache or project / ".taxiway" / "packages"
    with package_cache.together(cache):
        builder = _Builder(project.resolve(), python, architecture, cache, budget)
        packages = tuple(builder.package(function, handlers) for function, handlers in _handlers(backend))
    package_cache.forget(cache)
    return packages


def report(packages: Sequence[Package]) -> list[str]:
    """Lines for a person: each package with its size, what the largest is made of, and what is to be known of them."""
    width = max((len(package.function) for package in packages), default=0)
    lines = [
        f"{package.function.ljust(width)}  {_mb(package.zipped)} zipped  {_mb(package.size)} unzipped  "
        f"{'unchanged' if package.is_cached else 'built'}"
        for package in packages
    ]
    largest = max(packages, key=lambda package: package.size, default=None)
    if largest is not None:
        lines += ["", f"{largest.function} is made of:"]
        lines += [f"  {_mb(part.size)}  {_mb(part.zipped)} zipped  {part.name}" for part in largest.parts]
    notes = dict.fromkeys(note for package in packages for note in package.notes)
    return [*lines, *([""] if notes else []), *notes]


class _Content(Struct, frozen=True):
    """What goes into a package, before it is compiled and zipped."""

    files: dict[str, Path]
    owners: dict[str, str]
    """The part that a file belongs to."""
    routes: bytes | None
    notes: tuple[str, ...]


class _Builder:
    """Builds the packages of one backend."""

    def __init__(self, project: Path, python: str, architecture: Architecture, cache: Path, budget: int) -> None:
        self._project = project
        self._target = f"{python} {architecture}"
        self._cache = cache
        self._budget = budget
        self._libraries = install(project, python=python, architecture=architecture, cache=cache)
        self._imports = Imports(project, python=python, available=self._libraries.importable | _OF_THE_RUNTIME)
        self._compiler: Compiler | None = compiler(python, cache)
        self._extra = tuple(included_files.files(project))
        self._digests: dict[Path, bytes] = {}
        self._no_compiler = (
            f"Python {python} is not installed, and npm could not install Pyodide instead: the packages have no "
            f"compiled modules, so each cold start compiles them. To fix that, run `uv python install {python}`."
        )

    def package(self, function: Function, handlers: dict[str, str]) -> Package:
        is_shared = len(handlers) > 1
        modules = {path.rpartition(".")[0] for path in handlers.values()} | ({_SHARED} if is_shared else set[str]())
        reached = self._imports.reach(modules, where=function.source, extra=self._extra)
        content = self._content(reached, msgspec.json.encode(handlers, order="sorted") if is_shared else None)
        key = self._key(content)
        path = next(self._cache.glob(f"{key}-*.zip"), None)
        is_cached = path is not None
        if path is not None:
            package_cache.use(path)
        else:
            files = self._compiled(content)
            path = self._cache / f"{key}-{_digest(files, content.routes)}.zip"
            write(path, _build(files, content.routes))
        parts = _parts(path, content.owners)
        size = sum(part.size for part in parts)
        return Package(
            function=function.name,
            path=path,
            digest=path.stem.rpartition("-")[2],
            handler=f"{_SHARED}.handler" if is_shared else next(iter(handlers.values())),
            variables={"TAXIWAY_ROUTES": f"{TASK_ROOT}/{ROUTES}"} if is_shared else {},
            size=size,
            zipped=path.stat().st_size,
            parts=parts,
            is_cached=is_cached,
            notes=content.notes + self._judge(function, size, parts),
        )

    def _content(self, reached: Reached, routes: bytes | None) -> _Content:
        chosen = self._chosen(reached)
        taxiway = f"taxiway {metadata.version('taxiway')}"
        owners: dict[str, str] = {}
        files = dict(reached.files)
        for path, file in reached.files.items():
            owners[path] = taxiway if file.is_relative_to(TAXIWAY) else "project"
        for name in chosen:
            library = self._libraries.by_name[name]
            for path, file in library.files.items():
                files[path] = file
                owners[path] = f"{library.name} {library.version}"
        notes = tuple(
            f"{where} imports a name that is computed at run time. List the possible modules in pyproject.toml, under "
            "[tool.taxiway] include."
            for where in reached.notes
        )
        own = [path for path, owner in owners.items() if owner == "project"]
        unpackaged = tuple(data_files.missing(self._project, files, own))
        return _Content(files, owners, routes, notes + unpackaged)

    def _chosen(self, reached: Reached) -> list[str]:
        """The distributions that a package has."""
        wanted: list[str] = []
        for top, where in reached.libraries.items():
            providing = self._libraries.providing(top)
            wanted += providing
            if not providing and top not in _OF_THE_RUNTIME and top not in reached.optional:
                raise PackageError(
                    f"A function imports {top}, which is neither a module of the project nor in its dependencies.",
                    fix=f"add the distribution that contains it to [project] dependencies in pyproject.toml "
                    f"(its versions come from {self._libraries.pinned_by})",
                    where=where,
                )
        return sorted(self._libraries.with_requirements(wanted))

    def _key(self, content: _Content) -> str:
        """What a package is kept under: everything that it is built from, the compiler too."""
        whole = sha256(_FORMAT)
        whole.update(f"{self._target} {self._compiler.version if self._compiler else 'no bytecode'}".encode())
        whole.update(content.routes or b"")
        for path, file in sorted(content.files.items()):
            if file not in self._digests:
                self._digests[file] = sha256(file.read_bytes()).digest()
            whole.update(path.encode() + b"\0" + self._digests[file])
        return whole.hexdigest()[:32]

    def _compiled(self, content: _Content) -> dict[str, Path]:
        files = dict(content.files)
        if self._compiler is not None:
            sources = {path: file for path, file in files.items() if path.endswith(".py")}
            own = (path for path, owner in content.owners.items() if owner == "project")
            files |= self._compiler.compile(sources, required=own)
        return files

    def _judge(self, function: Function, size: int, parts: tuple[Part, ...]) -> tuple[str, ...]:
        """Warnings about a package's size, and about what it lacks."""
        made_of = ", ".join(f"{part.name} {_mb(part.size)}" for part in parts[:3])
        if size > MAX_UNZIPPED:
            raise PackageError(
                f"Function {function.name} is {_mb(size)} unzipped, and Lambda allows {_mb(MAX_UNZIPPED)}: {made_of}.",
                fix="import less in its handlers, or give the routes that need it a function of their own",
                where=function.source,
            )
        notes = [] if self._compiler else [self._no_compiler]
        if size > self._budget:
            notes.append(f"{function.name} exceeds the budget of {_mb(self._budget)} unzipped: {made_of}.")
        return tuple(notes)


def _handlers(backend: Backend) -> Iterator[tuple[Function, dict[str, str]]]:
    """Every function, with its handlers, by the event's `routeKey` if it has several."""
    for function in backend.functions:
        yield function, {_event_key(trigger): trigger.handler_path for trigger in backend.triggers_of(function)}


def _event_key(trigger: Trigger) -> str:
    match trigger:
        case Route():
            return trigger.key
        case StreamConsumer():
            return ""
        case _:
            assert_never(trigger)


def _build(files: dict[str, Path], routes: bytes | None) -> bytes:
    members = {path: file.read_bytes() for path, file in files.items()}
    return archive(members if routes is None else {**members, ROUTES: routes})


def _digest(files: dict[str, Path], routes: bytes | None) -> str:
    whole = sha256(_FORMAT + (routes or b""))
    for path, file in sorted(files.items()):
        whole.update(path.encode() + b"\0" + sha256(file.read_bytes()).digest())
    return whole.hexdigest()[:32]


def _parts(path: Path, owners: dict[str, str]) -> tuple[Part, ...]:
    sizes: dict[str, list[int]] = {}
    with ZipFile(path) as zipped:
        for info in zipped.infolist():
            owner = owners.get(_source_of(info.filename), "project")
            total = sizes.setdefault(owner, [0, 0])
            total[0] += info.file_size
            total[1] += info.compress_size
    parts = [Part(name, size, small) for name, (size, small) in sizes.items()]
    return tuple(sorted(parts, key=lambda part: (-part.size, part.name)))


def _source_of(path: str) -> str:
    """The module that a compiled one was made from: `a/b.py` for `a/__pycache__/b.cpython-314.pyc`."""
    if not path.endswith(".pyc"):
        return path
    package, _, name = path.replace("__pycache__/", "").rpartition("/")
    return f"{package}/{name.partition('.')[0]}.py".lstrip("/")


def _mb(size: int) -> str:
    return f"{size / _MB:6.2f} MB" if size < 100 * _MB else f"{size / _MB:.0f} MB"
