"""What stands before the API on AWS: a domain of one's own, CloudFront, and its firewall."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from taxiway.aws.template.api import Api
from taxiway.aws.template.nag_suppressions import acknowledge
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


def add_domain(
    stack: Stack, domain: Domain, asks_for: ClientCertificate | None, api: Api
) -> tuple[str, gateway.CfnDomainName]:
    """The API's own domain, TLS 1.2 and up, which answers nobody without the certificate; returns its URL too."""
    name = gateway.CfnDomainName(
        stack,
        "Domain",
        domain_name=domain.name,
        domain_name_configurations=[
            gateway.CfnDomainName.DomainNameConfigurationProperty(
                certificate_arn=domain.certificate, endpoint_type="REGIONAL", security_policy="TLS_1_2"
            )
        ],
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
        mutual_tls_authentication=asks_for
        and gateway.CfnDomainName.MutualTlsAuthenticationProperty(truststore_uri=asks_for.trust_store),
    )
    gateway.CfnApiMapping(stack, "Mapping", api_id=api.id, domain_name=name.ref, stage=api.stage_name)
    if domain.zone is not None:
        _add_records(stack, domain, domain.zone, name.attr_regional_domain_name, name.attr_regional_hosted_zone_id)
    return f"https://{domain.name}", name


_KEPT_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"""


def add_cdn(
    stack: Stack, backend: Backend, stage: BackendStage, cdn: Cdn, api: Api, domain: gateway.CfnDomainName | None
) -> tuple[str, str]:
    """CloudFront before the API; returns its URL and its id.

    What is kept, and for how long, the API says by `cache-control`, which is there on routes that declare `cache` and
    wherever a handler sets it: with no such header nothing is kept, errors included, which CloudFront would keep for
    ten seconds. Requests at one moment are made one wherever their cache keys are alike, even where nothing is kept
    (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html), so
    who asks is in the key: the Authorization header and every cookie.
    """
    name = names.stack(backend, stage)
    policy = cloudfront.CfnCachePolicy(
        stack,
        "CachePolicy",
        cache_policy_config=cloudfront.CfnCachePolicy.CachePolicyConfigProperty(
            name=names.in_account(backend, stage, "by-cache-control"),
            min_ttl=0,
            default_ttl=0,
            max_ttl=_A_YEAR,
            parameters_in_cache_key_and_forwarded_to_origin=_CacheKey(
                enable_accept_encoding_brotli=True,
                enable_accept_encoding_gzip=True,
                cookies_config=cloudfront.CfnCachePolicy.CookiesConfigProperty(cookie_behavior="all"),
                # The gateway's CORS headers differ by origin; an answer kept for one is of no use to another.
                headers_config=cloudfront.CfnCachePolicy.HeadersConfigProperty(
                    header_behavior="whitelist", headers=["Accept", "Authorization", "Origin"]
                ),
                query_strings_config=cloudfront.CfnCachePolicy.QueryStringsConfigProperty(query_string_behavior="all"),
            ),
        ),
    )
    distribution = cloudfront.CfnDistribution(
        stack,
        "Cdn",
        distribution_config=cloudfront.CfnDistribution.DistributionConfigProperty(
            enabled=True,
            comment=name,
            http_version="http2and3",
            ipv6_enabled=True,
            aliases=[cdn.domain.name] if cdn.domain else None,
            viewer_certificate=cdn.domain
            and cloudfront.CfnDistribution.ViewerCertificateProperty(
                acm_certificate_arn=cdn.domain.certificate,
                minimum_protocol_version="TLSv1.2_2021",
                ssl_support_method="sni-only",
            ),
            web_acl_id=_web_acl(stack, cdn.firewall, name, stage) if cdn.firewall else None,
            logging=cloudfront.CfnDistribution.LoggingProperty(
                bucket=f"{cdn.log_bucket}.s3.amazonaws.com", prefix=f"{name}/"
            )
            if cdn.log_bucket
            else None,
            origins=[
                cloudfront.CfnDistribution.OriginProperty(
                    id="api",
                    domain_name=api.host if api.declared.has_default_endpoint or not domain else domain.domain_name,
                    custom_origin_config=cloudfront.CfnDistribution.CustomOriginConfigProperty(
                        origin_protocol_policy="https-only",
                        origin_ssl_protocols=["TLSv1.2"],
                        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-mtls-authentication.html
                        origin_mtls_config=cdn.client_certificate
                        and cloudfront.CfnDistribution.OriginMtlsConfigProperty(
                            client_certificate_arn=cdn.client_certificate.arn
                        ),
                    ),
                )
            ],
            custom_error_responses=[
                cloudfront.CfnDistribution.CustomErrorResponseProperty(error_code=code, error_caching_min_ttl=0)
                for code in _KEPT_ERRORS
            ],
            default_cache_behavior=cloudfront.CfnDistribution.DefaultCacheBehaviorProperty(
                target_origin_id="api",
                viewer_protocol_policy="redirect-to-https",
                allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                compress=True,
                cache_policy_id=policy.ref,
                origin_request_policy_id=_ALL_VIEWER_EXCEPT_HOST_HEADER,
            ),
        ),
    )
    if domain is not None and not api.declared.has_default_endpoint:
        _put_in_order(distribution, domain, api)
    CfnOutput(stack, "DistributionId", value=distribution.ref, description="What each release invalidates")
    acknowledge(distribution, "An API is for every country unless someone says otherwise.", "AwsSolutions-CFR1")
    if cdn.firewall is None:
        acknowledge(distribution, "The declaration puts no firewall before the CDN.", "AwsSolutions-CFR2")
    if cdn.log_bucket is None:
        acknowledge(distribution, "The API logs each request that reaches it.", "AwsSolutions-CFR3")
    if cdn.domain is None:
        acknowledge(distribution, "CloudFront's own domain lets its TLS version be.", "AwsSolutions-CFR4")
        return f"https://{distribution.attr_domain_name}", distribution.ref
    if cdn.domain.zone is not None:
        _add_records(stack, cdn.domain, cdn.domain.zone, distribution.attr_domain_name, _CLOUDFRONT_ZONE)
    return f"https://{cdn.domain.name}", distribution.ref


def _put_in_order(cdn: cloudfront.CfnDistribution, domain: gateway.CfnDomainName, api: Api) -> None:
    """Nothing of the API turns away what the CDN still does: CloudFormation waits until a distribution is deployed.

    So the API's own address ends once the CDN has left it, and the domain asks for a certificate once the CDN shows
    it, and no longer asks before the CDN stops (docs/decisions/0016).
    """
    api.wait_for(cdn)
    if domain.mutual_tls_authentication is None:
        cdn.add_resource_dependency(domain)
    else:
        domain.add_resource_dependency(cdn)


_CacheKey = cloudfront.CfnCachePolicy.ParametersInCacheKeyAndForwardedToOriginProperty


def _add_records(stack: Stack, domain: Domain, zone: str, target: str, target_zone: str) -> None:
    """Called by the name: one that goes over from the API to the CDN is changed, and not made while it is there."""
    own = Construct(stack, f"Records {domain.name}")
    for kind in ("A", "AAAA"):
        route53.CfnRecordSet(
            own,
            kind,
            hosted_zone_id=zone,
            name=domain.name,
            type=kind,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(dns_name=target, hosted_zone_id=target_zone),
        )


def _web_acl(stack: Stack, firewall: Firewall, name: str, stage: BackendStage) -> str:
    """https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""
    if firewall.arn is not None:
        return firewall.arn
    if stage.region != _WAF_REGION:
        raise DeclarationError(
            f"A CDN's firewall lives in {_WAF_REGION}, and the stage {stage.name} is in {stage.region}.",
            fix=f"make a web ACL of scope CLOUDFRONT in {_WAF_REGION} once, and name it: Firewall(arn=…)",
            where=stage.source,
        )
    rules = [
        waf.CfnWebACL.RuleProperty(
            name="rate",
            priority=0,
            action=waf.CfnWebACL.RuleActionProperty(block={}),
            statement=waf.CfnWebACL.StatementProperty(
                rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                    limit=firewall.rate, aggregate_key_type="IP", evaluation_window_sec=300
                )
            ),
            visibility_config=_visible("rate"),
        ),
        *(
            waf.CfnWebACL.RuleProperty(
                name=rules,
                priority=number,
                override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
                statement=waf.CfnWebACL.StatementProperty(
                    managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                        vendor_name="AWS",
                        name=rules,
                        rule_action_overrides=[
                            waf.CfnWebACL.RuleActionOverrideProperty(
                                name=rule, action_to_use=waf.CfnWebACL.RuleActionProperty(count={})
                            )
                            for rule in _ONLY_COUNTED.get(rules, ())
                        ]
                        or None,
                    )
                ),
                visibility_config=_visible(rules),
            )
            for number, rules in enumerate(firewall.rules, 1)
        ),
    ]
    return waf.CfnWebACL(
        stack,
        "Firewall",
        name=name,
        scope="CLOUDFRONT",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        rules=rules,
        visibility_config=_visible(name),
    ).attr_arn


def _visible(metric: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
