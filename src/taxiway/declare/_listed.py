"""What a declaration lists: several strings, and never the letters of one."""

from collections.abc import Sequence

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError


def listed(what: str, named: Sequence[str]) -> tuple[str, ...]:
    """As a tuple. Raises DeclarationError for a string, which to Python and its checkers is a sequence of strings."""
    if isinstance(named, str):
        raise DeclarationError(
            f"{what}={named!r} is one string, and would be read as its letters.",
            fix=f"put it into a list: {what}=[{named!r}]",
            where=caller(),
        )
    return tuple(named)
