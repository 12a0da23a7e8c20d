"""uv, which resolves, builds and unpacks libraries."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from taxiway.aws.packaging.imports import PackageError


def uv(*arguments: str, directory: Path, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run uv with a directory's settings, and return its result. Raises PackageError if uv is not installed."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which("uv") or shutil.which("uv", path=beside)
    if program is None:
        raise PackageError("uv is not installed, and building packages requires it.", fix="run `pip install uv`")
    # The environment of the shell that this was started in is not the one to install for.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        [program, *arguments],
        input=text,
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
