"""What `taxiway add` is about to write: new files, and lines for backend.py."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from taxiway.scaffold.backend_file import BackendFile, Declared, UnknownShape
from taxiway.scaffold.errors import ScaffoldError


@dataclass(frozen=True)
class Addition:
    """New files by their path, and what backend.py has to declare."""

    declared: Declared
    files: dict[str, str] = field(default_factory=dict[str, str])


def check(project: Path, addition: Addition) -> None:
    """Raise ScaffoldError where a file, or a name in backend.py, exists already."""
    for path in addition.files:
        if (project / path).exists():
            raise ScaffoldError(f"{path} already exists.", fix="choose another name, or edit that file")
    BackendFile.read(project).check_names(addition.declared)


def write(project: Path, addition: Addition) -> list[str]:
    """Write the files and change backend.py: the paths, in that order.

    Raises UnknownShape, and changes nothing, where backend.py is not written as the template's is.
    """
    changed = BackendFile.read(project).with_declared(addition.declared)
    files = {**_packages(project, addition.files), **addition.files}
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    _format([project / path for path in files])
    (project / "backend.py").write_text(changed, encoding="utf-8")
    return [*files, "backend.py"]


def to_paste(addition: Addition, reason: UnknownShape) -> str:
    """Everything that `write` would have written, for a person to paste, and where."""
    lines = [f"Nothing was changed, because {reason}.", "Paste this yourself.", ""]
    for path, text in addition.files.items():
        lines += [f"Into a new file {path}:", "", *_indented(text), ""]
    lines += ["Among the imports of backend.py:", "", *_indented("\n".join(addition.declared.import_lines())), ""]
    lines += ["After the last route of the API, with the name that it has there:", ""]
    lines += _indented("\n".join(addition.declared.route_lines("api", "")))
    return "\n".join(lines)


def _format(files: list[Path]) -> None:
    """Wrap long lines by the ruff that is installed beside Taxiway, as a project of the template has it."""
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.is_file():
        subprocess.run([ruff, "format", "--quiet", *files], stdin=subprocess.DEVNULL, check=False)


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.rstrip("\n").split("\n")]


def _packages(project: Path, paths: dict[str, str]) -> dict[str, str]:
    """The `__init__.py` of every new folder of modules, except the tests."""
    folders = {folder for path in paths for folder in Path(path).parents[:-1] if folder.parts[0] != "tests"}
    wanted = sorted(f"{folder}/__init__.py" for folder in folders)
    return {path: "" for path in wanted if not (project / path).exists()}
