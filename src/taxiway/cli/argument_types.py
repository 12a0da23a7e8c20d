"""Types of command line arguments: each checks a text, and says what is expected where it isn't that."""

import re
from argparse import ArgumentTypeError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

MAX_RATE = 100_000
"""Requests a second that are simulated at most: ten of these take minutes."""


def port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f"invalid port {text!r}: expected 0 to 65535")
    return int(text)


def at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"invalid number {text!r}: expected 1 or more")
    return int(text)


def share(text: str) -> float:
    """A part of a whole, 0 to 1."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise ArgumentTypeError(f"invalid share {text!r}: expected 0 to 1")
    return found


def seconds(text: str) -> float:
    """A time with its unit: `30s`, `10m`, `2h` or `1d`."""
    if not re.fullmatch(r"[0-9]{1,9}[smhd]", text):
        raise ArgumentTypeError(f"invalid time {text!r}: expected 30s, 10m, 2h or 1d")
    return float(int(text[:-1]) * _SECONDS[text[-1]])


def repository(text: str) -> str:
    """A repository of GitHub, with its ids or without."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+|[\w.-]+@\d+/[\w.-]+@\d+", text, re.ASCII):
        raise ArgumentTypeError(f"invalid repository {text!r}: expected owner/name, or owner@1234/name@5678")
    return text


def rates(text: str) -> tuple[float, ...]:
    """Requests a second: `250/s`, or `10..10000/s`, which is both and the powers of ten between them."""
    match = re.fullmatch(r"([0-9]+)(?:\.\.([0-9]+))?/s", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= MAX_RATE:
        problem = f"invalid rates {text!r}: expected 250/s or 10..10000/s, from 1 to {MAX_RATE}"
        raise ArgumentTypeError(problem)
    powers = (10.0**power for power in range(len(str(MAX_RATE))))
    return tuple(sorted({float(first), float(last), *(rate for rate in powers if first < rate < last)}))
