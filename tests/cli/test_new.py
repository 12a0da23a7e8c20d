"""`taxiway new`: what the project has, what it is called, and where it takes Taxiway from."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.cli.commands import taxiway

from taxiway.scaffold import taxiway_source
from taxiway.scaffold.new_project import BARE, NAMED, TEMPLATE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    done = taxiway(tmp_path, "new", "shop")
    assert done.returncode == 0, done.stderr
    return tmp_path / "shop"


def test_it_says_what_to_type_next(tmp_path: Path) -> None:
    done = taxiway(tmp_path, "new", "my-api")

    assert done.stdout.startswith(f"Created my-api in {tmp_path / 'my-api'} (")
    assert re.findall(r"^  (cd \S+|make \w+)", done.stdout, re.MULTILINE) == ["cd my-api", "make dev", "make test"]


def test_it_has_every_file_of_the_template_and_none_that_use_leaves_there(shop: Path) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", TEMPLATE]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {line.removeprefix(f"{TEMPLATE}/") for line in listed.splitlines() if (ROOT / line).exists()}

    assert {str(file.relative_to(shop)) for file in shop.rglob("*") if file.is_file()} == wanted


@pytest.mark.parametrize("template", [TEMPLATE, BARE])
def test_the_name_of_a_template_is_said_where_it_is_replaced(template: str) -> None:
    for path, said in NAMED[template]:
        assert (ROOT / template / path).read_text().count(said) == 1, f"{path} does not have {said!r} once"


def test_a_project_has_its_own_name(shop: Path) -> None:
    assert tomllib.loads((shop / "pyproject.toml").read_text())["project"]["name"] == "shop"
    assert (shop / "README.md").read_text().startswith("# shop\n")
    for stage in ("dev", "test", "prod"):
        assert f"SECRETS_ID=shop/{stage}\n" in (shop / f".env.{stage}").read_text()
    named = [path for path, _ in NAMED[TEMPLATE] if "shop" not in (shop / path).read_text()]
    assert named == []
    (shop / ".env.dev").write_text("AWS_REGION=eu-west-1\nAWS_ACCOUNT=111122223333\n")
    assert json.loads(taxiway(shop, "cost", "--json").stdout)["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("arguments", "name"), [(("My_Shop",), "my-shop"), (("a b/The Shop",), "the-shop"), (("x9", "--name", "s1"), "s1")]
)
def test_the_name_comes_from_the_directory_unless_it_is_given(
    tmp_path: Path, arguments: tuple[str, ...], name: str
) -> None:
    assert taxiway(tmp_path, "new", *arguments).returncode == 0
    assert f'Backend("{name}"' in (tmp_path / arguments[0] / "backend.py").read_text()


@pytest.mark.parametrize("directory", ["9lives", "ü", "x", "n" * 40])
def test_a_directory_whose_name_a_backend_cannot_have_needs_another(tmp_path: Path, directory: str) -> None:
    done = taxiway(tmp_path, "new", directory)

    assert done.returncode == 1
    assert "Invalid backend name" in done.stderr
    assert "--name my-api" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_directory_with_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine")
    done = taxiway(tmp_path, "new", "shop")

    assert done.returncode == 1
    assert f"The directory {tmp_path / 'shop'} is not empty." in done.stderr
    assert [file.name for file in (tmp_path / "shop").iterdir()] == ["notes.txt"]


def test_a_new_repository_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    done = taxiway(tmp_path, "new", ".", "--name", "shop")

    assert done.returncode == 0, done.stderr
    assert "cd " not in done.stdout
    assert (tmp_path / "backend.py").exists()


def test_by_default_it_uses_the_taxiway_that_made_it(shop: Path) -> None:
    source = tomllib.loads((shop / "pyproject.toml").read_text())["tool"]["uv"]["sources"]["taxiway"]

    assert source == {"path": str(ROOT), "editable": True}


def test_a_wheel_is_copied_into_the_project(tmp_path: Path) -> None:
    wheel = tmp_path / "taxiway-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    assert taxiway(tmp_path, "new", "shop", "--taxiway", wheel.name).returncode == 0

    source = tomllib.loads((tmp_path / "shop" / "pyproject.toml").read_text())["tool"]["uv"]["sources"]["taxiway"]
    assert source == {"path": f"vendor/{wheel.name}"}
    assert (tmp_path / "shop" / source["path"]).read_bytes() == b"a wheel"


@pytest.mark.parametrize("path", ["nowhere", ".", "other-1.0-py3-none-any.whl"])
def test_what_is_not_taxiway_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "other-1.0-py3-none-any.whl").touch()
    done = taxiway(tmp_path, "new", "shop", "--taxiway", path)

    assert done.returncode == 1
    assert "is neither a checkout of Taxiway nor its wheel." in done.stderr
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("noted", "found"),
    [
        (None, None),
        ({"url": "file:///", "dir_info": {}}, "/"),
        ({"url": "file:///gone/taxiway-0.1.0-py3-none-any.whl", "archive_info": {}}, "no longer exists"),
        ({"url": "https://example.com/taxiway-0.1.0-py3-none-any.whl", "archive_info": {}}, "is not a file"),
    ],
)
def test_the_taxiway_that_made_it_is_what_the_installer_noted(
    monkeypatch: pytest.MonkeyPatch, noted: dict[str, object] | None, found: str | None
) -> None:
    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return noted and json.dumps(noted)

    monkeypatch.setattr(taxiway_source.Distribution, "from_name", lambda _: Installed())
    if found is None or found == "/":
        assert taxiway_source.of_this_installation() == (found and Path(found))
    else:
        with pytest.raises(taxiway_source.ScaffoldError, match=found) as raised:
            taxiway_source.of_this_installation()
        assert "--taxiway PATH" in raised.value.fix


def test_the_bare_project_is_twenty_lines(tmp_path: Path) -> None:
    assert taxiway(tmp_path, "new", "tiny", "--bare").returncode == 0
    files = {str(file.relative_to(tmp_path / "tiny")) for file in (tmp_path / "tiny").rglob("*") if file.is_file()}
    code = [(tmp_path / "tiny" / name).read_text() for name in ("backend.py", "hello.py")]

    assert sum(bool(line.strip()) for text in code for line in text.splitlines()) <= 20
    assert files == {
        *(".gitignore", "Makefile", "README.md", "backend.py", "hello.py", "pyproject.toml", "tests/test_hello.py")
    }


def test_the_tests_of_the_bare_project_pass(tmp_path: Path, path_with_engine: dict[str, str]) -> None:
    assert taxiway(tmp_path, "new", "tiny", "--bare").returncode == 0
    assert pytest_in(tmp_path / "tiny", path_with_engine).endswith("1 passed")


def test_the_tests_of_a_new_project_pass_from_its_own_directory(shop: Path, path_with_engine: dict[str, str]) -> None:
    assert re.search(r"\d\d passed$", pytest_in(shop, path_with_engine))


def pytest_in(project: Path, environment: dict[str, str]) -> str:
    """Run a project's tests as `make test` does: the summary, without its time."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1].partition(" in ")[0]


def test_the_first_lines_of_its_readme_are_its_two_commands(shop: Path) -> None:
    lines = [line for line in (shop / "README.md").read_text().splitlines() if line][1:3]
    targets = set(re.findall(r"^([a-z]+):", (shop / "Makefile").read_text(), re.MULTILINE))

    assert [line.split()[:2] for line in lines] == [["make", "dev"], ["make", "test"]]
    for page in ("README.md", "AGENTS.md"):
        assert set(re.findall(r"`?make ([a-z]+)", (shop / page).read_text())) - {"it"} <= targets


def test_an_editors_tasks_and_debug_configurations_are_commands_that_exist(shop: Path) -> None:
    tasks = json.loads((shop / ".vscode" / "tasks.json").read_text())["tasks"]
    launches = json.loads((shop / ".vscode" / "launch.json").read_text())["configurations"]
    assert shutil.which("make")
    for task in tasks:
        command = [*task["command"].split(), "--dry-run"]
        assert subprocess.run(command, cwd=shop, capture_output=True, check=False).returncode == 0, task
    for launch in launches:
        assert launch["preLaunchTask"] in {task["label"] for task in tasks}
        assert launch["type"] == "debugpy"
    serve = next(launch for launch in launches if launch["module"] == "taxiway")
    assert taxiway(shop, *serve["args"], "--help").returncode == 0
    json.loads((shop / ".vscode" / "settings.json").read_text())
    json.loads((shop / ".vscode" / "extensions.json").read_text())
