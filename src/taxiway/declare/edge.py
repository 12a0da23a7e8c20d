"""What stands between the internet and the API on AWS: a domain, a CDN and its firewall."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taxiway.declare._listed import listed
from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+")
_TRUST_STORE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html
_ZONE = re.compile(r"[A-Z0-9]{1,32}")
# https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
_RATE = range(10, 2_000_000_001)
_DEFAULT_RATE = 2000
_DEFAULT_RULES = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")
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
        if self.zone is not None and not _ZONE.fullmatch(self.zone):
            raise DeclarationError(
                f"{self.zone!r} is no hosted zone of Route 53.",
                fix="write its id, as in Z0123456789ABCDEFGHIJ, and not its name",
                where=caller(),
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

    rate: int = _DEFAULT_RATE
    rules: Sequence[str] = _DEFAULT_RULES
    arn: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", listed("rules", self.rules))
        if self.rate not in _RATE:
            raise DeclarationError(
                f"Firewall(rate={self.rate}) is out of range.",
                fix=f"use {_RATE[0]} to {_RATE[-1]} (requests in five minutes)",
                where=caller(),
            )
        if len(set(self.rules)) < len(self.rules):
            raise DeclarationError(
                "The firewall has a group of rules twice.", fix="name each of its rules once", where=caller()
            )
        if self.arn is not None and (self.rate, self.rules) != (_DEFAULT_RATE, _DEFAULT_RULES):
            raise DeclarationError(
                f"The firewall {self.arn} exists, with a rate and rules of its own.",
                fix="leave rate and rules out, or arn",
                where=caller(),
            )
        if self.arn is not None and not _WEB_ACL.fullmatch(self.arn):
            raise DeclarationError(
                f"{self.arn!r} is no web ACL of a CDN.",
                fix="write it like arn:aws:wafv2:us-east-1:123456789012:global/webacl/name/1234-…",
                where=caller(),
            )


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """What a CDN shows to the API, which then answers nobody else (mutual TLS): so nobody goes past the CDN.

    `arn` is a certificate of ACM in us-east-1, for client authentication; `trust_store`, as `s3://bucket/key`, a PEM
    file of those who may have issued it. It needs a domain of the API's own.
    """

    arn: str
    trust_store: str

    def __post_init__(self) -> None:
        if not _CERTIFICATE.fullmatch(self.arn) or ":acm:us-east-1:" not in self.arn:
            raise DeclarationError(
                f"{self.arn!r} is no certificate of us-east-1, where a CDN looks for it.",
                fix="write it like arn:aws:acm:us-east-1:123456789012:certificate/1234-…",
                where=caller(),
            )
        if not _TRUST_STORE.fullmatch(self.trust_store):
            raise DeclarationError(
                f"{self.trust_store!r} is no trust store.",
                fix="write it like s3://bucket/authority.pem",
                where=caller(),
            )

    @property
    def trust_store_object(self) -> str:
        """`bucket/key`."""
        return self.trust_store.removeprefix("s3://")


@dataclass(frozen=True, kw_only=True)
class Cdn:
    """CloudFront in front of the API: it compresses, and keeps the answers of routes that declare `cache`.

    `log_bucket` is the name of an existing bucket for its access logs. Without a `client_certificate` the API answers
    those too who come past the CDN and its firewall.
    """

    domain: Domain | None = None
    firewall: Firewall | None = None
    log_bucket: str | None = None
    client_certificate: ClientCertificate | None = None

    def __post_init__(self) -> None:
        if self.log_bucket is not None and not _BUCKET.fullmatch(self.log_bucket):
            raise DeclarationError(
                f"{self.log_bucket!r} is no name of a bucket.",
                fix="write the name alone, as in logs-of-the-shop",
                where=caller(),
            )
        if self.domain is not None and ":acm:us-east-1:" not in self.domain.certificate:
            raise DeclarationError(
                f"The certificate of {self.domain.name} is not one of us-east-1, where a CDN looks for it.",
                fix="request one in us-east-1 and name that",
                where=caller(),
            )
