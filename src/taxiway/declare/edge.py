"""The parts in front of the API on AWS: a domain, a CDN and its firewall."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taxiway.declare import arns
from taxiway.declare._listed import listed
from taxiway.declare.errors import refuse

_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_TRUST_STORE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html
_ZONE = re.compile(r"[A-Z0-9]{1,32}")
# https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html
_RATE = range(10, 2_000_000_001)
_DEFAULT_RATE = 2000
_DEFAULT_RULES = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A custom domain, with a certificate of AWS Certificate Manager that covers it.

    The certificate of an API is in the stage's region, that of a CDN in us-east-1. With `zone`, the id of a Route 53
    hosted zone, the DNS records are created there.
    """

    name: str
    certificate: str
    zone: str | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.name):
            refuse(f"Invalid host name {self.name!r}.", fix="write it like api.example.com, in lower case")
        if self.zone is not None and not _ZONE.fullmatch(self.zone):
            refuse(
                f"Invalid id of a Route 53 hosted zone: {self.zone!r}.",
                fix="write its id, as in Z0123456789ABCDEFGHIJ, and not its name",
            )
        if not arns.CERTIFICATE.fullmatch(self.certificate):
            refuse(
                f"The certificate of {self.name} must be an ARN of AWS Certificate Manager: {self.certificate!r}.",
                fix="write it like arn:aws:acm:eu-west-1:123456789012:certificate/1234-…",
            )


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """A web ACL of AWS WAF: `rate` requests in five minutes from one address (10 or more), and AWS's managed `rules`.

    A CDN's web ACL is in us-east-1. A stack in us-east-1 creates one; a stage in another region names an existing one
    by `arn`, whose own rules apply.
    """

    rate: int = _DEFAULT_RATE
    rules: Sequence[str] = _DEFAULT_RULES
    arn: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", listed("rules", self.rules))
        if self.rate not in _RATE:
            refuse(
                f"Firewall(rate={self.rate}) is out of range.",
                fix=f"use {_RATE[0]} to {_RATE[-1]} (requests in five minutes)",
            )
        if len(set(self.rules)) < len(self.rules):
            refuse("The firewall names a rule group twice.", fix="name each of its rules once")
        if self.arn is not None and (self.rate, self.rules) != (_DEFAULT_RATE, _DEFAULT_RULES):
            refuse(
                f"The firewall {self.arn} already has a rate and rules of its own.",
                fix="leave rate and rules out, or arn",
            )
        if self.arn is not None and not arns.WEB_ACL.fullmatch(self.arn):
            refuse(
                f"Invalid web ACL {self.arn!r}: it must be the ARN of one for CloudFront.",
                fix="write it like arn:aws:wafv2:us-east-1:123456789012:global/webacl/name/1234-…",
            )


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """The certificate that a CDN presents to the API, which then refuses all other clients (mutual TLS).

    `arn` is an ACM certificate in us-east-1, for client authentication; `trust_store`, as `s3://bucket/key`, is a PEM
    file of the authorities that may have issued it. The API must have a domain.
    """

    arn: str
    trust_store: str

    def __post_init__(self) -> None:
        if not arns.CERTIFICATE.fullmatch(self.arn) or ":acm:us-east-1:" not in self.arn:
            refuse(
                f"Invalid client certificate {self.arn!r}: it must be the ARN of a certificate in us-east-1.",
                fix="write it like arn:aws:acm:us-east-1:123456789012:certificate/1234-…",
            )
        if not _TRUST_STORE.fullmatch(self.trust_store):
            refuse(
                f"Invalid trust store {self.trust_store!r}: it must be an S3 URL.",
                fix="write it like s3://bucket/authority.pem",
            )

    @property
    def trust_store_object(self) -> str:
        """`bucket/key`."""
        return self.trust_store.removeprefix("s3://")


@dataclass(frozen=True, kw_only=True)
class Cdn:
    """CloudFront in front of the API: it compresses, and caches the responses of routes that declare `cache`.

    `log_bucket` is the name of an existing bucket for its access logs. Without a `client_certificate`, clients can
    bypass the CDN and its firewall.
    """

    domain: Domain | None = None
    firewall: Firewall | None = None
    log_bucket: str | None = None
    client_certificate: ClientCertificate | None = None

    def __post_init__(self) -> None:
        if self.log_bucket is not None and not _BUCKET.fullmatch(self.log_bucket):
            refuse(f"Invalid bucket name {self.log_bucket!r}.", fix="write the name alone, as in logs-of-the-shop")
        if self.domain is not None and ":acm:us-east-1:" not in self.domain.certificate:
            refuse(
                f"The certificate of {self.domain.name} is not in us-east-1, where a CDN looks for it.",
                fix="request one in us-east-1 and name that",
            )
