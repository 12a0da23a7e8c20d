"""What stands between the internet and the API on AWS: a domain, a CDN and its firewall."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+")
_WEB_ACL = re.compile(r"arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global/webacl/.+")


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A host name of one's own, with a certificate of AWS Certificate Manager that covers it.

    For the API the certificate is one of the stage's region, for a CDN one of us-east-1. Where `zone`, the id of a
    hosted zone of Route 53, is given, the records are made there too.
    """

    name: str
    certificate: str
    zone: str | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.name):
            raise DeclarationError(
                f"{self.name!r} is no host name.", fix="write it like api.example.com, in lower case", where=caller()
            )
        if not _CERTIFICATE.fullmatch(self.certificate):
            raise DeclarationError(
                f"The certificate of {self.name} is no ARN of AWS Certificate Manager: {self.certificate!r}.",
                fix="write it like arn:aws:acm:eu-west-1:123456789012:certificate/1234-…",
                where=caller(),
            )


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """A web ACL of AWS WAF: `rate` requests in five minutes from one address (10 or more), and AWS's managed `rules`.

    A CDN's web ACL lives in us-east-1. The stack makes one where it is there itself; a stage elsewhere names one that
    exists, by `arn`, and that one's own rules hold.
    """

    rate: int = 2000
    rules: Sequence[str] = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")
    arn: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        if self.rate < 10:
            raise DeclarationError(
                f"Firewall(rate={self.rate}) is under what AWS WAF takes.",
                fix="use 10 or more (requests in five minutes)",
                where=caller(),
            )
        if self.arn is not None and not _WEB_ACL.fullmatch(self.arn):
            raise DeclarationError(
                f"{self.arn!r} is no web ACL of a CDN.",
                fix="write it like arn:aws:wafv2:us-east-1:123456789012:global/webacl/name/1234-…",
                where=caller(),
            )


@dataclass(frozen=True, kw_only=True)
class Cdn:
    """CloudFront in front of the API: it compresses, and keeps the answers of routes that declare `cache`.

    `log_bucket` is the name of an existing bucket for its access logs.
    """

    domain: Domain | None = None
    firewall: Firewall | None = None
    log_bucket: str | None = None

    def __post_init__(self) -> None:
        if self.domain is not None and ":acm:us-east-1:" not in self.domain.certificate:
            raise DeclarationError(
                f"The certificate of {self.domain.name} is not one of us-east-1, where a CDN looks for it.",
                fix="request one in us-east-1 and name that",
                where=caller(),
            )
