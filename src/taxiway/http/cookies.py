"""Cookies: reading them from an event, and writing `Set-Cookie` values (RFC 6265)."""

import re
from collections.abc import Sequence
from typing import Literal

# https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1; `re` compiles them when the first cookie is set.
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
_ATTRIBUTE = r"[\x20-\x3a\x3c-\x7e]*"


def set_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    path: str = "/",
    domain: str | None = None,
    secure: bool = True,
    http_only: bool = True,
    same_site: Literal["Strict", "Lax", "None"] = "Lax",
) -> str:
    """A `Set-Cookie` value for `Response(cookies=[…])`, safe unless told otherwise. `max_age` is in seconds.

    Raises ValueError where a part holds what a cookie can't (spaces, `;`, `,`, `"`, non-ASCII in a value).
    """
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{name!r} is not a name for a cookie: use letters, digits, '-' and '_'")
    if not re.fullmatch(_VALUE, value):
        raise ValueError(f"the value of the cookie {name!r} holds what a cookie can't: encode it first (base64url)")
    if not re.fullmatch(_ATTRIBUTE, path) or not re.fullmatch(_ATTRIBUTE, domain or ""):
        raise ValueError(f"the path or domain of the cookie {name!r} is malformed")
    if same_site == "None" and not secure:
        raise ValueError(f"the cookie {name!r} has SameSite=None: browsers refuse it without Secure")
    parts = [f"{name}={value}", f"Path={path}"]
    if domain:
        parts.append(f"Domain={domain}")
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if secure:
        parts.append("Secure")
    if http_only:
        parts.append("HttpOnly")
    return "; ".join([*parts, f"SameSite={same_site}"])


def delete_cookie(name: str, *, path: str = "/", domain: str | None = None) -> str:
    """A `Set-Cookie` value that makes the browser forget a cookie; `path` and `domain` as it was set with."""
    return set_cookie(name, "", max_age=0, path=path, domain=domain)


def find_cookie(cookies: Sequence[str], name: str) -> str | None:
    """The value of the first cookie of that name among an event's `cookies`, each written `name=value`."""
    start = f"{name}="
    for cookie in cookies:
        if cookie.startswith(start):
            return cookie[len(start) :]
    return None
