"""The id of a write, stored in the item: by it a write whose answer was lost finds out whether it was carried out.

It is believed only where the AWS client says that an earlier attempt may have been carried out, never because what is
stored looks like what was to be stored.
"""

import os
from binascii import b2a_base64

from taxiway.data.expressions import Expression
from taxiway.sdk.dynamodb import Item

WRITE = "_w"
"""The attribute that holds the id of the item's last write, by those verbs that can meet a lost answer."""


def new_write_id() -> str:
    """72 bits of the system's random numbers, as 12 characters."""
    return b2a_base64(os.urandom(9), newline=False).decode()


def is_of(stored: Item | None, write: str) -> bool:
    """Whether a write is the last one that a stored item has had."""
    return stored is not None and stored.get(WRITE) == write


def not_yet(expression: Expression, write: str) -> str:
    """The condition that a write is not what made the item as it is: a repetition of it changes nothing more."""
    return f"{expression.name(WRITE)} <> {expression.value(write)}"
