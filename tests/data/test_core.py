"""The core is loaded alone: nothing of what the package around it imports, and only the pinned version."""

import shutil
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from taxiway.data._core import VERSION, _load, core

SITE = Path(str(PathFinder.find_spec("msgspec").origin)).parent.parent  # pyright: ignore[reportOptionalMemberAccess]  it is installed
SOURCE = Path(__file__).parents[2] / "src"
HEAVY = ("pydynox", "asyncio", "inspect", "email", "dataclasses", "importlib.metadata", "boto3", "pydantic")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A directory with what a function's package holds, and nothing else."""
    for name in ("msgspec", "pydynox", f"pydynox-{VERSION}.dist-info"):
        (tmp_path / name).symlink_to(SITE / name)
    (tmp_path / "taxiway").symlink_to(SOURCE / "taxiway")
    return tmp_path


def run(directory: Path, code: str) -> str:
    program = f"import sys; sys.path.insert(0, {str(directory)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_using_the_table_imports_nothing_heavy(shipped: Path) -> None:
    code = f"""
from taxiway.data import Entity, TableClient, key, sortable_id
import taxiway.secrets
class Note(Entity):
    id: str = sortable_id()
    @key(pk="NOTE#{{id}}", sk="NOTE")
    def by_id(self, id: str) -> None: "One note."
Note()
TableClient().core
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(shipped, code) == "[]"


def test_importing_the_room_does_not_load_the_core(shipped: Path) -> None:
    code = """
import os
os.environ.clear()
import taxiway.data
from taxiway.data import _core
taxiway.data.TableClient()
print(_core._loaded)
"""
    assert run(shipped, code) == "None"


def test_the_whole_package_can_be_imported_beside_it(shipped: Path) -> None:
    for name in ("pydantic", "typing_extensions.py"):
        if (SITE / name).exists():
            (shipped / name).symlink_to(SITE / name)
    code = """
from taxiway.data._core import core
mine = core()
import pydynox.exceptions
print(mine.PydynoxException is pydynox.exceptions.PydynoxException)
"""
    assert run(shipped, code) == "True"


def test_it_is_loaded_once() -> None:
    assert core() is core()


def test_without_pydynox_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ImportError, match=f"install pydynox=={VERSION}"):
        _load([str(tmp_path)])


def test_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pydynox").mkdir()
    (tmp_path / "pydynox" / "__init__.py").touch()
    (tmp_path / "pydynox-9.0.0.dist-info").mkdir()
    with pytest.raises(ImportError, match=r"pydynox 9\.0\.0 is installed"):
        _load([str(tmp_path)])


def test_a_package_without_the_core_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SITE / "pydynox", tmp_path / "pydynox", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    with pytest.raises(ImportError, match="no pydynox_core for this Python"):
        _load([str(tmp_path)])
