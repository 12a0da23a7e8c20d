"""What a function imports is found without running it."""

from pathlib import Path

import pytest

from taxiway.aws.packaging.imports import Imports, PackageError, Reached


def write(project: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return project


def reach(
    project: Path, source: str, *, python: str = "3.14", available: tuple[str, ...] = (), **files: str
) -> Reached:
    """What a handler with this source reaches; `a__b` among the files is `a/b.py`."""
    others = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    write(project, {"handler.py": source, **others})
    return Imports(project, python=python, available=available).reach(["handler"], where="backend.py:1")


def own(reached: Reached) -> set[str]:
    return {path for path in reached.files if not path.startswith("taxiway/")} - {"handler.py"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import one", {"one.py"}),
        ("import one as other", {"one.py"}),
        ("from one import anything", {"one.py"}),
        ("import package.inner", {"package/__init__.py", "package/inner.py"}),
        ("from package import inner", {"package/__init__.py", "package/inner.py"}),
        ("from package import NAME", {"package/__init__.py"}),
        ("from package.inner import NAME", {"package/__init__.py", "package/inner.py"}),
        ("import plain.inner", {"plain/inner.py"}),
        ("from plain import inner", {"plain/inner.py"}),
        ("def f():\n    import one", {"one.py"}),
        ("class C:\n    from one import x", {"one.py"}),
        ("import chained", {"chained.py", "one.py"}),
        ("import circle", {"circle.py"}),
        ("from package import sibling", {"package/__init__.py", "package/sibling.py", "package/inner.py"}),
        ("import package\ndef f():\n    return package.inner.NAME", {"package/__init__.py", "package/inner.py"}),
        ("import package as p\np.inner", {"package/__init__.py", "package/inner.py"}),
        ("import package\npackage.NAME.inner", {"package/__init__.py"}),
        ("import package\npackage().inner", {"package/__init__.py"}),
        ("import plain.deep\nplain.inner", {"plain/inner.py"}),
        ("from plain import deep as d\nd.other.NAME", {"plain/deep/other.py"}),
        (
            "from importlib import import_module\nimport_module('package.inner')",
            {"package/__init__.py", "package/inner.py"},
        ),
        ("import os, json.decoder", set()),
        ("import types", set()),
    ],
)
def test_imports_of_every_form_are_followed(tmp_path: Path, source: str, expected: set[str]) -> None:
    project = write(
        tmp_path,
        {
            "one.py": "",
            "unused.py": "",
            "package/__init__.py": "NAME = 1",
            "package/inner.py": "from . import NAME",
            "package/sibling.py": "from .inner import NAME",
            "plain/inner.py": "",
            "plain/deep/other.py": "",
            "chained.py": "import one",
            "circle.py": "import handler",
            "types/notes.py": "",
        },
    )
    assert own(reach(project, source)) == expected


def test_what_is_for_a_type_checker_alone_is_left_out(tmp_path: Path) -> None:
    source = "import typing\nif typing.TYPE_CHECKING:\n    import pandas, one\nelse:\n    import two"
    reached = reach(tmp_path, source, one="", two="")
    assert (own(reached), reached.libraries) == ({"two.py"}, {})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("sys.version_info >= (3, 11)", True),
        ("sys.version_info < (3, 12)", True),
        ("sys.version_info > (3, 11)", True),
        ("sys.version_info <= (3, 11)", False),
        ("sys.version_info == (3, 11)", False),
        ("(3, 12) <= sys.version_info", False),
        ("sys.version_info[:2] == (3, 11)", True),
        ("sys.version_info[0] == 2", False),
        ("sys.version_info[1] >= 12", False),
        ("sys.version_info.minor == 11", True),
        ("sys.platform == 'win32'", False),
        ("sys.platform.startswith('linux')", True),
        ("not TYPE_CHECKING", True),
        ("typing.TYPE_CHECKING or sys.version_info >= (3, 12)", False),
        ("unknown and sys.platform == 'win32'", False),
        ("False", False),
        ("sys.version_info >= (3, 11, 4)", None),
        ("sys.version_info >= 3", None),
        ("unknown or sys.platform == 'win32'", None),
        ("sys.flags.dev_mode", None),
    ],
)
def test_a_branch_that_lambdas_python_never_takes_is_left_out(
    tmp_path: Path, condition: str, holds: bool | None
) -> None:
    reached = reach(tmp_path, f"if {condition}:\n    import one\nelse:\n    import two", python="3.11", one="", two="")
    assert own(reached) == {True: {"one.py"}, False: {"two.py"}, None: {"one.py", "two.py"}}[holds]


def test_the_version_that_counts_is_lambdas(tmp_path: Path) -> None:
    source = "import sys\nif sys.version_info >= (3, 14):\n    import compression.zstd\nelse:\n    import zstandard"
    assert reach(tmp_path, source, python="3.14").libraries == {}
    assert reach(tmp_path, source, python="3.13").libraries.keys() == {"zstandard"}
    assert reach(tmp_path, "import cgi", python="3.12").libraries == {}
    assert reach(tmp_path, "import cgi", python="3.13").libraries.keys() == {"cgi"}


def test_what_is_imported_in_place_of_what_is_there_is_optional(tmp_path: Path) -> None:
    assert reach(tmp_path, "try:\n    import tomllib\nexcept ImportError:\n    import tomli").optional == {"tomli"}
    tried = "try:\n    import orjson, yaml\nexcept ImportError:\n    import ujson"
    assert reach(tmp_path, tried, available=("orjson", "yaml")).optional == {"orjson", "yaml", "ujson"}
    assert reach(tmp_path, tried, available=("orjson",)).optional == {"orjson", "yaml"}
    nested = (
        "try:\n    import a\nexcept ImportError:\n    try:\n        import b\n    except ImportError:\n        import c"
    )
    assert reach(tmp_path, nested).optional == {"a", "b"}
    assert reach(tmp_path, nested, available=("a",)).optional == {"a", "b", "c"}
    own_first = "try:\n    import one\nexcept ImportError:\n    import absent"
    assert reach(tmp_path, own_first, one="").optional == {"absent"}
    for_more = "try:\n    import json\n    json.loads('')\nexcept Exception:\n    import sentry"
    assert reach(tmp_path, for_more).optional == set()


def test_a_library_that_is_suppressed_is_optional(tmp_path: Path) -> None:
    reached = reach(tmp_path, "import contextlib\nwith contextlib.suppress(ImportError):\n    import yaml")
    assert reached.optional == {"yaml"}


def test_a_library_is_named_with_the_line_that_imports_it_first(tmp_path: Path) -> None:
    reached = reach(tmp_path, "import os\nimport yaml.nodes\nimport one", one="import yaml")
    assert reached.libraries == {"yaml": f"{tmp_path}/handler.py:2"}
    assert not reached.optional


def test_a_library_that_is_tried_is_optional_unless_another_line_needs_it(tmp_path: Path) -> None:
    tried = "try:\n    import yaml, toml\nexcept ImportError:\n    yaml = None\n"
    assert reach(tmp_path, tried).optional == {"yaml", "toml"}
    assert reach(tmp_path, tried + "import toml").optional == {"yaml"}
    assert reach(tmp_path, "try:\n    import yaml\nexcept OSError:\n    pass").optional == set()


def test_a_module_that_is_not_there_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        PackageError, match=r"The module one\.absent is imported, but does not exist\.\nWhere: .*handler\.py:2\n"
    ):
        reach(tmp_path, "import os\nimport one.absent", one__here="")
    assert own(reach(tmp_path, "try:\n    import one.absent\nexcept ImportError:\n    pass")) == set()


def test_a_module_that_is_no_python_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"not valid Python: .*\nWhere: .*one\.py:2\n"):
        reach(tmp_path, "import one", one="\nimport from")


def test_a_relative_import_outside_a_package_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="A relative import needs a package"):
        reach(tmp_path, "from . import one", one="")


@pytest.mark.parametrize(
    "source", ["from taxiway import Table", "import taxiway.declare", "from taxiway.local import gateway"]
)
def test_what_is_for_a_laptop_is_refused_in_a_function(tmp_path: Path, source: str) -> None:
    with pytest.raises(PackageError, match=r"does not run inside a function.*\nWhere: .*handler\.py:1\n"):
        reach(tmp_path, source)


def test_taxiway_comes_in_by_the_module(tmp_path: Path) -> None:
    files = reach(tmp_path, "from taxiway import log").files.keys() - {"handler.py"}
    assert files == {"taxiway/__init__.py", "taxiway/log.py"}
    rooms = {path.split("/")[1] for path in reach(tmp_path, "import taxiway.data").files if "/" in path}
    assert "data" in rooms
    assert not rooms & {"declare", "local", "aws", "http", "cli", "__main__.py"}


def test_an_import_by_a_name_made_at_run_time_is_pointed_out(tmp_path: Path) -> None:
    reached = reach(tmp_path, "import importlib\n\nfor name in 'ab':\n    importlib.import_module(name)")
    assert reached.notes == (f"{tmp_path}/handler.py:4",)


def test_the_order_of_imports_does_not_matter(tmp_path: Path) -> None:
    modules = {"one": "import two", "two": "import three", "three": ""}
    first = reach(tmp_path, "import one, three, two", **modules)
    second = reach(tmp_path, "import two\nimport one\nimport three", **modules)
    assert first.files == second.files
