"""How long functions take: measured durations, as `taxiway dev` prints them or as JSON gives them."""

import re
from collections import defaultdict
from typing import Literal

import msgspec
from msgspec import Struct

_REQUEST_LINE = re.compile(r"^\d{3} \S+ +\S.* +([0-9.]+) ms +(warm|cold) +(\S+) +\S+$")
_COLOR = re.compile(r"\x1b\[\d+m")


class Measured(Struct, frozen=True):
    """How long a function takes when warm, on average: milliseconds in all, measured where it says."""

    ms: float
    where: Literal["local", "lambda"]
    """Locally it has a whole CPU and a local table; on Lambda the CPU share of its memory, and DynamoDB."""


def read_durations(text: str) -> dict[str, Measured]:
    """Durations by function, from what `taxiway dev` printed, or from JSON: `{"create-item": 7.4}`, in ms on Lambda.

    Of the output of `taxiway dev`, only warm requests count. Raises ValueError if the text is neither.
    """
    if text.lstrip().startswith("{"):
        try:
            given = msgspec.json.decode(text, type=dict[str, float])
        except msgspec.MsgspecError as error:
            raise ValueError(f"The durations must be a JSON object from functions to milliseconds: {error}") from error
        return {name: Measured(ms, "lambda") for name, ms in given.items()}
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for line in _COLOR.sub("", text).splitlines():
        request = _REQUEST_LINE.match(line.rstrip())
        if request and request[2] == "warm":
            seen[request[3]].append(float(request[1]))
    if not seen:
        raise ValueError("The durations contain no line of a warm request from `taxiway dev`.")
    return {name: Measured(sum(times) / len(times), "local") for name, times in seen.items()}
