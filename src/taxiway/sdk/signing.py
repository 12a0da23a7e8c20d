"""Signs requests with AWS Signature Version 4: headers, presigned URLs, and the one request that most calls are.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. AWS refuses a signature that
is more than five minutes away from its own clock.
"""

import time
from collections.abc import Iterable
from hashlib import sha256
from hmac import digest

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_UNSIGNED_HEADERS = frozenset(
    {
        *("authorization", "baggage", "connection", "expect", "keep-alive", "proxy-authenticate"),
        *("proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "x-amzn-trace-id"),
    }
)
"""What proxies change on the way, and AWS's own SDKs don't sign either."""
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_UNRESERVED_IN_PATHS = _UNRESERVED | frozenset(b"/")


class Credentials(Struct, frozen=True):
    """An access key, its secret, and the session token that temporary ones have. The secrets are in no repr."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


class Scope:
    """Signs for one service in one region, and keeps the key that it derives, which is good for a day."""

    def __init__(self, service: str, region: str) -> None:
        self.service = service
        self.region = region
        self._derived: tuple[Credentials | None, str, str, bytes] = (None, "", "", b"")

    def key(self, credentials: Credentials, day: str) -> tuple[str, bytes]:
        """The credential scope of a day (`20261128`), and the signing key for it."""
        known, known_day, scope, key = self._derived  # one read: another thread may replace it
        if known is not credentials or known_day != day:
            scope = f"{day}/{self.region}/{self.service}/aws4_request"
            key = f"AWS4{credentials.secret_key}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = digest(key, part.encode(), "sha256")
            self._derived = credentials, day, scope, key
        return scope, key

    def sign(
        self,
        method: str,
        host: str,
        path: str,
        *,
        credentials: Credentials,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        at: float | None = None,
    ) -> dict[str, str]:
        """The headers to add to a request: `host`, `x-amz-date`, `x-amz-security-token` and `authorization`.

        `path` and `query` are as they are sent, percent-encoded. `headers` may repeat a name; an
        `x-amz-content-sha256` among them stands for the body's hash. `at` is in epoch seconds.
        """
        now = timestamp(at)
        added = {"host": host, "x-amz-date": now}
        if credentials.token:
            added["x-amz-security-token"] = credentials.token
        names, lines, hashed = _canonical_headers([*headers, *added.items()])
        payload = hashed or sha256(body).hexdigest()
        canonical = f"{method.upper()}\n{canonical_path(path)}\n{canonical_query(query)}\n{lines}\n{names}\n{payload}"
        scope, signature = self._signature(credentials, now, canonical)
        added["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return added

    def presign(
        self,
        method: str,
        host: str,
        path: str,
        *,
        credentials: Credentials,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        expires: int = 3600,
        at: float | None = None,
        unsigned_payload: bool = False,
    ) -> str:
        """The query of a URL that needs no header: `https://{host}{path}?{query}`, good for `expires` seconds.

        `headers` are those that the caller will send and that the signature is to hold. `query` is what the request
        has of its own. `unsigned_payload` is for S3, which signs no body here, and takes a path as it is.
        """
        now = timestamp(at)
        names, lines, _ = _canonical_headers([*headers, ("host", host)])
        scope, _ = self.key(credentials, now[:8])
        parameters = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": now,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": names,
        }
        if credentials.token:
            parameters["X-Amz-Security-Token"] = credentials.token
        signed = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
        whole = f"{query}&{signed}" if query else signed
        payload = UNSIGNED_PAYLOAD if unsigned_payload else sha256(b"").hexdigest()
        where = path if unsigned_payload else canonical_path(path)
        canonical = f"{method.upper()}\n{where}\n{canonical_query(whole)}\n{lines}\n{names}\n{payload}"
        _, signature = self._signature(credentials, now, canonical)
        return f"{whole}&X-Amz-Signature={signature}"

    def _signature(self, credentials: Credentials, now: str, canonical: str) -> tuple[str, str]:
        scope, key = self.key(credentials, now[:8])
        text = f"{ALGORITHM}\n{now}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        return scope, digest(key, text.encode(), "sha256").hex()


class PostSigner:
    """Writes the signed head of `POST /` with an `x-amz-target`: what every call of AWS's JSON protocols is.

    It is `Scope.sign` and the request's head in one, for the path of every call.
    """

    def __init__(self, scope: Scope, host: str, content_type: str, target_prefix: str) -> None:
        self._scope = scope
        self._host = host
        self._fixed = f"content-type:{content_type}\nhost:{host}\nx-amz-date:"
        self._sent = f"POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\nx-amz-date: "
        self._prefix = target_prefix
        self._second: tuple[int, str] = (-1, "")

    def head(self, operation: str, body: bytes, credentials: Credentials, at: float) -> bytes:
        """The request's head, to send before `body`. `at` is in epoch seconds."""
        second, now = self._second  # one read: another thread may replace it
        if second != int(at):
            now = timestamp(at)
            self._second = int(at), now
        scope, key = self._scope.key(credentials, now[:8])
        target = f"{self._prefix}.{operation}"
        if credentials.token:
            names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
            token = f"x-amz-security-token:{credentials.token}\n"
            sent = f"x-amz-security-token: {credentials.token}\r\n"
        else:
            names, token, sent = "content-type;host;x-amz-date;x-amz-target", "", ""
        canonical = (
            f"POST\n/\n\n{self._fixed}{now}\n{token}x-amz-target:{target}\n\n{names}\n{sha256(body).hexdigest()}"
        )
        text = f"{ALGORITHM}\n{now}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = digest(key, text.encode(), "sha256").hex()
        return (
            f"{self._sent}{now}\r\n{sent}x-amz-target: {target}\r\nauthorization: {ALGORITHM} "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode("latin-1")


def timestamp(at: float | None) -> str:
    """Epoch seconds as signatures have them, `20261128T094106Z`; None is now."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def quote(text: str, unreserved: frozenset[int] = _UNRESERVED) -> str:
    """Percent-encode what RFC 3986 does not call unreserved."""
    return "".join(chr(byte) if byte in unreserved else f"%{byte:02X}" for byte in text.encode())


def canonical_path(path: str) -> str:
    """A path without `.`, `..` and empty segments, encoded once more: what every service but S3 signs."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment and segment != ".":
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    start = "/" if path.startswith("/") or not path else ""
    return quote(f"{start}{'/'.join(kept)}{end}", _UNRESERVED_IN_PATHS)


def canonical_query(query: str) -> str:
    """A query that is percent-encoded already, its parameters in order of name and value."""
    if not query:
        return ""
    pairs = sorted((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")))
    return "&".join(f"{name}={value}" for name, value in pairs)


def _canonical_headers(headers: Iterable[tuple[str, str]]) -> tuple[str, str, str]:
    """The names that are signed, the canonical lines, and the hash that an `x-amz-content-sha256` declares."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered not in _UNSIGNED_HEADERS:
            values.setdefault(lowered, []).append(" ".join(value.split()))
    names = sorted(values)
    lines = "".join(f"{name}:{','.join(values[name])}\n" for name in names)
    return ";".join(names), lines, "".join(values.get("x-amz-content-sha256", ())[:1])
