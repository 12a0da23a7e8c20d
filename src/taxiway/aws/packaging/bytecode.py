"""Compiled modules for a package: unchecked, because unpacking changes the times that checked ones depend on.

A package without them compiles every module at each cold start, and one with stale ones does so after reading them.
https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation

It takes an interpreter of the version that runs on Lambda. Where the machine has none, Pyodide is one: CPython in
WebAssembly, which npm brings and Node runs (docs/decisions/0012-bytecode-by-pyodide.md).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from taxiway.aws.packaging import package_cache
from taxiway.aws.packaging.imports import PackageError
from taxiway.aws.packaging.uv import uv

PYODIDE = {"3.14": "314.0.7"}
"""The release of https://www.npmjs.com/package/pyodide that is a version of Python."""

_RUN = Path(__file__).with_name("run_python.mjs")
_VERSION = "import sys; print(*sys.version_info[:4])"

# One process for all of them. The names in tracebacks are those on Lambda.
_COMPILE = """
import json, py_compile
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, name, compiled, must in json.loads(stdin):
    try:
        py_compile.compile(root + source, root + compiled, name, doraise=True, invalidation_mode=mode)
    except py_compile.PyCompileError as error:
        if must:
            raise SystemExit(f"{source}: {error}") from None
"""


_NATIVE = "import sys; root, stdin = '', sys.stdin.read()\n"


class Compiler(Struct, frozen=True):
    """An interpreter of the version that runs on Lambda; no other writes bytecode that it reads."""

    command: tuple[str, ...]
    """Runs Python code, which must start by defining `stdin`, and `root` for the machine's files."""
    version: str
    """`3.14.2`; interpreters with different versions write different bytes."""
    cache: Path

    def compile(self, sources: Mapping[str, Path], *, required: Iterable[str]) -> dict[str, Path]:
        """Compiled modules by where they go in a package; `sources` has the modules likewise.

        A module that this Python can't compile is left out, unless it is one of `required`: then raises PackageError.
        """
        must = frozenset(required)
        tag = f"cpython-{''.join(self.version.split('.')[:2])}"
        wanted: dict[str, tuple[str, Path]] = {}
        for path, source in sources.items():
            package, _, module = path.rpartition("/")
            name = f"{package}/__pycache__/{module[:-3]}.{tag}.pyc".lstrip("/")
            digest = sha256(path.encode() + b"\0" + source.read_bytes()).hexdigest()
            wanted[name] = (path, self.cache / "bytecode" / self.version / f"{digest}.pyc")
        jobs = [
            (str(sources[path]), f"/var/task/{path}", str(compiled), path in must)
            for path, compiled in wanted.values()
            if not compiled.is_file()
        ]
        if jobs:
            self._run(jobs)
        found = {name: compiled for name, (_, compiled) in wanted.items() if compiled.is_file()}
        for compiled in found.values():
            package_cache.use(compiled)
        return found

    def _run(self, jobs: list[tuple[str, str, str, bool]]) -> None:
        directory = self.cache / "bytecode" / self.version
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*self.command[:-1], self.command[-1] + _COMPILE],
            input=json.dumps(sorted(jobs)),
            env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},  # sets are written in the order of hashes
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PackageError(
                f"Python {self.version} can't compile a module:\n{done.stderr.strip()}",
                fix="correct it, or choose the runtime that it is written for",
            )


def compiler(python: str, cache: Path) -> Compiler | None:
    """An interpreter of Python `python` ("3.14"): one on this machine, or Pyodide; None if neither is available."""
    cache.mkdir(parents=True, exist_ok=True)
    return _installed(python, cache) or _pyodide(python, cache)


def _installed(python: str, cache: Path) -> Compiler | None:
    """An interpreter on this machine. uv knows of those that it has installed."""
    program = sys.executable
    if python != f"{sys.version_info.major}.{sys.version_info.minor}":
        found = uv("python", "find", "--no-python-downloads", "--no-project", python, directory=cache)
        program = found.stdout.strip()
        if found.returncode or not program:
            return None
    asked = subprocess.run([program, "-I", "-S", "-c", _VERSION], capture_output=True, text=True, check=False)
    *version, level = asked.stdout.split() or [""]
    if asked.returncode or level != "final" or version[:2] != python.split("."):
        return None  # the bytecode of a release candidate is not that of the release
    return Compiler((program, "-s", "-S", "-P", "-c", _NATIVE), ".".join(version), cache)


def _pyodide(python: str, cache: Path) -> Compiler | None:
    """Pyodide, installed into the cache by npm on first use, in one step."""
    release, program, npm = PYODIDE.get(python), shutil.which("node"), shutil.which("npm")
    if release is None or program is None:
        return None
    directory = cache / f"pyodide-{release}"
    if not directory.is_dir():
        if npm is None:
            return None
        with tempfile.TemporaryDirectory(dir=cache, prefix="installing-") as made:
            options = ["--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts", "--silent"]
            command = [npm, "install", "--prefix", made, *options, f"pyodide@{release}"]
            if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
                return None
            try:
                Path(made, "node_modules", "pyodide").rename(directory)
            except OSError:  # another was faster
                if not directory.is_dir():
                    raise
    package_cache.use(directory)
    return Compiler((program, str(_RUN), str(directory), "root = '/host'\n"), f"{python}.pyodide-{release}", cache)
