"""The process that reads a declaration: `python -m taxiway.local.describe PROJECT STAGE`.

It imports all of Taxiway that a project does, waits for a line on its standard input, and then reads the project and
writes one Answer, as JSON, to its standard output. What the project prints meanwhile goes to standard error.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

import msgspec

from taxiway import project
from taxiway.declare import DeclarationError
from taxiway.local.bootstrap import read_sources_anew
from taxiway.local.manifest import Manifest, to_manifest


class Answer(msgspec.Struct, omit_defaults=True):
    plan: Manifest | None = None
    error: dict[str, str] | None = None
    """The fields of a DeclarationError, where there is no plan."""


def main() -> None:
    for module in ("taxiway.http", "taxiway.data", "taxiway.secrets"):
        import_module(module)
    directory, stage_name = Path(sys.argv[1]), sys.argv[2]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    read_sources_anew(str(directory))
    if not sys.stdin.readline():
        return  # whoever started this has gone
    try:
        stage = project.read_stage(directory, stage_name, local=True)
        answer = Answer(to_manifest(project.read_backend(directory, stage), stage))
    except DeclarationError as error:
        answer = Answer(error=error.fields())
    with answers:
        answers.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
