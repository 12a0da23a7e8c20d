"""Finds who signed a request: AWS Signature Version 4, verified with the credentials that the gate gave out.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import re
from calendar import timegm
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, digest
from time import strptime, time

from msgspec import Struct

from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.gate.credentials import Callers
from taxiway.local.http1 import Request
from taxiway.sdk.signing import ALGORITHM, Scope, canonical_path, canonical_query, timestamp

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^/, ]+)/(\d{{8}})/([^/, ]+)/([^/, ]+)/aws4_request, *"
    r"SignedHeaders=([^, ]+), *Signature=([0-9a-f]{64})"
)
_WINDOW = {"dynamodb": 900, "s3": 900}
"""Seconds by which a service's clock and the signature may differ; 300 for every other service.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html for S3; DynamoDB's own refusals say 15 minutes.
"""
_MAX_SCOPES = 256
"""Signing keys that are kept."""


class _Claim(Struct, frozen=True):
    """What the Authorization header says."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: str
    signature: str


class Signatures:
    """Verifies requests, and keeps the signing keys that it derives."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._scopes: dict[tuple[str, str, str], Scope] = {}

    def identify(self, request: Request) -> Call:
        """The call that a request is, with its caller. Raises RefusalError where no caller signed it as it is."""
        headers = _combined(request)
        claim = _claim_of(headers.get("authorization", ""))
        caller = self._callers.of(claim.access_key)
        token = headers.get("x-amz-security-token", "")
        if caller is None or not compare_digest(token.encode(), caller.credentials.token.encode()):
            raise RefusalError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                xml_code="InvalidAccessKeyId" if claim.service == "s3" else "InvalidClientTokenId",
                status=403,
            )
        date = headers.get("x-amz-date", "")
        _check_time(date, claim)
        key = (claim.access_key, claim.region, claim.service)
        scope = self._scopes.get(key) or Scope(claim.service, claim.region)
        credential_scope, signing_key = scope.key(caller.credentials, claim.day)
        canonical = _canonical(request, headers, claim)
        text = f"{ALGORITHM}\n{date}\n{credential_scope}\n{sha256(canonical).hexdigest()}"
        if not compare_digest(digest(signing_key, text.encode(), "sha256").hex(), claim.signature):
            raise RefusalError(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.",
                xml_code="SignatureDoesNotMatch",
                status=403,
            )
        self._keep(key, scope)
        return Call(request, caller, claim.service, claim.region)

    def _keep(self, key: tuple[str, str, str], scope: Scope) -> None:
        if key not in self._scopes:
            if len(self._scopes) >= _MAX_SCOPES:
                self._scopes.clear()
            self._scopes[key] = scope


def service_of(request: Request) -> str:
    """The service that a request says it is signed for, true or not; "" where it says none."""
    match = _AUTHORIZATION.fullmatch(request.header("authorization") or "")
    return match[4] if match else ""


def _claim_of(authorization: str) -> _Claim:
    if not authorization:
        raise RefusalError(
            "MissingAuthenticationTokenException",
            "Request must contain either a valid (registered) AWS access key ID or X.509 certificate.",
            xml_code="MissingAuthenticationToken",
            status=403,
        )
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise RefusalError(
            "IncompleteSignatureException",
            f"Authorization header must be of the form '{ALGORITHM} Credential=…, SignedHeaders=…, Signature=…'.",
            xml_code="IncompleteSignature",
        )
    return _Claim(*match.groups())


def _check_time(date: str, claim: _Claim) -> None:
    try:
        signed = _epoch(date)
    except ValueError:
        raise RefusalError(
            "IncompleteSignatureException",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            xml_code="IncompleteSignature",
        ) from None
    now, window = time(), _WINDOW.get(claim.service, 300)
    if abs(now - signed) > window:
        past, limit = ("expired", now - window) if signed < now else ("not yet current", now + window)
        relation = "earlier" if signed < now else "still later"
        raise RefusalError(
            "InvalidSignatureException",
            f"Signature {past}: {date} is now {relation} than {timestamp(limit)} "
            f"({timestamp(now)} {'-' if signed < now else '+'} {window // 60} min.)",
            xml_code="RequestTimeTooSkewed" if claim.service == "s3" else "SignatureDoesNotMatch",
            status=403,
        )
    if date[:8] != claim.day:
        raise RefusalError(
            "InvalidSignatureException",
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{claim.day}' != '{date[:8]}', from '{date}'.",
            xml_code="SignatureDoesNotMatch",
            status=403,
        )


@lru_cache(maxsize=64)
def _epoch(date: str) -> int:
    return timegm(strptime(date, "%Y%m%dT%H%M%SZ"))


def _canonical(request: Request, headers: Mapping[str, str], claim: _Claim) -> bytes:
    """The canonical request, of the headers that the signature names; what decides must be among them."""
    names = claim.signed_headers.split(";")
    unsigned = [name for name in ("host", "x-amz-date", "x-amz-target") if name in headers and name not in names]
    missing = [name for name in names if name not in headers]
    if unsigned or missing:
        raise RefusalError(
            "InvalidSignatureException",
            f"'{(unsigned or missing)[0]}' must be a 'SignedHeader' in the AWS Authorization, and be sent.",
            xml_code="SignatureDoesNotMatch",
            status=403,
        )
    path, _, query = request.target.partition("?")
    # S3 takes paths as they are, and the hash of a body that it is sent in pieces or unsigned from the header.
    payload = headers.get("x-amz-content-sha256") if claim.service == "s3" else None
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    where = path if path == "/" or claim.service == "s3" else canonical_path(path)
    return (
        f"{request.method}\n{where}\n{canonical_query(query)}\n{lines}\n{claim.signed_headers}\n"
        f"{payload or sha256(request.body).hexdigest()}"
    ).encode()


def _combined(request: Request) -> dict[str, str]:
    """The headers by name, as signatures have them: spaces collapsed, repeated ones joined."""
    combined: dict[str, str] = {}
    for name, value in request.headers:
        text = " ".join(value.split()) if " " in value else value
        combined[name] = f"{combined[name]},{text}" if name in combined else text
    return combined
