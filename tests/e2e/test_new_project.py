"""The wheel, in an empty environment and outside the repository: from `taxiway new` to a tested, served project."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))


def run(directory: Path, *command: str, **environment: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "UV_PROJECT"))}
    done = subprocess.run(
        command,
        cwd=directory,
        env={**own, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    run(ROOT, UV, "build", "--wheel", "--quiet", "--out-dir", str(directory))
    return next(directory.glob("*.whl"))


def files_in_git(folder: str) -> set[str]:
    listed = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", folder)
    return {line.removeprefix(f"{folder}/") for line in listed.splitlines() if (ROOT / line).exists()}


@pytest.mark.parametrize("template", ["template", "template-bare"])
def test_the_wheel_has_the_template_and_nothing_that_use_leaves_there(wheel: Path, template: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name.removeprefix(f"taxiway/{template}/") for name in names if name.startswith(f"taxiway/{template}/")}

    assert inside == files_in_git(template)


def test_the_wheel_has_every_module_and_is_the_same_built_from_the_sdist(wheel: Path, tmp_path: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"taxiway/{name}" for name in files_in_git("src/taxiway")} <= names

    run(ROOT, UV, "build", "--quiet", "--out-dir", str(tmp_path))  # the wheel from the sdist
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_a_project_is_made_tested_and_added_to_outside_the_repository(
    wheel: Path, tmp_path: Path, path_with_engine: dict[str, str]
) -> None:
    venv.create(tmp_path / "installed")
    run(
        tmp_path,
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        "installed/bin/python",
        f"taxiway[local] @ file://{wheel}",
    )
    path = os.pathsep.join([str(tmp_path / "installed" / "bin"), str(Path(UV).parent), path_with_engine["PATH"]])
    run(tmp_path, "taxiway", "new", "shop", PATH=path)
    shop = tmp_path / "shop"

    run(shop, "make", "test", "ARGS=-q tests/test_health.py", PATH=path)
    assert (shop / "uv.lock").exists()
    own = os.pathsep.join([str(shop / ".venv" / "bin"), path])
    run(shop, "taxiway", "add", "entity", "Order", PATH=own)
    run(shop, "taxiway", "add", "route", "GET /orders/{id}", PATH=own)
    said = run(shop, "make", "lint", "test", "ARGS=-q tests/test_orders.py tests/test_get_order.py", PATH=path)
    assert "0 errors, 0 warnings" in said
    assert re.search(r"5 passed", said)
    module = run(shop, ".venv/bin/python", "-c", "import taxiway; print(taxiway.__file__)")
    assert module.startswith(str(shop / ".venv"))
