"""AWS Signature Version 4 for a POST of JSON: all that the laptop needs to speak to a DynamoDB that checks it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; docs/decisions/0004 says why
no SDK stands here.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from hmac import digest

from msgspec import Struct

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(Struct, frozen=True):
    """AWS credentials. The secrets of them are in no repr."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"


def sign(
    *,
    host: str,
    headers: Mapping[str, str],
    body: bytes,
    at: datetime,
    credentials: Credentials,
    region: str,
    service: str,
) -> dict[str, str]:
    """The headers to send with `POST / HTTP/1.1`: those given and the host, date, token and signature.

    `at` is the time now, in UTC; AWS refuses a signature of more than five minutes ago.
    """
    date = at.strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signed |= {"host": host, "x-amz-date": date}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, date, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = digest(key, part.encode(), sha256)
    signature = digest(key, to_sign.encode(), sha256).hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**signed, "authorization": authorization}
