"""Compiled modules for a package: unchecked, since unpacking changes the times that checked ones go by.

A package without them compiles every module at each cold start, and one with stale ones does so after reading them.
https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from taxiway.aws.dependencies import uv
from taxiway.aws.imports import PackageError

_VERSION = "import sys; print(*sys.version_info[:4])"

# One process for all of them. The names in tracebacks are those on Lambda.
_COMPILE = """
import json, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, name, compiled, must in json.load(sys.stdin):
    try:
        py_compile.compile(source, compiled, name, doraise=True, invalidation_mode=mode)
    except py_compile.PyCompileError as error:
        if must:
            sys.exit(f"{source}: {error}")
"""


class Compiler(Struct, frozen=True):
    """An interpreter of the version that runs on Lambda; no other writes bytecode that it reads."""

    program: str
    version: str
    """`3.14.2`."""
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
        return {name: compiled for name, (_, compiled) in wanted.items() if compiled.is_file()}

    def _run(self, jobs: list[tuple[str, str, str, bool]]) -> None:
        directory = self.cache / "bytecode" / self.version
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [self.program, "-s", "-S", "-P", "-c", _COMPILE],
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
                fix="mend it, or choose the runtime that it is written for",
            )


def compiler(python: str, cache: Path) -> Compiler | None:
    """An interpreter of Python `python` ("3.14") on this machine, or None. uv knows of those that it has installed."""
    cache.mkdir(parents=True, exist_ok=True)
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
    return Compiler(program, ".".join(version), cache)
