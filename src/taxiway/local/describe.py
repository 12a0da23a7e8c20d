"""The process that reads a declaration: `python -m taxiway.local.describe PROJECT STAGE`.

It writes one Answer, as JSON, to its standard output. What the project itself prints while it is imported goes to
standard error.
"""

import os
import sys
from pathlib import Path

import msgspec
from taxiway import project
from taxiway.declare import DeclarationError
from taxiway.local.plan import Plan, plan


class Answer(msgspec.Struct, omit_defaults=True):
    plan: Plan | None = None
    problem: str = ""
    fix: str = ""
    where: str = ""


def main() -> None:
    directory, stage_name = Path(sys.argv[1]), sys.argv[2]
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.dont_write_bytecode = True  # a .pyc is stale when its source is edited twice in a second to the same size
    try:
        stage = project.read_stage(directory, stage_name, local=True)
        answer = Answer(plan(project.read_backend(directory, stage), stage))
    except DeclarationError as error:
        answer = Answer(problem=error.problem, fix=error.fix, where=error.where)
    with answers:
        answers.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
