"""`taxiway package`: the packages of the functions, and their sizes."""

import json
import re
from pathlib import Path

from tests.cli.commands import THIS_PYTHON, taxiway

from taxiway import __version__


def test_package_says_how_large_each_function_is(project: Path) -> None:
    done = taxiway(project, "package", "--python", THIS_PYTHON, "--architecture", "x86_64")

    assert done.returncode == 0, done.stderr
    assert re.search(r"^create-item +[\d.]+ MB zipped +[\d.]+ MB unzipped +built$", done.stdout, re.MULTILINE)
    assert "unchanged" in taxiway(project, "package", "--python", THIS_PYTHON, "--architecture", "x86_64").stdout


def test_a_bill_and_packages_are_of_what_is_on_aws_and_not_of_the_laptop(project: Path) -> None:
    declaration = project / "backend.py"
    text = declaration.read_text()
    assert "    return Backend(" in text
    more = "    if not stage.local:\n        api.get('/more', handlers.http.more.more, memory=512)\n    return Backend("
    (project / "handlers" / "http" / "more.py").write_text("def more(event, context): ...\n")
    text = f"import handlers.http.more\n{text}"
    declaration.write_text(text.replace("    return Backend(", more, 1))

    packed = taxiway(project, "package", "--stage", "new", "--python", THIS_PYTHON, "--architecture", "x86_64")
    billed = taxiway(project, "cost", "--stage", "new")

    assert (packed.returncode, billed.returncode) == (0, 0), packed.stderr + billed.stderr
    assert re.search(r"^more +[\d.]+ MB zipped", packed.stdout, re.MULTILINE)
    assert "more" in billed.stdout.partition("not measured")[2]


def test_as_json_each_package_has_its_size_and_its_parts(project: Path) -> None:
    done = taxiway(project, "package", "--python", THIS_PYTHON, "--architecture", "x86_64", "--json")

    assert done.returncode == 0, done.stderr
    package = next(package for package in json.loads(done.stdout) if package["function"] == "create-item")
    assert Path(package["path"]).stat().st_size == package["zipped"]
    assert package["is_cached"] is False
    assert f"taxiway {__version__}" in {part["name"] for part in package["parts"]}
