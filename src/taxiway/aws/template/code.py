"""A function's code, as far as a template speaks of it."""

from pathlib import Path
from typing import Protocol


class Code(Protocol):
    """What a template says of a function's code (`taxiway.aws.packaging.packages.Package` has more)."""

    @property
    def function(self) -> str: ...
    @property
    def path(self) -> Path:
        """The ZIP."""
        ...

    @property
    def digest(self) -> str:
        """Changes if and only if what is in the ZIP does."""
        ...

    @property
    def handler(self) -> str: ...
    @property
    def variables(self) -> dict[str, str]: ...
