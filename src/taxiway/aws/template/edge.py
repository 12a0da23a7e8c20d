"""What stands before the API on AWS: a domain of one's own, CloudFront, and its firewall."""

from typing import Any

from taxiway.aws.template.api import Api
from taxiway.aws.template.cloudformation_types import apigatewayv2, cloudfront, route53, wafv2
from taxiway.aws.template.stack_template import Resource, Scope, Value, joined, wait_for
from taxiway.declare import Backend, Cdn, ClientCertificate, DeclarationError, Domain, Firewall, names
from taxiway.declare import Stage as BackendStage

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
_ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
_CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
# It refuses every body of more than 8 KB, and a function takes up to 6 MB:
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
_ONLY_COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
_WAF_REGION = "us-east-1"
_A_YEAR = 31_536_000


_KEPT_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"""


def add_domain(scope: Scope, domain: Domain, asks_for: ClientCertificate | None, api: Api) -> Resource:
    """The API's own domain, TLS 1.2 and up, which answers nobody without the certificate."""
    name = scope.add(
        apigatewayv2.DomainName,
        "Domain",
        DomainName=domain.name,
        DomainNameConfigurations=[
            {
                "CertificateArn": domain.certificate,
                "EndpointType": "REGIONAL",
                "IpAddressType": "dualstack",  # as its AAAA record says
                "SecurityPolicy": "TLS_1_2",
            }
        ],
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
        MutualTlsAuthentication={"TruststoreUri": asks_for.trust_store} if asks_for else None,
    )
    scope.add(apigatewayv2.ApiMapping, "Mapping", ApiId=api.id, DomainName=name.ref(), Stage=api.stage_name)
    if domain.zone is not None:
        target = name.get_att("RegionalDomainName"), name.get_att("RegionalHostedZoneId")
        _add_records(scope, domain, domain.zone, *target)
    return name


def add_cdn(
    scope: Scope, backend: Backend, stage: BackendStage, cdn: Cdn, api: Api, domain: Resource | None
) -> tuple[Value, Value]:
    """CloudFront before the API; returns its URL and its id.

    What is kept, and for how long, the API says by `cache-control`, which is there on routes that declare `cache` and
    wherever a handler sets it: with no such header nothing is kept, errors included, which CloudFront would keep for
    ten seconds. Requests at one moment are made one wherever their cache keys are alike, even where nothing is kept
    (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html), so
    who asks is in the key: the Authorization header and every cookie.
    """
    name = names.stack(backend, stage)
    distribution = scope.add(
        cloudfront.Distribution,
        "Cdn",
        DistributionConfig={
            "Enabled": True,
            "Comment": name,
            "HttpVersion": "http2and3",
            "IPV6Enabled": True,
            "Aliases": [cdn.domain.name] if cdn.domain else None,
            "ViewerCertificate": _viewer_certificate(cdn.domain) if cdn.domain else None,
            "WebACLId": _web_acl(scope, cdn.firewall, name, stage) if cdn.firewall else None,
            "Logging": {"Bucket": f"{cdn.log_bucket}.s3.amazonaws.com", "Prefix": f"{name}/"}
            if cdn.log_bucket
            else None,
            "Origins": [_origin(cdn, api)],
            "CustomErrorResponses": [{"ErrorCode": code, "ErrorCachingMinTTL": 0} for code in _KEPT_ERRORS],
            "DefaultCacheBehavior": {
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "redirect-to-https",
                "AllowedMethods": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                "Compress": True,
                "CachePolicyId": _cache_policy(scope, backend, stage).ref(),
                "OriginRequestPolicyId": _ALL_VIEWER_EXCEPT_HOST_HEADER,
            },
        },
    )
    if domain is not None and not api.declared.has_default_endpoint:
        _put_in_order(distribution, domain, api)
    scope.stack.output("DistributionId", distribution.ref(), "What each release invalidates")
    own_name = distribution.get_att("DomainName")
    if cdn.domain is None:
        return joined("https://", own_name), distribution.ref()
    if cdn.domain.zone is not None:
        _add_records(scope, cdn.domain, cdn.domain.zone, own_name, _CLOUDFRONT_ZONE)
    return f"https://{cdn.domain.name}", distribution.ref()


def _cache_policy(scope: Scope, backend: Backend, stage: BackendStage) -> Resource:
    return scope.add(
        cloudfront.CachePolicy,
        "CachePolicy",
        CachePolicyConfig={
            "Name": names.in_account(backend, stage, "by-cache-control"),
            "MinTTL": 0,
            "DefaultTTL": 0,
            "MaxTTL": _A_YEAR,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingBrotli": True,
                "EnableAcceptEncodingGzip": True,
                "CookiesConfig": {"CookieBehavior": "all"},
                # The gateway's CORS headers differ by origin; an answer kept for one is of no use to another.
                "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": ["Accept", "Authorization", "Origin"]},
                "QueryStringsConfig": {"QueryStringBehavior": "all"},
            },
        },
    )


def _viewer_certificate(domain: Domain) -> dict[str, str]:
    return {
        "AcmCertificateArn": domain.certificate,
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    }


def _origin(cdn: Cdn, api: Api) -> dict[str, Any]:
    shown, domain = cdn.client_certificate, api.declared.domain
    return {
        "Id": "api",
        "DomainName": api.host if api.declared.has_default_endpoint or domain is None else domain.name,
        "CustomOriginConfig": {
            "OriginProtocolPolicy": "https-only",
            "OriginSSLProtocols": ["TLSv1.2"],
            # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-mtls-authentication.html
            "OriginMtlsConfig": {"ClientCertificateArn": shown.arn} if shown else None,
        },
    }


def _put_in_order(cdn: Resource, domain: Resource, api: Api) -> None:
    """Nothing of the API turns away what the CDN still does: CloudFormation waits until a distribution is deployed.

    So the API's own address ends once the CDN has left it, and the domain asks for a certificate once the CDN shows
    it, and no longer asks before the CDN stops (docs/decisions/0016).
    """
    api.wait_for(cdn)
    if "MutualTlsAuthentication" in domain.properties:
        wait_for(domain, cdn)
    else:
        wait_for(cdn, domain)


def _add_records(scope: Scope, domain: Domain, zone: str, target: Value, target_zone: Value) -> None:
    """Called by the name: one that goes over from the API to the CDN is changed, and not made while it is there."""
    own = scope.within(f"Records {domain.name}")
    for kind in ("A", "AAAA"):
        own.add(
            route53.RecordSetType,
            kind,
            HostedZoneId=zone,
            Name=domain.name,
            Type=kind,
            AliasTarget={"DNSName": target, "HostedZoneId": target_zone},
        )


def _web_acl(scope: Scope, firewall: Firewall, name: str, stage: BackendStage) -> Value:
    """https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""
    if firewall.arn is not None:
        return firewall.arn
    if stage.region != _WAF_REGION:
        raise DeclarationError(
            f"A CDN's firewall lives in {_WAF_REGION}, and the stage {stage.name} is in {stage.region}.",
            fix=f"make a web ACL of scope CLOUDFRONT in {_WAF_REGION} once, and name it: Firewall(arn=…)",
            where=stage.source,
        )
    limit = wafv2.RateBasedStatement(Limit=firewall.rate, AggregateKeyType="IP", EvaluationWindowSec=300)
    by_rate: dict[str, Any] = {
        "Name": "rate",
        "Priority": 0,
        "Action": {"Block": {}},
        "Statement": wafv2.Statement(RateBasedStatement=limit),
        "VisibilityConfig": _visible("rate"),
    }
    return scope.add(
        wafv2.WebACL,
        "Firewall",
        Name=name,
        Scope="CLOUDFRONT",
        DefaultAction={"Allow": {}},
        Rules=[by_rate, *(_managed(rules, number) for number, rules in enumerate(firewall.rules, 1))],
        VisibilityConfig=_visible(name),
    ).get_att("Arn")


def _managed(rules: str, priority: int) -> dict[str, Any]:
    """A group of AWS's own rules."""
    count = wafv2.RuleAction(Count=wafv2.CountAction())
    counted = [wafv2.RuleActionOverride(Name=rule, ActionToUse=count) for rule in _ONLY_COUNTED.get(rules, ())]
    group = wafv2.ManagedRuleGroupStatement(VendorName="AWS", Name=rules)
    if counted:
        group.RuleActionOverrides = counted
    return {
        "Name": rules,
        "Priority": priority,
        "OverrideAction": {"None": {}},
        "Statement": wafv2.Statement(ManagedRuleGroupStatement=group),
        "VisibilityConfig": _visible(rules),
    }


def _visible(metric: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "MetricName": metric, "SampledRequestsEnabled": True}
