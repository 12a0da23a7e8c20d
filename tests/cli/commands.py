"""Runs `taxiway` as a user types it, with no credentials, no profile and no region but those that a test gives it."""

import os
import subprocess
import sys
from pathlib import Path

ON_AWS = (
    *("deploy", "diff", "destroy --yes", "outputs", "logs", "doctor"),
    *("secrets set items/dev key", "secrets list", "secrets unset items/dev key"),
)
"""Every command that goes to AWS, when it is given a stage."""

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def taxiway(
    directory: Path, *arguments: str, stdin: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-m", "taxiway", *arguments],
        cwd=directory,
        env={**own, **nobody, "AWS_EC2_METADATA_DISABLED": "true", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
