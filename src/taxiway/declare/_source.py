"""Where in the user's files a declaration was written, so that an error can point at it."""

import sys

_PACKAGE = __name__.rpartition(".")[0]


def caller() -> str:
    """`file:line` of the nearest frame outside this package, whose dataclasses have an `__init__` without a file."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  documented, and `inspect` costs a hundred times as much
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
