"""Writes the snapshots of the template's stages that the parity test reads: `python -m tests.aws.snapshot`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.aws.backends import of_the_template, packages

from taxiway.aws.template.synthesis import synthesize

STAGES = ("dev", "prod")


def path_of(stage: str) -> Path:
    return Path(__file__).with_name("snapshots") / f"{stage}.json"


def synthesized(stage: str, directory: Path) -> str:
    """The stage's template as it is kept: without what only a package's bytes decide."""
    backend, at = of_the_template(stage)
    made = synthesize(backend, at, packages=packages(backend, directory), directory=directory / "assembly")
    return json.dumps(_normal(json.loads(made.template.path.read_text())), indent=1) + "\n"


def main() -> None:
    for stage in STAGES:
        with TemporaryDirectory() as directory:
            path = path_of(stage)
            path.parent.mkdir(exist_ok=True)
            path.write_text(synthesized(stage, Path(directory)))
            sys.stdout.write(f"Wrote {path}.\n")


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "package.zip" if key == "S3Key" else _normal(content) for key, content in value.items()}
    if isinstance(value, list):
        return [_normal(content) for content in value]
    return value


if __name__ == "__main__":
    main()
