"""A change of the project's code is seen at the next look, and nothing else is taken for one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from taxiway.local.sources import Sources


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("backend.py", "handlers/http/items.py", "dal/items.py", ".env.dev", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    return tmp_path


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
def test_a_change_is_seen_once(project: Path, change: Callable[[Path], None]) -> None:
    sources = Sources(project)
    before = sources.version()
    change(project)
    assert sources.version() == before + 1
    assert sources.version() == before + 1


def test_each_of_many_edits_in_the_same_moment_is_seen(project: Path) -> None:
    sources = Sources(project)
    path = project / "backend.py"
    for number in range(300):
        path.write_text(f"{number:05}")
        assert sources.version() == number + 1


def test_each_of_many_new_files_in_the_same_moment_is_seen(project: Path) -> None:
    sources = Sources(project)
    for number in range(100):
        project.joinpath(f"dal/new_{number}.py").touch()
        assert sources.version() == number + 1


def test_what_is_no_code_of_the_project_is_no_change(project: Path) -> None:
    environment = project / "venv"
    environment.mkdir()
    environment.joinpath("pyvenv.cfg").touch()
    for name in (".taxiway", ".git", "node_modules", "dal/__pycache__"):
        project.joinpath(name).mkdir()
    sources = Sources(project)
    for name in ("venv", ".taxiway", ".git", "node_modules", "dal/__pycache__"):
        project.joinpath(name, "module.py").write_text("x")
    project.joinpath("README.md").write_text("edited")
    assert sources.version() == 0


def test_a_linked_directory_is_watched_and_a_circle_of_links_ends(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    elsewhere.joinpath("module.py").write_text("x")
    project.joinpath("linked").symlink_to(elsewhere)
    project.joinpath("dal/circle").symlink_to(project)
    project.joinpath("dangling.py").symlink_to(project / "nothing.py")
    sources = Sources(project)
    assert sources.version() == 0
    elsewhere.joinpath("module.py").write_text("y")
    assert sources.version() == 1


def test_a_project_that_goes_and_comes_back_is_seen(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    project.joinpath("backend.py").touch()
    sources = Sources(project)
    project.rename(tmp_path / "away")
    assert sources.version() == 1
    assert sources.version() == 1
    tmp_path.joinpath("away").rename(project)
    assert sources.version() == 2
