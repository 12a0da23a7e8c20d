"""A ZIP archive of which every byte follows from the names and contents of its files.

`zipfile` can't be given bytes that are deflated already, and deflating the one large library that most functions share
takes seconds: here it is done once. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

import struct
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from msgspec import Struct

from taxiway.aws.packaging import package_cache

_LEVEL = 6  # 9 takes twice as long for half a percent
_KEEP_FROM = 64 * 1024  # bytes
_NAMES_ARE_UTF8 = 0x800
_DEFLATED = 8
_DAY_ONE = (1 << 5) | 1  # 1980-01-01, the first that a ZIP knows
_UNIX = 3 << 8
_MODE = 0o100644 << 16

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")


class Member(Struct, frozen=True):
    """A file, deflated."""

    size: int
    """Bytes, before it was deflated."""
    crc: int
    deflated: bytes


class Deflater:
    """Deflates files, and keeps the large ones in a directory, so that each is deflated once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deflate(self, content: bytes) -> Member:
        file = self._directory / f"{sha256(content).hexdigest()}.{_LEVEL}"
        if len(content) < _KEEP_FROM:
            deflated = _deflate(content)
        elif file.is_file():
            deflated = file.read_bytes()
            package_cache.use(file)
        else:
            deflated = _deflate(content)
            write(file, deflated)
        return Member(len(content), zlib.crc32(content), deflated)


def archive(members: Mapping[str, Member]) -> bytes:
    """The archive of some files by their names: sorted, all of one age, readable by everybody (as Lambda asks)."""
    body, directory = bytearray(), bytearray()
    for name, member in sorted(members.items()):
        encoded = name.encode()
        shared = (20, _NAMES_ARE_UTF8, _DEFLATED, 0, _DAY_ONE, member.crc, len(member.deflated), member.size)
        directory += _CENTRAL.pack(
            *(b"PK\x01\x02", _UNIX | 20, *shared, len(encoded)), *(0, 0, 0, 0), *(_MODE, len(body))
        )
        directory += encoded
        body += _LOCAL.pack(b"PK\x03\x04", *shared, len(encoded), 0) + encoded + member.deflated
    count = len(members)
    return bytes(body + directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0))


def write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f"{path.name}.{uuid4().hex}")
    work.write_bytes(content)
    work.replace(path)


def _deflate(content: bytes) -> bytes:
    deflating = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflating.compress(content) + deflating.flush()
