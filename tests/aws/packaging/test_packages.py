"""A package holds what its function imports, is the same bytes each time, and runs on Lambda's own runtime client."""

import importlib.util
import json
import marshal
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest
from tests.local.workers import on_uvloop, running

from taxiway import allow
from taxiway import project as projects
from taxiway.aws.packaging import bytecode, packages
from taxiway.aws.packaging.imports import PackageError
from taxiway.aws.packaging.packages import Package, build, report
from taxiway.aws.packaging.uv import uv
from taxiway.declare import Backend, Function, HttpApi, Stage, Table
from taxiway.declare.table import StreamConsumer
from taxiway.local import tables
from taxiway.local.functions import handler_of
from taxiway.local.manifest import ServedFunction, ServedIndex, ServedTable, to_manifest

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TEMPLATE = Path(__file__).parents[3] / "template"

PLAIN = "def handle(event, context):\n    return {}\n"
TYPED = "from taxiway.http import handler\n\n@handler\ndef handle() -> str:\n    return 'hello'\n"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tests of a process share: libraries are installed and compiled once."""
    return tmp_path_factory.mktemp("packages")


def write(project: Path, **modules: str) -> Path:
    project.mkdir(parents=True, exist_ok=True)
    for name, text in modules.items():
        (project / f"{name}.py").write_text(text)
    return project


@pytest.fixture(autouse=True)
def _own_modules() -> Iterator[None]:
    """Modules that `handler` makes go when the test ends."""
    before = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in before and isinstance(sys.modules[name], _Made)]:
        del sys.modules[name]


class _Made(ModuleType):
    """A module of handlers which are not called."""


def handler(path: str) -> Callable[[Any, Any], Any]:
    """A handler that can be imported under `path`, for a declaration; it isn't called."""
    module, _, name = path.rpartition(".")
    made = sys.modules.setdefault(module, _Made(module))

    def handle(event: Any, context: Any) -> Any: ...

    handle.__module__, handle.__qualname__ = module, name
    return vars(made).setdefault(name, handle)


def backend(*paths: str, shared: bool = False) -> Backend:
    """A route and a function for each handler, or one function for all of them."""
    api = HttpApi()
    function = Function(name="shared")
    for path in paths:
        if shared:
            api.get(f"/{path}", handler(path), function=function)
        else:
            owner = Function(name=path.partition(".")[0])
            api.get(f"/{path}", handler(path), function=owner)
    return Backend("tests", api=api)


def pack(project: Path, *paths: str, cache: Path, shared: bool = False, **options: Any) -> tuple[Package, ...]:
    settings = {"python": PYTHON, "architecture": "x86_64", **options}
    return build(backend(*paths, shared=shared), project, cache=cache, **settings)


def names(package: Package) -> set[str]:
    """The files in a package, without compiled ones."""
    with ZipFile(package.path) as archive:
        assert archive.testzip() is None
        return {name for name in archive.namelist() if not name.endswith(".pyc")}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def wheel(directory: Path, version: str, *, text: str | None = None) -> str:
    """A requirement of a library `tiny`, in a wheel of its own."""
    directory.mkdir(exist_ok=True)
    path = directory / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with ZipFile(path, "w") as archive:
        archive.writestr("tiny/__init__.py", text or f"VERSION = {version!r}\n")
        archive.writestr("tiny/stub.pyi", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"tiny/__init__.py,,\ntiny/stub.pyi,,\n{info}/METADATA,,\n")
    return f"tiny @ {path.as_uri()}"


def depend(project: Path, *requirements: str, include: tuple[str, ...] = ()) -> Path:
    project.joinpath("pyproject.toml").write_text(
        f"[project]\nname = 'tests'\nversion = '0'\ndependencies = {json.dumps(requirements)}\n"
        f"[tool.taxiway]\ninclude = {json.dumps(include)}\n"
    )
    return project


# The same bytes.


def test_a_project_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    with umask(0o077):
        first = write(tmp_path / "first", hello=TYPED, helper="", unused="")
    with umask(0o000):
        second = write(tmp_path / "elsewhere" / "second", helper="", hello=TYPED)
    os.utime(second / "hello.py", (0, 0))
    [one] = pack(first, "hello.handle", cache=tmp_path / "a")
    [other] = pack(second, "hello.handle", cache=tmp_path / "b")
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.digest == other.digest


def test_a_package_does_not_depend_on_what_else_is_built(tmp_path: Path) -> None:
    sets = "KINDS = {'one', 'two', 'three', 'four'}\ndef is_kind(text):\n    return text in {'a', 'b', 'c', 'd'}\n"
    project = write(tmp_path / "project", one=sets + PLAIN, two="import sets\n" + PLAIN, sets=sets)
    _, both = pack(project, "one.handle", "two.handle", cache=tmp_path / "a")
    [alone] = pack(project, "two.handle", cache=tmp_path / "b")
    assert alone.path.read_bytes() == both.path.read_bytes()


def test_files_are_sorted_of_one_age_and_readable_by_everybody(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=PLAIN), "hello.handle", cache=cache)
    with ZipFile(package.path) as archive:
        files = archive.infolist()
    assert [file.filename for file in files] == [
        "__pycache__/hello.cpython-311.pyc".replace("311", PYTHON.replace(".", "")),
        "hello.py",
    ]
    assert {(file.date_time, file.external_attr >> 16, file.create_system) for file in files} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, 3)
    }


# What is in it.


def test_a_plain_handler_brings_nothing_with_it(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=PLAIN, unused=""), "hello.handle", cache=cache)
    assert names(package) == {"hello.py"}
    assert (package.handler, package.variables) == ("hello.handle", {})


def test_a_typed_handler_brings_what_it_imports_of_taxiway(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=TYPED), "hello.handle", cache=cache)
    tops = {name.partition("/")[0].partition("-")[0] for name in names(package)}
    assert tops == {"hello.py", "taxiway", "msgspec"}
    assert {name.split("/")[1] for name in names(package) if name.startswith("taxiway/")} >= {"http", "log.py"}
    assert "taxiway/data/client.py" not in names(package)


def test_the_table_needs_msgspec_and_nothing_else(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello="import taxiway.data\n" + PLAIN), "hello.handle", cache=cache)
    assert "taxiway/sdk/dynamodb/client.py" in names(package)
    assert {part.name.partition(" ")[0] for part in package.parts} == {"msgspec", "taxiway", "project"}
    assert [part.size for part in package.parts] == sorted((part.size for part in package.parts), reverse=True)
    assert sum(part.size for part in package.parts) == package.size
    assert package.zipped == package.path.stat().st_size < package.size


def test_a_shared_function_has_its_routes(tmp_path: Path, cache: Path) -> None:
    project = write(tmp_path, one=PLAIN, two=PLAIN)
    [package] = pack(project, "two.handle", "one.handle", cache=cache, shared=True)
    assert package.handler == "taxiway.http.dispatch.handler"
    assert package.variables == {"TAXIWAY_ROUTES": "/var/task/taxiway-routes.json"}
    assert {"one.py", "two.py", "taxiway/http/dispatch.py"} <= names(package)
    with ZipFile(package.path) as archive:
        routes = json.loads(archive.read("taxiway-routes.json"))
    assert routes == {"GET /one.handle": "one.handle", "GET /two.handle": "two.handle"}


def test_a_consumer_of_changes_has_a_package_too(tmp_path: Path, cache: Path) -> None:
    project = write(tmp_path, hello=PLAIN, follow=PLAIN)
    api = HttpApi()
    api.get("/", handler("hello.handle"))
    table = Table(consumers=[StreamConsumer(handler("follow.handle"), Function(name="follow"))])
    hello, follow = build(
        Backend("tests", api=api, table=table), project, python=PYTHON, architecture="x86_64", cache=cache
    )
    assert (follow.function, follow.handler, names(follow)) == ("follow", "follow.handle", {"follow.py"})
    assert names(hello) == {"hello.py"}


def test_compiled_modules_are_unchecked_and_name_the_file_on_lambda(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=PLAIN), "hello.handle", cache=cache)
    with ZipFile(package.path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".pyc")]
        compiled = archive.read(name)
    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert marshal.loads(compiled[16:]).co_filename == "/var/task/hello.py"  # noqa: S302  we have just built it


def test_a_package_has_modules_compiled_by_lambdas_python(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=PLAIN), "hello.handle", cache=cache, python="3.14", architecture="arm64")
    with ZipFile(package.path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".pyc")]
        compiled = archive.read(name)
    assert name == "__pycache__/hello.cpython-314.pyc"
    # https://github.com/python/cpython/blob/3.14/Include/internal/pycore_magic_number.h
    assert int.from_bytes(compiled[:2], "little") == 3627
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert package.notes == ()


def test_pyodide_writes_the_bytecode_that_its_version_of_python_reads(tmp_path: Path, cache: Path) -> None:
    pyodide = bytecode._pyodide("3.14", cache)  # noqa: SLF001  where the machine has that Python, it is preferred
    assert pyodide is not None
    source = tmp_path / "hello.py"
    source.write_text("def handle(): return 'compiled'\n")
    [(name, compiled)] = pyodide.compile({"hello.py": source}, required=["hello.py"]).items()
    (tmp_path / "__pycache__").mkdir()
    shutil.copy(compiled, tmp_path / name)
    source.write_text("def handle(): return 'from its source'\n")

    code = f"import sys; sys.path.insert(0, root + {str(tmp_path)!r}); import hello; raise SystemExit(hello.handle())"
    command = [*pyodide.command[:-1], pyodide.command[-1] + code]
    assert subprocess.run(command, input="", capture_output=True, text=True, check=False).stderr == "compiled\n"

    source.write_text("def handle(:\n")
    with pytest.raises(
        PackageError, match=r"can't compile a module:\n/.*hello\.py:   File \"/var/task/hello\.py\", line 1"
    ):
        pyodide.compile({"hello.py": source}, required=["hello.py"])


def test_a_package_that_lacks_compiled_modules_says_so(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bytecode.compiler("3.99", cache) is None
    monkeypatch.setattr(packages, "compiler", lambda *_: bytecode.compiler("3.99", cache))
    [package] = pack(write(tmp_path, hello=PLAIN), "hello.handle", cache=cache, python="3.14", architecture="arm64")
    assert not [name for name in ZipFile(package.path).namelist() if name.endswith(".pyc")]
    assert "Python 3.14 is not installed" in package.notes[0]
    assert package.notes[0] in report([package])


def test_a_library_comes_without_stubs_and_the_record_of_its_installation(tmp_path: Path, cache: Path) -> None:
    project = depend(write(tmp_path, hello="import tiny\n" + PLAIN, other=PLAIN), wheel(tmp_path / "wheels", "1"))
    hello, other = pack(project, "hello.handle", "other.handle", cache=cache)
    assert names(hello) == {"hello.py", "tiny/__init__.py", "tiny-1.dist-info/METADATA"}
    assert names(other) == {"other.py"}


def test_files_that_no_import_names_are_included_by_pattern(tmp_path: Path, cache: Path) -> None:
    project = depend(write(tmp_path, hello=PLAIN, helper=""), include=("data/*.json", "plugins/*.py"))
    write(project / "plugins", first="import helper")
    project.joinpath("data").mkdir()
    project.joinpath("data", "cities.json").write_text("[]")
    [package] = pack(project, "hello.handle", cache=cache)
    assert names(package) == {"hello.py", "helper.py", "plugins/first.py", "data/cities.json"}
    depend(project, include=("pictures/*",))
    with pytest.raises(PackageError, match=r"'pictures/\*' of \[tool.taxiway\] include matches no file"):
        pack(project, "hello.handle", cache=cache)


def test_a_library_that_reads_its_stubs_when_it_is_imported_has_them(tmp_path: Path, cache: Path) -> None:
    """By lazy-loader, as scikit-image and librosa do: from a package, unpacked as on Lambda, with nothing beside it."""
    info, made = "lazy-1.dist-info", tmp_path / "lazy-1-py3-none-any.whl"
    files = {
        "lazy/__init__.py": "import lazy_loader as on\n__getattr__, __dir__, _ = on.attach_stub(__name__, __file__)\n",
        "lazy/__init__.pyi": "from .answers import answer as answer\n",
        "lazy/answers.py": "def answer():\n    return 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: lazy\nVersion: 1\nRequires-Dist: lazy_loader>=0.4\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with ZipFile(made, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": "".join(f"{name},,\n" for name in files)}.items():
            archive.writestr(name, text)
    hello = "import lazy, tiny\n\ndef handle(event, context):\n    return lazy.answer()\n"
    requirements = (f"lazy @ {made.as_uri()}", wheel(tmp_path / "wheels", "1"))
    [package] = pack(depend(write(tmp_path / "app", hello=hello), *requirements), "hello.handle", cache=cache)

    stubs = {name for name in names(package) if name.endswith(".pyi")}
    assert stubs == {"lazy/__init__.pyi"}
    with ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "task")
    run = f"import sys; sys.path.insert(0, {str(tmp_path / 'task')!r}); import hello; print(hello.handle(None, None))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", run], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("42\n", "")


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        ("", "names nothing"),
        (" ", "names nothing"),
        (".", "names nothing"),
        ("/etc/hosts", "is an absolute path"),
        ("C:\\data\\cities.json", "is an absolute path"),
        ("../data/*.json", "leads out of the project"),
        ("data/../../data/*.json", "leads out of the project"),
        ("data/**.json", "is not a valid pattern" if sys.version_info < (3, 13) else "matches no file"),
        ("data", "matches no file"),
    ],
)
def test_a_pattern_that_names_no_file_of_the_project_is_refused_with_its_key(
    tmp_path: Path, cache: Path, pattern: str, wrong: str
) -> None:
    project = depend(write(tmp_path / "project", hello=PLAIN), include=(pattern,))
    for directory in (tmp_path / "data", project / "data"):
        directory.mkdir()
    (tmp_path / "data" / "cities.json").write_text("[]")
    with pytest.raises(PackageError) as refused:
        pack(project, "hello.handle", cache=cache)
    assert refused.value.where == str(project / "pyproject.toml")
    assert refused.value.problem.startswith(f"The pattern {pattern!r} of [tool.taxiway] include {wrong}")
    assert 'include = ["data/*.json"]' in str(refused.value.fix)


READING = """from pathlib import Path
HERE = Path(__file__).parent
PAGE = HERE / "templates" / "invoice.html"
WORDS = open("words.txt")
OTHER = HERE.joinpath("schemas")
def handle(event, context):
    return {"text/html": "hello.py", "..": "/etc/hosts", ".env": "", "absent.txt": "data"}
"""


def test_a_data_file_that_code_names_and_the_package_lacks_is_told_with_how_to_include_it(
    tmp_path: Path, cache: Path
) -> None:
    project = depend(write(tmp_path, hello=READING, unused="PAGE = 'alone.txt'"))
    for name in ("templates/invoice.html", "schemas/a.json", "words.txt", "alone.txt", ".env"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")

    def notes() -> list[str]:
        (package,) = pack(project, "hello.handle", cache=cache)
        return [note for note in package.notes if "not part of the package" in note]

    told = notes()
    named = {note.partition(" names ")[2].partition(", not part")[0] for note in told}
    assert named == {"templates/invoice.html", "the files of schemas", "words.txt"}
    assert all(note.startswith("hello.py names ") and "[tool.taxiway] include" in note for note in told)
    depend(project, include=("templates/*", "schemas/*", "words.txt"))
    assert notes() == []


def test_a_link_is_included_as_what_it_leads_to_wherever_that_is(tmp_path: Path, cache: Path) -> None:
    project = depend(write(tmp_path / "project", hello=PLAIN), include=("data/*.json",))
    (project / "data").mkdir()
    (tmp_path / "cities.json").write_text("[]")
    (project / "data" / "towns.json").symlink_to(tmp_path / "cities.json")
    [package] = pack(project, "hello.handle", cache=cache)
    with ZipFile(package.path) as archive:
        assert archive.read("data/towns.json") == b"[]"


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        ("tool = 1", "tool must be a table, and is 1.", "write it as [tool]"),
        ("[tool]\ntaxiway = 'x'", "tool.taxiway must be a table, and is 'x'.", "write it as [tool.taxiway]"),
        ("[[tool.taxiway]]", "tool.taxiway must be a table, and is [{}].", "write it as [tool.taxiway]"),
        (
            "[tool.taxiway]\ninclude = 'data/*.json'",
            "include of [tool.taxiway] must be a list of strings, and is 'data/*.json'.",
            'write include = ["…"]',
        ),
        (
            "[tool.taxiway]\ninclude = ['a', 1]",
            "include of [tool.taxiway] must be a list of strings, and is ['a', 1].",
            "write include =",
        ),
        (
            "[project]\ndependencies = 'tiny'",
            "dependencies of [project] must be a list of strings, and is 'tiny'.",
            "write dep",
        ),
        ("[tool.taxiway", "Cannot read pyproject.toml: ", "correct the file"),
        ("# caf\xe9", "Cannot read pyproject.toml: ", "correct the file"),
    ],
)
def test_a_pyproject_that_says_something_else_is_an_error_with_what_it_says(
    tmp_path: Path, cache: Path, text: str, problem: str, fix: str
) -> None:
    project = write(tmp_path, hello=PLAIN)
    (project / "pyproject.toml").write_text(text, encoding="latin-1")
    with pytest.raises(PackageError) as refused:
        pack(project, "hello.handle", cache=cache)
    assert refused.value.problem.startswith(problem)
    assert refused.value.where == str(project / "pyproject.toml")
    assert refused.value.fix.startswith(fix)


def test_what_is_in_no_dependency_is_an_error_and_what_the_runtime_has_is_not(tmp_path: Path, cache: Path) -> None:
    project = write(tmp_path, hello="import os\nimport pandas\n" + PLAIN, other="import boto3\n" + PLAIN)
    with pytest.raises(
        PackageError, match=r"A function imports pandas, .*\nWhere: .*hello\.py:2\nFix: add the distribution"
    ):
        pack(project, "hello.handle", cache=cache)
    assert names(pack(project, "other.handle", cache=cache)[0]) == {"other.py"}


def test_a_handler_that_is_not_there_is_an_error_with_its_route(tmp_path: Path, cache: Path) -> None:
    api = HttpApi()
    api.get("/", handler("absent.handle"))
    with pytest.raises(PackageError, match=r"imports absent.*\nWhere: .*test_packages\.py:\d+\n"):
        build(Backend("tests", api=api), write(tmp_path), python=PYTHON, architecture="x86_64", cache=cache)


def test_a_wheel_that_is_not_there_is_an_error_in_uvs_words(tmp_path: Path, cache: Path) -> None:
    project = depend(write(tmp_path, hello=PLAIN), f"tiny @ {(tmp_path / 'tiny-1-py3-none-any.whl').as_uri()}")
    with pytest.raises(PackageError, match=r"tiny-1-py3-none-any\.whl"):
        pack(project, "hello.handle", cache=cache)


# Built once.


def test_what_is_unchanged_is_not_built_again(tmp_path: Path) -> None:
    project = write(tmp_path / "project", one=PLAIN, two=PLAIN)
    before = pack(project, "one.handle", "two.handle", cache=tmp_path / "cache")
    assert [package.is_cached for package in before] == [False, False]
    write(project, two=PLAIN + "# changed")
    after = pack(project, "one.handle", "two.handle", cache=tmp_path / "cache")
    assert [package.is_cached for package in after] == [True, False]
    assert after[0].digest == before[0].digest
    assert after[1].digest != before[1].digest
    assert after[0].path == before[0].path


def test_a_changed_dependency_is_built_anew_where_it_is_imported(tmp_path: Path) -> None:
    project = write(tmp_path / "project", one="import tiny\n" + PLAIN, two=PLAIN)
    wheels, cache = tmp_path / "wheels", tmp_path / "cache"
    pack(depend(project, wheel(wheels, "1")), "one.handle", "two.handle", cache=cache)
    one, two = pack(depend(project, wheel(wheels, "2")), "one.handle", "two.handle", cache=cache)
    assert (one.is_cached, two.is_cached) == (False, True)
    assert {part.name for part in one.parts} == {"project", "tiny 2"}
    with ZipFile(one.path) as archive:
        assert archive.read("tiny/__init__.py") == b"VERSION = '2'\n"


def test_a_lock_says_which_versions_ship(tmp_path: Path) -> None:
    project, wheels, cache = tmp_path / "project", tmp_path / "wheels", tmp_path / "cache"
    write(project, hello="import tiny\n" + PLAIN)
    wheel(wheels, "1")
    project.joinpath("pyproject.toml").write_text(
        "[project]\nname = 'tests'\nversion = '0'\nrequires-python = '>=3.11'\ndependencies = ['tiny']\n"
        f"[tool.uv]\nno-index = true\nfind-links = ['{wheels}']\n"
    )
    assert uv("lock", "--offline", directory=project).returncode == 0
    wheel(wheels, "2")
    [locked] = pack(project, "hello.handle", cache=cache)
    assert {part.name for part in locked.parts} == {"project", "tiny 1"}
    assert uv("lock", "--offline", "--upgrade", directory=project).returncode == 0
    [upgraded] = pack(project, "hello.handle", cache=cache)
    assert {part.name for part in upgraded.parts} == {"project", "tiny 2"}


def test_a_wheel_that_is_built_anew_under_its_name_is_packaged_anew(tmp_path: Path) -> None:
    project, wheels, cache = (
        write(tmp_path / "project", hello="import tiny\n" + PLAIN),
        tmp_path / "w",
        tmp_path / "cache",
    )
    pack(depend(project, wheel(wheels, "1", text="ANSWER = 1\n")), "hello.handle", cache=cache)
    wheel(wheels, "1", text="ANSWER = 2\n")
    [package] = pack(project, "hello.handle", cache=cache)
    assert not package.is_cached
    with ZipFile(package.path) as archive:
        assert archive.read("tiny/__init__.py") == b"ANSWER = 2\n"


BUILT_BY_ITSELF = """
import pathlib, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    tag = pathlib.Path("tag").read_text().strip()
    info = "local-1.dist-info"
    with zipfile.ZipFile(f"{directory}/local-1-{tag}.whl", "w") as wheel:
        for file in sorted(pathlib.Path().rglob("*.py")):
            wheel.write(file, file.as_posix())
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: local\\nVersion: 1\\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {tag}\\n")
        names = [*wheel.namelist(), f"{info}/RECORD"]
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\\n" for name in names))
    return f"local-1-{tag}.whl"
"""


def library(directory: Path, *, tag: str = "py3-none-any") -> Path:
    """The directory of a library `local`, which is built without anything from elsewhere."""
    directory.mkdir(parents=True)
    directory.joinpath("pyproject.toml").write_text(
        "[project]\nname = 'local'\nversion = '1'\nrequires-python = '>=3.11'\n"
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['making']\n"
    )
    write(directory / "making", backend=BUILT_BY_ITSELF)
    write(directory / "local", __init__="ANSWER = 1\n")
    directory.joinpath("tag").write_text(tag)
    return directory


@pytest.mark.parametrize("locked", ["by a lock", "by a lock of the workspace", "in place"])
def test_a_library_of_the_same_repository_is_built_and_its_edits_are_noticed(tmp_path: Path, locked: str) -> None:
    project = write(tmp_path / "app", hello="import local\n" + PLAIN)
    local = library(tmp_path / "local library")
    head = "[project]\nname = 'tests'\nversion = '0'\nrequires-python = '>=3.11'\ndependencies = "
    if locked == "in place":
        depend(project, f"local @ {local.as_uri()}")
    elif locked == "by a lock":
        sources = f"['local']\n[tool.uv.sources]\nlocal = {{ path = '../{local.name}' }}\n"
        project.joinpath("pyproject.toml").write_text(head + sources)
        assert uv("lock", "--offline", directory=project).returncode == 0
    else:
        project.joinpath("pyproject.toml").write_text(
            head + "['local']\n[tool.uv.sources]\nlocal = { workspace = true }\n"
        )
        tmp_path.joinpath("pyproject.toml").write_text(f"[tool.uv.workspace]\nmembers = ['app', '{local.name}']\n")
        assert uv("lock", "--offline", directory=project).returncode == 0

    [first] = pack(project, "hello.handle", cache=tmp_path / "cache")
    [same] = pack(project, "hello.handle", cache=tmp_path / "cache")
    write(local / "local", __init__="ANSWER = 2\n")
    write(local / "build" / "local", old="")
    [second] = pack(project, "hello.handle", cache=tmp_path / "cache")

    assert (first.is_cached, same.is_cached, second.is_cached) == (False, True, False)
    assert {"local/__init__.py", "local-1.dist-info/METADATA"} <= names(second)
    assert not any("build/" in name for name in names(second))
    with ZipFile(second.path) as archive:
        assert archive.read("local/__init__.py") == b"ANSWER = 2\n"
    write(local / "local", __init__="ANSWER = 1\n")
    shutil.rmtree(tmp_path / "cache")
    [anew] = pack(project, "hello.handle", cache=tmp_path / "elsewhere")
    assert anew.digest == first.digest


def test_a_library_that_is_built_for_this_machine_is_refused(tmp_path: Path, cache: Path) -> None:
    local = library(tmp_path / "local", tag="cp311-cp311-linux_x86_64")
    project = depend(write(tmp_path / "app", hello=PLAIN), f"local @ {local.as_uri()}")
    with pytest.raises(PackageError, match=r"local-1-cp311-cp311-linux_x86_64\.whl of a library is for this machine"):
        pack(project, "hello.handle", cache=cache)


def test_a_library_that_can_not_be_built_is_an_error_in_uvs_words(tmp_path: Path, cache: Path) -> None:
    local = library(tmp_path / "local")
    local.joinpath("tag").unlink()
    project = depend(write(tmp_path / "app", hello=PLAIN), f"local @ {local.as_uri()}")
    with pytest.raises(
        PackageError, match=r"(?s)uv can't build a wheel of the library:.*FileNotFoundError.*\nWhere: .*local\n"
    ):
        pack(project, "hello.handle", cache=cache)


SETUPTOOLS_SCM = """
[build-system]
requires = ["setuptools", "setuptools-scm"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
packages = ["local"]
[tool.setuptools_scm]
"""
HATCH_VCS = """
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[tool.hatch.version]
source = "vcs"
"""


@pytest.mark.parametrize(
    ("versioned", "fallback"), [(SETUPTOOLS_SCM, "fallback_version = '0'"), (HATCH_VCS, "fallback-version = '0'")]
)
def test_a_library_with_a_version_from_git_is_built_with_the_one_that_it_falls_back_on(
    tmp_path: Path, cache: Path, versioned: str, fallback: str
) -> None:
    local = tmp_path / "local"
    write(local / "local", __init__="ANSWER = 1\n")
    declared = local / "pyproject.toml"
    declared.write_text(f"[project]\nname = 'local'\nrequires-python = '>=3.11'\ndynamic = ['version']\n{versioned}")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "first"), ("tag", "v1.0")):
        identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=local, check=True)
    project = depend(write(tmp_path / "app", hello="import local\n" + PLAIN), f"local @ {local.as_uri()}")

    with pytest.raises(PackageError) as refused:
        pack(project, "hello.handle", cache=cache)
    assert refused.value.where == str(local)
    assert "version" in refused.value.problem
    assert str(refused.value.fix).startswith("its version is dynamic. A version from git is not available")
    assert fallback.partition(" ")[0] in str(refused.value.fix)

    declared.write_text(declared.read_text() + fallback)
    [package] = pack(project, "hello.handle", cache=cache)
    assert {"local/__init__.py", "local-0.dist-info/METADATA"} <= names(package)


def test_a_library_from_git_is_refused_by_name(tmp_path: Path, cache: Path) -> None:
    project = depend(write(tmp_path, hello=PLAIN), "tiny @ git+https://example.com/tiny@1")
    with pytest.raises(PackageError, match=r"tiny @ git\+https://example\.com/tiny@1 comes from git"):
        pack(project, "hello.handle", cache=cache)


def test_what_a_source_says_is_not_looked_up_elsewhere_for_want_of_a_lock(tmp_path: Path, cache: Path) -> None:
    project = write(tmp_path, hello=PLAIN)
    project.joinpath("pyproject.toml").write_text(
        "[project]\nname = 'tests'\nversion = '0'\ndependencies = ['tiny']\n[tool.uv.sources]\ntiny = {path = 'tiny'}\n"
    )
    with pytest.raises(
        PackageError, match=r"has a source for tiny, but there is no uv\.lock\.\nWhere: .*\nFix: run `uv lock`"
    ):
        pack(project, "hello.handle", cache=cache)


def test_a_package_that_nobody_asks_for_is_forgotten_in_time(tmp_path: Path) -> None:
    project, cache = write(tmp_path / "project", hello=PLAIN), tmp_path / "cache"
    [old] = pack(project, "hello.handle", cache=cache)
    write(project, hello=PLAIN + "# changed")
    os.utime(old.path, (0, 0))
    pack(project, "hello.handle", cache=cache)
    assert not old.path.exists()


def age(directory: Path) -> None:
    """Make everything in a directory older than anything is kept."""
    for path in [*directory.rglob("*")]:
        os.utime(path, (0, 0), follow_symlinks=False)


def held(directory: Path) -> set[str]:
    """What a cache has: its packages, and each library and compiled module."""
    patterns = ("*.zip*", "pyodide-*", "installing-*", "libraries/*", "bytecode/*/*")
    return {path.relative_to(directory).as_posix() for pattern in patterns for path in directory.glob(pattern)}


def noise(seed: int) -> str:
    """A module like no other."""
    return f"DATA = '{random.Random(seed).randbytes(40_000).hex()}'\n"


def test_what_packages_are_made_of_is_forgotten_when_no_build_uses_it_for_long(tmp_path: Path) -> None:
    project, cache, wheels = tmp_path / "project", tmp_path / "cache", tmp_path / "wheels"
    write(project, same=noise(0), hello="import tiny, same\n" + PLAIN)
    pack(depend(project, wheel(wheels, "1", text=noise(1))), "hello.handle", cache=cache)
    (cache / "pyodide-0.1" / "lib").mkdir(parents=True)
    first = held(cache)
    age(cache)
    pack(depend(project, wheel(wheels, "2", text=noise(2))), "hello.handle", cache=cache)
    second = held(cache)

    def of(kind: str, names: set[str]) -> set[str]:
        return {name for name in names if name.startswith(kind)}

    assert len(of("libraries/", first)) == len(of("libraries/", second)) == 1
    assert not of("libraries/", first) & of("libraries/", second)
    # The bytecode of `same` and `hello` is used by both.
    assert len(of("bytecode/", first)) == len(of("bytecode/", second)) > 1
    assert of("bytecode/", first) & of("bytecode/", second)
    assert of("bytecode/", first) - of("bytecode/", second)
    assert "pyodide-0.1" not in second
    assert len([name for name in second if name.endswith(".zip")]) == 1


def test_what_is_used_again_is_kept_however_old_it_is(tmp_path: Path) -> None:
    project, cache = write(tmp_path / "project", hello="import tiny\n" + PLAIN), tmp_path / "cache"
    pack(depend(project, wheel(tmp_path, "1")), "hello.handle", cache=cache)
    age(cache)
    [package] = pack(project, "hello.handle", cache=cache)
    assert package.is_cached
    assert package.path.is_file()
    assert [name for name in held(cache) if name.startswith("libraries/")]


BUILDING = """
import sys
from pathlib import Path
from taxiway.aws.packaging.packages import build
from taxiway.declare import Backend, HttpApi
project, cache, python = sys.argv[1:]
build(Backend("tests", api=HttpApi()), Path(project), python=python, architecture="x86_64", cache=Path(cache))
"""


def test_what_a_killed_build_left_half_made_is_deleted_and_what_one_is_making_is_not(tmp_path: Path) -> None:
    """The other build is in the middle of its installation: its uv never ends."""
    project, cache, tools = write(tmp_path / "project", hello=PLAIN), tmp_path / "cache", tmp_path / "tools"
    other = depend(write(tmp_path / "other"), wheel(tmp_path, "1"))
    tools.mkdir()
    (tools / "uv").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec sleep 600\n")
    (tools / "uv").chmod(0o755)
    pack(project, "hello.handle", cache=cache)
    whole = held(cache)
    child = subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(other), str(cache), PYTHON],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "started").exists():
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (cache / "installing-of-npm").mkdir()
        age(cache)
        write(project, hello=PLAIN + "# changed")
        pack(project, "hello.handle", cache=cache)
        making = held(cache) - whole
        assert whole <= held(cache)
        assert "installing-of-npm" in making
        assert [name for name in making if re.fullmatch(r"libraries/.*\.[0-9a-f]{32}", name)]
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    pack(project, "hello.handle", cache=cache)
    left = held(cache)
    assert not [name for name in left if re.search(r"installing-|\.[0-9a-f]{32}$", name)]
    assert len([name for name in left if name.endswith(".zip")]) == 1


# Its size.


def test_a_package_that_lambda_does_not_take_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "MAX_UNZIPPED", 100_000)
    with pytest.raises(PackageError, match=r"Function hello is +0\.\d+ MB unzipped, and Lambda allows .*msgspec"):
        pack(write(tmp_path, hello=TYPED), "hello.handle", cache=cache)


def test_a_package_over_the_budget_says_what_it_is_made_of(tmp_path: Path, cache: Path) -> None:
    [package] = pack(write(tmp_path, hello=TYPED), "hello.handle", cache=cache, budget=100_000)
    [note] = package.notes
    assert note.startswith("hello exceeds the budget of")
    assert "msgspec" in note


# On Lambda's runtime client.

aws_client = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is built for Linux")

# What Lambda has beside the function's code, and nothing else: no site-packages, no Taxiway of this machine.
_START = """
import os, runpy, sys
sys.path = [os.getcwd(), *sys.path, sys.argv.pop(1)]
runpy.run_module("awslambdaric", run_name="__main__")
"""


def runtime(directory: Path) -> Path:
    """A directory of AWS's runtime client, as Lambda has it in /var/runtime."""
    for name in ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"):
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (directory / source.name).symlink_to(source)
    return directory


@aws_client
def test_a_package_serves_under_awslambdaric_with_nothing_else_on_the_path(
    tmp_path: Path, cache: Path, endpoint: str
) -> None:
    stage = Stage(name="dev", local=True)
    declared = projects.read_backend(TEMPLATE, stage)
    handlers = {route.handler.__name__: route.handler for route in declared.api.routes}
    api = HttpApi()
    shared = Function(name="items", timeout=20)
    api.post("/items", handlers["create_item"], timeout=20, uses=[allow.idempotency_records()])
    api.get("/items/{id}", handlers["get_item"], function=shared)
    api.delete("/items/{id}", handlers["delete_item"], function=shared)
    served = Backend("items", api=api, table=declared.table)
    create, items = build(served, TEMPLATE, python=PYTHON, architecture="x86_64", cache=cache)

    table = ServedTable(tmp_path.name, "pk", "sk", (ServedIndex("gsi1", "gsi1pk", "gsi1sk"),), None)
    tables.bring_up_to_date(table, endpoint, region="eu-west-1", note=print)
    client = tmp_path / "runtime"
    client.mkdir()
    runtime(client)
    functions = {function.name: function for function in to_manifest(served, stage).functions}

    def request(key: str, item: str = "", body: object = None) -> dict[str, Any]:
        method, _, path = key.partition(" ")
        return {
            "version": "2.0",
            "routeKey": key,
            "rawPath": path.replace("{id}", item),
            "headers": {"content-type": "application/json"},
            "pathParameters": {"id": item} if item else {},
            "requestContext": {"requestId": "r", "http": {"method": method}},
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }

    def options(package: Package) -> dict[str, Any]:
        code = tmp_path / package.function
        with ZipFile(package.path) as archive:
            archive.extractall(code)
        variables = {
            "TABLE_NAME": table.name,
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
            "AWS_ACCESS_KEY_ID": "package",
            "AWS_SECRET_ACCESS_KEY": "package",
        }
        moved = {name: value.replace("/var/task", str(code)) for name, value in package.variables.items()}

        def command(planned: ServedFunction) -> list[str]:
            assert handler_of(planned) == package.handler
            return [sys.executable, "-I", "-S", "-c", _START, str(client), package.handler]

        return {"project": code, "command": command, "variables": lambda _: variables | moved}

    @on_uvloop
    async def serve() -> None:
        async with running(functions["create-item"], **options(create)) as started:
            answer = await started.answer(
                "create-item", request("POST /items", body={"name": "Ink", "category": "pens"})
            )
            assert answer["statusCode"] == 201, answer
            item = json.loads(answer["body"])
            refused = await started.answer("create-item", request("POST /items", body={}))
            assert refused["statusCode"] == 400
        async with running(functions["items"], **options(items)) as started:
            answer = await started.answer("items", request("GET /items/{id}", item["id"]))
            assert json.loads(answer["body"]) == item
            answer = await started.answer("items", request("DELETE /items/{id}", item["id"]))
            assert answer["statusCode"] == 204
            answer = await started.answer("items", request("GET /items/{id}", item["id"]))
            assert answer["statusCode"] == 404

    serve()
