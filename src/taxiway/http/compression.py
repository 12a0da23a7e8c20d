"""gzip for response bodies, which an HTTP API never compresses itself."""

import re
from functools import lru_cache

MINIMUM = 1024
"""Bytes; a smaller body costs more to compress than it saves."""

_COMPRESSIBLE = (
    r"text/.+|application/(?:[^;]*[+])?(?:json|xml|yaml)|application/(?:javascript|x-ndjson|wasm)|image/svg[+]xml"
)


def gzip(body: bytes) -> bytes:
    import zlib

    compressor = zlib.compressobj(level=6, wbits=31)  # 31: a window of 32 KiB and the gzip header
    return compressor.compress(body) + compressor.flush()


@lru_cache(maxsize=64)
def is_compressible(content_type: str) -> bool:
    """Whether bodies of this type shrink: text, not images or archives."""
    return re.fullmatch(_COMPRESSIBLE, content_type.partition(";")[0].strip().lower()) is not None


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip, and no less gladly than no coding at all.

    https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights[coding] = next((_weight(p) for p in parameters if p.startswith("q=")), 1.0)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameter: str) -> float:
    try:
        return float(parameter[2:])
    except ValueError:
        return 0.0
