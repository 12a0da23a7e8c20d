"""Cursors: where the next page starts, as text that a client can hold, but neither make nor use for another query.

A cursor is base64url of: a version byte, a keyed BLAKE2b over the rest (16 bytes), and the rest: expiry, a digest of
the query that it belongs to, and a position. The partition key is not in it; the query supplies its own.
"""

import time
from binascii import b2a_base64
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeAlias

import msgspec

from taxiway.data.errors import InvalidCursor, NotConfigured

CursorKey: TypeAlias = Callable[[], "str | bytes | None"]
KeyText: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
Position: TypeAlias = tuple[str, ...]
"""The last item's partition key and sort key, its sort key in the index, and its shard there where there are some."""

LIFETIME = 24 * 60 * 60
"""Seconds for which a cursor can be used."""

_VERSION = b"\x01"
_TO_URL = bytes.maketrans(b"+/", b"-_")
_MAC = 16
_LONGEST = 8192
_BODY = msgspec.msgpack.Decoder(
    tuple[int, bytes, Annotated[tuple[KeyText, ...], msgspec.Meta(min_length=3, max_length=4)]]
)


class Cursors:
    """Issues and reads cursors. `key` is asked at each use; without one, or where it gives None, a cursor carries a
    checksum only: it is still bound to its partition, but a client could choose the position in it.
    """

    def __init__(
        self, key: CursorKey | None = None, *, lifetime: int = LIFETIME, clock: Callable[[], float] = time.time
    ):
        self._key = key
        self._lifetime = lifetime
        self._clock = clock

    def issue(self, query: str, position: Position) -> str:
        """The cursor of a position in a query."""
        body = msgspec.msgpack.encode((int(self._clock()) + self._lifetime, _digest(query), position))
        return b2a_base64(_VERSION + self._mac(body) + body, newline=False).rstrip(b"=").translate(_TO_URL).decode()

    def read(self, query: str, cursor: str) -> Position:
        """The position that a cursor of this query holds. Raises InvalidCursor."""
        from base64 import b64decode
        from hmac import compare_digest

        if len(cursor) > _LONGEST:
            raise _invalid("is malformed")
        try:
            raw = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _invalid("is malformed") from None
        mac, body = raw[1 : 1 + _MAC], raw[1 + _MAC :]
        if raw[:1] != _VERSION or not body:
            raise _invalid("is malformed")
        if not compare_digest(mac, self._mac(body)):
            raise _invalid("was not issued here")
        try:
            expiry, digest, position = _BODY.decode(body)
        except msgspec.MsgspecError:
            raise _invalid("is malformed") from None
        if digest != _digest(query):
            raise _invalid("belongs to another query")
        if expiry < self._clock():
            raise _invalid("has expired")
        return position

    def _mac(self, body: bytes) -> bytes:
        blake2b = _blake2b()
        key = self._key() if self._key else None
        if key is not None and not key:
            raise NotConfigured("The key that signs cursors is empty.")
        secret = key.encode() if isinstance(key, str) else key or b""
        if len(secret) > blake2b.MAX_KEY_SIZE:
            secret = blake2b(secret).digest()
        return blake2b(_VERSION + body, digest_size=_MAC, key=secret, person=b"taxiway.cursor").digest()


@cache
def _blake2b() -> Any:
    from hashlib import blake2b  # 3 ms that a function without cursors doesn't pay

    return blake2b


def _digest(query: str) -> bytes:
    # A caller's name can be any str, with lone surrogates too.
    return _blake2b()(query.encode(errors="surrogatepass"), digest_size=8).digest()


def _invalid(problem: str) -> InvalidCursor:
    text = f"The cursor {problem}."
    return InvalidCursor(text, public_detail=text)
