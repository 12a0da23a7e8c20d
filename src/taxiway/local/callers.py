"""Who may call the local HTTP servers: never a web page, and only under a host name that is the server's own."""

import re
from collections.abc import Sequence
from ipaddress import ip_address

from taxiway.local.http1 import Request

_LOOPBACK = ("127.0.0.1", "localhost")


def outsider(request: Request, port: int) -> str | None:
    """Why a server that only the backend's own processes call refuses a request; None where it answers it.

    Browsers send Origin with what may change something, and Sec-Fetch-* with all that a page asks of loopback
    (https://www.w3.org/TR/fetch-metadata/). The host name is checked against DNS rebinding.
    """
    if any(name == "origin" or name.startswith("sec-fetch-") for name, _ in request.headers):
        return "Web pages may not call this server: the request has an Origin or a Sec-Fetch header"
    if request.host not in {f"{name}:{port}" for name in _LOOPBACK}:
        return f"Unknown host {request.host!r}: this server is 127.0.0.1:{port}"
    return None


def name_of(host: str) -> str:
    """The name or address of a Host header, without its port and its brackets."""
    return re.sub(r":\d*$", "", host).strip("[]")


class OwnHosts:
    """The host names under which the API answers, so that no name of somebody else's can be pointed at it.

    They are the names of loopback, the address that it listens on (any address where that is all of them), and those
    that are `allowed`, for a proxy or a tunnel: `api.example.com`, or `.example.com` for every name under it.
    """

    def __init__(self, address: str, allowed: Sequence[str] = ()) -> None:
        self._names = {address.lower(), "localhost", *(name.lower() for name in allowed if not name.startswith("."))}
        self._suffixes = (".localhost", *(name.lower() for name in allowed if name.startswith(".")))
        self._any_address = address in ("", "0.0.0.0", "::")  # noqa: S104  it is compared, not bound

    def include(self, host: str) -> bool:
        """Whether a request's host, with or without its port, is one of them. HTTP/1.0 may leave it out."""
        name = name_of(host).lower().rstrip(".")
        if not name or name in self._names or name.endswith(self._suffixes):
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback
