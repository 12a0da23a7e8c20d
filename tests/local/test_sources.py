"""A change of the project's code is seen at the next look, and nothing else is taken for one."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from taxiway.local.sources import Sources


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("backend.py", "handlers/http/items.py", "dal/items.py", ".env.dev", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    return tmp_path


Watch = Callable[[Path], Sources]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Makes sources, and closes them at the end."""
    with ExitStack() as stack:

        def start(project: Path) -> Sources:
            sources = Sources(project)
            stack.callback(sources.close)
            return sources

        yield start


def calls_of(function: Callable[[], object]) -> list[str]:
    """The names of the functions that a call of one calls, Python's own too."""
    called: list[str] = []

    def note(frame: FrameType, event: str, target: Any) -> None:
        if event in ("call", "c_call"):
            called.append(target.__name__ if event == "c_call" else frame.f_code.co_name)

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return called


def edit(project: Path) -> None:
    project.joinpath("dal/items.py").write_text("later")


def edit_to_the_same_size(project: Path) -> None:
    project.joinpath("handlers/http/items.py").write_text("FIRST")


def edit_and_keep_the_time(project: Path) -> None:
    path = project / "backend.py"
    found = path.stat()
    path.write_text("FIRST")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace_by_an_older_file(project: Path) -> None:
    other = project / "other.txt"
    other.write_text("other")
    os.utime(other, (1_600_000_000, 1_600_000_000))
    other.rename(project / "backend.py")


def add(project: Path) -> None:
    project.joinpath("handlers/http/users.py").write_text("")


def add_a_package(project: Path) -> None:
    project.joinpath("types").mkdir()
    project.joinpath("types/item.py").write_text("")


def remove(project: Path) -> None:
    project.joinpath("dal/items.py").unlink()


def rename(project: Path) -> None:
    project.joinpath("dal").rename(project / "data")


def add_a_stage_file(project: Path) -> None:
    project.joinpath(".env.local").write_text("A=1")


def edit_a_stage_file(project: Path) -> None:
    project.joinpath(".env.dev").write_text("A=1")


CHANGES = [
    edit,
    edit_to_the_same_size,
    edit_and_keep_the_time,
    replace_by_an_older_file,
    add,
    add_a_package,
    remove,
    rename,
    add_a_stage_file,
    edit_a_stage_file,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_thorough_look_sees_a_change_that_the_system_does_not_tell_of(
    watch: Watch, project: Path, change: Callable[[Path], None]
) -> None:
    sources = watch(project)
    sources.close()
    change(project)
    assert sources.version(thorough=True) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files are looked at every 10 ms")
def test_a_look_costs_the_same_in_a_large_project_as_in_a_small_one(watch: Watch, tmp_path: Path) -> None:
    def look(files: int) -> list[str]:
        project = tmp_path / str(files)
        for number in range(files):
            package = project / f"package_{number % 10}"
            package.mkdir(parents=True, exist_ok=True)
            package.joinpath(f"module_{number}.py").touch()
        sources = watch(project)
        assert sources.version() == 0
        return calls_of(sources.version)

    small, large = look(10), look(500)
    assert small == large
    assert "stat" not in large


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files are looked at every 10 ms")
def test_what_a_handler_writes_beside_the_code_is_no_reason_to_look_at_the_files(watch: Watch, project: Path) -> None:
    sources = watch(project)
    project.joinpath("data.json").write_text("{}")
    project.joinpath(".cache").mkdir()
    assert "_is_moved" not in calls_of(sources.version)
    (project / "backend.py").write_text("edited")
    assert "_is_moved" in calls_of(sources.version)


def test_a_linked_file_is_watched_where_it_is(
    watch: Watch, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "module.py"
    elsewhere.write_text("x")
    project.joinpath("linked.py").symlink_to(elsewhere)
    sources = watch(project)
    elsewhere.write_text("y")
    assert sources.version() == 1
    elsewhere.with_suffix(".new").write_text("z")
    elsewhere.with_suffix(".new").rename(elsewhere)
    assert sources.version() == 2


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_once(watch: Watch, project: Path, change: Callable[[Path], None]) -> None:
    sources = watch(project)
    before = sources.version()
    change(project)
    assert sources.version() == before + 1
    assert sources.version() == before + 1


def test_each_of_many_edits_in_the_same_moment_is_seen(watch: Watch, project: Path) -> None:
    sources = watch(project)
    path = project / "backend.py"
    for number in range(300):
        path.write_text(f"{number:05}")
        assert sources.version() == number + 1


def test_each_of_many_new_files_in_the_same_moment_is_seen(watch: Watch, project: Path) -> None:
    sources = watch(project)
    for number in range(100):
        project.joinpath(f"dal/new_{number}.py").touch()
        assert sources.version() == number + 1


def test_what_is_no_code_of_the_project_is_no_change(watch: Watch, project: Path) -> None:
    environment = project / "venv"
    environment.mkdir()
    environment.joinpath("pyvenv.cfg").touch()
    for name in (".taxiway", ".git", "node_modules", "dal/__pycache__"):
        project.joinpath(name).mkdir()
    sources = watch(project)
    for name in ("venv", ".taxiway", ".git", "node_modules", "dal/__pycache__"):
        project.joinpath(name, "module.py").write_text("x")
    project.joinpath("README.md").write_text("edited")
    assert sources.version() == 0


def test_a_linked_directory_is_watched_and_a_circle_of_links_ends(
    watch: Watch, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    elsewhere.joinpath("module.py").write_text("x")
    project.joinpath("linked").symlink_to(elsewhere)
    project.joinpath("dal/circle").symlink_to(project)
    project.joinpath("dangling.py").symlink_to(project / "nothing.py")
    sources = watch(project)
    assert sources.version() == 0
    elsewhere.joinpath("module.py").write_text("y")
    assert sources.version() == 1


def test_a_project_that_goes_and_comes_back_is_seen(watch: Watch, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    project.joinpath("backend.py").touch()
    sources = watch(project)
    project.rename(tmp_path / "away")
    assert sources.version() == 1
    assert sources.version() == 1
    tmp_path.joinpath("away").rename(project)
    assert sources.version(thorough=True) == 2
    project.joinpath("backend.py").write_text("again")
    assert sources.version() == 3
