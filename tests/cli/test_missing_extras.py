"""`taxiway` in an environment that has only what ships to Lambda: one sentence names what to install."""

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import msgspec
import pytest

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has msgspec and Taxiway's source alone."""
    directory = tmp_path_factory.mktemp("bare")
    venv.create(directory, with_pip=False)
    python = directory / "bin" / "python"
    paths = {"base": str(directory), "platbase": str(directory)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    (packages / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    (packages / "taxiway").symlink_to(SOURCE / "taxiway")
    return python


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ("dev", "local"),
        ("routes", "local"),
        ("patterns", "local"),
        ("secrets list", "local"),
        ("completion bash", "local"),
        ("synth --stage dev", "local"),
    ],
)
def test_one_sentence_says_what_to_install(bare_python: Path, project: Path, arguments: str, extra: str) -> None:
    done = subprocess.run(
        [bare_python, "-m", "taxiway", *arguments.split()],
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"taxiway[{extra}]" in done.stderr
    assert "is not installed" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2


def test_the_environment_has_nothing_else(bare_python: Path) -> None:
    program = "import msgspec, taxiway, importlib.util as u; print(u.find_spec('dotenv'), u.find_spec('psutil'))"
    done = subprocess.run([bare_python, "-c", program], capture_output=True, text=True, check=True, env={})
    assert done.stdout.strip() == "None None"
