"""What a declaration lists: several strings, and never the letters of one."""

from collections.abc import Sequence

from taxiway.declare.errors import refuse


def listed(what: str, named: Sequence[str]) -> tuple[str, ...]:
    """As a tuple. Raises DeclarationError for a string, which to Python and its checkers is a sequence of strings."""
    if isinstance(named, str):
        refuse(
            f"{what}={named!r} is one string, and would be read as its letters.",
            fix=f"put it into a list: {what}=[{named!r}]",
        )
    return tuple(named)
