"""The response of a request that a test made."""

from collections.abc import Iterable
from typing import Any, Self

import msgspec
from msgspec import Struct


class Answer(Struct, kw_only=True):
    """A response."""

    status: int
    headers: dict[str, str]
    """By lower-case name; a header sent more than once is joined by ", "."""
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Self:
        joined: dict[str, str] = {}
        for name, value in headers:
            lower = name.lower()
            joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
        return cls(status=status, headers=joined, body=body)

    def json(self) -> Any:
        """The body, decoded. Raises msgspec.DecodeError where it is not JSON."""
        return msgspec.json.decode(self.body)
