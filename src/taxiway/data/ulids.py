"""Makes ULIDs: ids of 26 characters whose text order is the order of the milliseconds that they were made in.

https://github.com/ulid/spec
"""

import os
import time

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: https://www.crockford.com/base32.html"""
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]


def new_ulid() -> str:
    """48 bits of the time in milliseconds, and 80 from the system's random numbers: copies of a snapshot differ too."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
