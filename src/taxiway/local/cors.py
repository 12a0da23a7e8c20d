"""Cross-origin access as an HTTP API answers it, whatever the function says of it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from taxiway.local.http1 import Headers, Request
from taxiway.local.manifest import ServedCors


class CorsPolicy:
    """The CORS configuration of an API, ready to be applied to answers."""

    def __init__(self, plan: ServedCors) -> None:
        origins = [origin.lower() for origin in plan.origins]
        self._any = "*" in origins
        self._origins = frozenset(origins)
        self._prefixes = tuple(origin[:-1] for origin in origins if origin in ("http://*", "https://*"))
        self._every: Headers = []
        if plan.credentials:
            self._every.append(("access-control-allow-credentials", "true"))
        self._preflight: Headers = [
            ("access-control-allow-methods", ",".join(plan.methods)),
            ("access-control-allow-headers", ",".join(plan.headers)),
        ]
        if plan.max_age is not None:
            self._preflight.append(("access-control-max-age", str(plan.max_age)))
        self._actual: Headers = []
        if plan.expose:
            self._actual.append(("access-control-expose-headers", ",".join(plan.expose)))

    def apply(self, headers: Headers, request: Request) -> Headers:
        """The headers of the answer to a request, with the API's CORS headers in the place of any of the function's.

        A request with no Origin, an OPTIONS request with no Access-Control-Request-Method, and an origin that isn't
        allowed get no CORS headers at all.
        """
        kept = [header for header in headers if not header[0].startswith("access-control-")]
        if not self._any:
            kept = _vary_by_origin(kept)
        origin = request.header("origin")
        allowed = origin and self._allows(origin)
        if not allowed:
            return kept
        own = self._actual
        if request.method == "OPTIONS":
            if request.header("access-control-request-method") is None:
                return kept
            own = self._preflight
        return [*kept, ("access-control-allow-origin", allowed), *self._every, *own]

    def _allows(self, origin: str) -> str | None:
        """What Access-Control-Allow-Origin says to a request from `origin`; None where it isn't allowed."""
        if self._any:
            return "*"
        lower = origin.lower()
        return origin if lower in self._origins or lower.startswith(self._prefixes) else None


def _vary_by_origin(headers: Headers) -> Headers:
    values = [value for name, value in headers if name == "vary"]
    return [*(header for header in headers if header[0] != "vary"), ("vary", ",".join([*values, "origin"]))]
