"""Where in the user's files a declaration was written, so that an error can point at it."""

import sys
from pathlib import Path

_HERE = str(Path(__file__).parent)


def caller() -> str:
    """`file:line` of the nearest frame outside this package."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  documented, and `inspect` costs a hundred times as much
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
