"""Who may call the local HTTP servers: never a web page, and only under a host name that is the server's own."""

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
