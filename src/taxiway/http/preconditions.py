"""Entity tags and preconditions: the ETag of a versioned entity, If-None-Match on reads, If-Match on writes.

A tag is strong, so what gzip makes of a representation needs another one than the representation itself
(https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3): version 3 is `"3"`, and `"3-gzip"` where it was compressed.
If-Match takes either for version 3; a weak tag in its place would never match, and half the clients couldn't write.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from taxiway.http.context import Json, method, strings
from taxiway.http.parameters import Parameter
from taxiway.http.problems import FieldError, PreconditionRequired

NO_VERSION = -1
"""The value of an If-Match without the tag of any version: no item has this version, so the write fails with 412."""

# https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS = rf"[\s,]*{_TAG}(?:\s*,[\s,]*{_TAG})*[\s,]*"
_VERSION = r"(0|[1-9][0-9]{0,17})(?:-gzip)?"


def etag(version: int) -> str:
    """The strong entity tag of a version, for a `Response` whose body isn't the entity itself."""
    return f'"{version}"'


@lru_cache(maxsize=256)
def version_field(kind: type[Any]) -> str | None:
    """The field that holds the version, in an entity of `taxiway.data` that has one."""
    roles: dict[str, str] = getattr(kind, "__roles__", {})
    return roles.get("version")


def add_etag(headers: dict[str, str], version: int, event: Json) -> None:
    """Add the tag of a version, where the handler has set none; what is not stored has version 0 and no tag.

    Not to the answer of a PUT, whose tag would say that what was sent is stored as it was sent: the client would keep
    that, and lack what was added to it. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.4
    """
    if version and "etag" not in headers and method(event) != "PUT":
        headers["etag"] = etag(version)


def compressed(tag: str) -> str:
    """The tag of the same representation under gzip; a weak one stands for both."""
    return f'{tag[:-1]}-gzip"' if tag.startswith('"') else tag


def is_current(tag: str, event: Json) -> bool:
    """Whether the client already has the representation of this tag, so that the response is 304.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2: the comparison is weak. A write that takes If-Match
    refuses the header.
    """
    held = strings(event, "headers").get("if-none-match")
    if not held or method(event) not in ("GET", "HEAD"):
        return False
    opaque = tag.removeprefix("W/")[1:-1]
    return held.strip() == "*" or opaque in (name for _, name in re.findall(_TAG, held))


def if_match_reader(parameter: Parameter) -> Callable[[Json, Any, list[FieldError]], int | None]:
    """How to read the version that a write expects; reading raises PreconditionRequired if it is required and missing.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1: the comparison is strong; `*` is any version, so None.
    """

    def read(event: Json, _context: Any, errors: list[FieldError]) -> int | None:
        if "if-none-match" in strings(event, "headers"):
            # Ignored, it would replace what it is there to keep: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
            detail = "If-None-Match is not supported on writes; use POST to create"
            errors.append(FieldError(name="if-none-match", detail=detail, in_="header"))
        text = strings(event, "headers").get("if-match")
        if text is None:
            if parameter.required:
                raise PreconditionRequired("Send If-Match with the ETag of the version that you have read.")
            return parameter.default
        if text.strip() == "*":
            if method(event) == "PUT":  # where there may be nothing, and `*` asks that there is something
                errors.append(_error("Expected an entity tag, because a PUT could create the resource"))
            return None
        strong = [name for weak, name in re.findall(_TAG, text) if not weak]
        versions = {int(found[1]) for name in strong if (found := re.fullmatch(_VERSION, name))}
        if not re.fullmatch(_TAGS, text):
            errors.append(_error('Expected an entity tag, as in "3"'))
        elif len(versions) > 1:
            errors.append(_error("Expected the tag of one version, got several"))
        return versions.pop() if versions else NO_VERSION

    return read


def _error(detail: str) -> FieldError:
    return FieldError(name="if-match", detail=detail, in_="header")
