"""A project on disk: the directory of `backend.py`, its stage files, and the declaration read from them."""

import importlib
import sys
import traceback
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import cast

from dotenv.main import DotEnv
from dotenv.parser import parse_stream

from taxiway.declare import Backend, DeclarationError, Stage
from taxiway.declare.stage import LOCAL_ACCOUNT, LOCAL_REGION

FILE = "backend.py"
LOCAL_OVERRIDES = ".env.local"
STATE = ".taxiway"
"""The directory of a project's local state; git ignores it."""


def find(start: Path) -> Path:
    """The nearest directory with a `backend.py`, from `start` upwards. Raises DeclarationError if there is none."""
    for directory in (start, *start.parents):
        if (directory / FILE).is_file():
            return directory
    raise DeclarationError(
        f"There is no {FILE} in {start} or above it.", fix="run this inside a project, or pass --project DIR"
    )


_ANYWHERE = {"AWS_REGION": LOCAL_REGION, "AWS_ACCOUNT": LOCAL_ACCOUNT}


def read_stage(project: Path, name: str, *, local: bool, has_account: bool = True) -> Stage:
    """The stage `name` with the variables of `.env.<name>`, which `.env.local` overrides if the stage is `local`.

    A deployment never reads `.env.local`, so its account and its users do not depend on the machine that deploys. The
    shell's environment is not read, so a backend does not depend on who starts it. A line may name a variable of the
    shell to use its value: `SECRETS_ID=${SECRETS_ID}`. Raises DeclarationError if a file is not valid UTF-8, if a line
    is malformed, if the stage file is missing or is the local one (for AWS), and if a required value is missing or
    malformed. Without `has_account`, the stage file, its account and its region may be missing.
    """
    path = project / f".env.{name}"
    if not local and path.name == LOCAL_OVERRIDES:
        raise DeclarationError(
            f"The stage {name!r} is not supported: its stage file would be {LOCAL_OVERRIDES}, "
            "which is for local development.",
            fix="deploy a stage with another name: --stage dev",
        )
    if not local and has_account and not path.is_file():
        raise DeclarationError(
            f"The stage {name!r} has no stage file.", fix=f"write {path.name} with AWS_REGION=… and AWS_ACCOUNT=…"
        )
    overrides = project / LOCAL_OVERRIDES
    overriding = _read_variables(overrides) if local else {}
    return Stage(
        name=name,
        variables=({} if has_account else _ANYWHERE) | _read_variables(path) | overriding,
        local=local,
        source=str(path),
        overridden=dict.fromkeys(overriding, str(overrides)),
    )


def read_backend(project: Path, stage: Stage) -> Backend:
    """Import the project's `backend.py` and call its `backend(stage)`.

    The project's modules stay imported, so a process reads a declaration only once. Raises DeclarationError if the file
    can't be imported, has no `backend(stage)`, or its declaration is invalid.
    """
    path = project / FILE
    sys.path.insert(0, str(project))
    try:
        module = importlib.import_module(path.stem)
        declare = cast(Callable[[Stage], object] | None, getattr(module, "backend", None))
        if declare is None:
            raise DeclarationError(
                f"{FILE} has no function called backend.",
                fix="define `def backend(stage: Stage) -> Backend:` in it",
                where=str(path),
            )
        backend = declare(stage)
    except DeclarationError:
        raise
    except Exception as error:
        raise DeclarationError(
            f"Cannot read {FILE}: {type(error).__name__}: {error}\n\n{_traceback_in(project, error)}",
            fix="correct the line that the traceback ends with",
            where=str(path),
        ) from error
    if not isinstance(backend, Backend):
        raise DeclarationError(f"backend(stage) returned {backend!r}.", fix="return a Backend(…)", where=str(path))
    return backend


def _read_variables(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DeclarationError(
            f"Line {line} is not valid UTF-8.", fix="save the file as UTF-8", where=str(path)
        ) from None
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise DeclarationError(
                f"Line {binding.original.line} is malformed: {binding.original.string.strip().partition('=')[0]}",
                fix="write NAME=value, with quotes around a value that has spaces or '#'",
                where=str(path),
            )
    values = DotEnv(None, stream=StringIO(text)).dict()
    return {name: value for name, value in values.items() if value is not None}


def _traceback_in(project: Path, error: BaseException) -> str:
    """The traceback from its first line in the project on, without the import machinery before it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = next((i for i, frame in enumerate(frames) if frame.filename.startswith(str(project))), len(frames))
    return "".join(traceback.format_list(frames[own:]) + traceback.format_exception_only(error)).rstrip()
