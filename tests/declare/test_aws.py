"""What is declared for AWS: safe by the stage unless it says otherwise, and refused where AWS would refuse it."""

from collections.abc import Callable
from typing import Any

import pytest

from taxiway import (
    Alarms,
    Backend,
    Capacity,
    Cdn,
    ClientCertificate,
    DeclarationError,
    Domain,
    Firewall,
    Function,
    HttpApi,
    Index,
    LambdaAuthorizer,
    Network,
    Operations,
    Provisioned,
    Rotation,
    Secret,
    Stage,
    StreamConsumer,
    Table,
)

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret"
ROTATE = "arn:aws:lambda:eu-west-1:111122223333:function:rotate"

SUBNETS = [f"subnet-{number:08}" for number in range(20)]
GROUPS = [f"sg-{number:08}" for number in range(20)]


def answer(event: Any, context: Any) -> None: ...


def at(name: str) -> Stage:
    return Stage(name=name, local=True)


def test_prod_is_protected_watched_and_released_by_canary_and_other_stages_are_not() -> None:
    operations = Operations()

    for name, expected in (("prod", (True, True, "canary-5m", 90)), ("dev", (False, False, "all-at-once", 7))):
        stage = at(name)
        assert (
            operations.is_protected(stage),
            operations.has_alarms(stage),
            operations.release_of(stage),
            operations.log_days_of(stage),
        ) == expected


def test_a_stage_can_say_otherwise() -> None:
    operations = Operations(protected=True, release="linear-1m", log_days=30)

    assert operations.is_protected(at("dev"))
    assert operations.release_of(at("dev")) == "linear-1m"
    assert not operations.has_alarms(at("dev"))
    assert operations.log_days_of(at("dev")) == 30


def test_without_alarms_prod_releases_at_once() -> None:
    assert Operations(alarms=False).release_of(at("prod")) == "all-at-once"


def test_alarms_with_thresholds_of_ones_own_are_alarms() -> None:
    operations = Operations(alarms=Alarms(latency=2_000))

    assert operations.has_alarms(at("dev"))
    assert (operations.thresholds.latency, operations.thresholds.server_errors) == (2_000, 5)
    assert Operations().thresholds == Alarms()


@pytest.mark.parametrize(
    ("declare", "problem"),
    [
        (lambda: Alarms(behind=0), r"Alarms\(behind=0\) would always go off"),
        (lambda: Operations(release="canary-1m"), "Invalid release 'canary-1m'"),
        (lambda: Alarms(server_errors=101), r"server_errors=101\) would never go off: it is a percentage"),
        (lambda: Operations(log_days=8), r"log_days=8\) is not a retention that CloudWatch supports"),
        (lambda: Operations(emails=["team"]), "Invalid e-mail address 'team'"),
        (lambda: Capacity(read=(5, 1), write=(1, 1)), r"Capacity\(read=\(5, 1\), write=\(1, 1\)\) is out of range"),
        (lambda: Capacity(read=(1, 5), write=(1, 1), target=95), r"Capacity\(target=95\) is out of range"),
        (lambda: Provisioned(minimum=0), "minimum=0"),
        (lambda: Provisioned(minimum=5, maximum=2), "minimum=5, maximum=2"),
        (lambda: Provisioned(minimum=1, maximum=0), "minimum=1, maximum=0"),
        (
            lambda: Function(name="a", concurrency=2, provisioned=Provisioned(minimum=1, maximum=5)),
            "5 provisioned environments exceed concurrency=2",
        ),
        (lambda: Table(encryption_key="key"), "Invalid encryption key of the table 'key'"),
        (lambda: Table(consumers=[consumer(f"c{n}") for n in range(3)]), "The table has 3 consumers"),
        (lambda: StreamConsumer(answer, Function(name="c"), batch=0), "The consumer c has batch=0"),
        (lambda: StreamConsumer(lambda *_: None, Function(name="c")), "can't be imported by name"),
        (lambda: Secret("a", generate="key", encryption_key="key"), "secret 'a' must be the ARN of a KMS key: 'key'"),
        (lambda: Secret("a", generate=""), "generate='', which does not name a field"),
        (lambda: Secret("a", rotation=Rotation(function=ROTATE)), "'a' is created outside of the declaration"),
        (
            lambda: Secret(f"{SECRET}:shop-Ab12Cd", generate="key", rotation=Rotation(function=ROTATE)),
            "is named by its ARN, so it must exist, but generate='key' would create it",
        ),
        (lambda: Rotation(function="rotate"), "Invalid rotation function 'rotate'"),
        (lambda: Rotation(function=ROTATE, days=0), r"Rotation\(days=0\) is out of range"),
        (
            lambda: Domain(name="https://example.com", certificate=CERTIFICATE),
            "Invalid host name 'https://example.com'",
        ),
        (lambda: Domain(name="example.com", certificate="mine"), "must be an ARN of AWS Certificate Manager: 'mine'"),
        (lambda: Cdn(domain=Domain(name="example.com", certificate=CERTIFICATE)), "is not in us-east-1"),
        (
            lambda: ClientCertificate(arn=CERTIFICATE, trust_store="s3://bucket/cdn.pem"),
            "must be the ARN of a certificate in us-east-1",
        ),
        (
            lambda: ClientCertificate(arn=CERTIFICATE.replace("eu-west-1", "us-east-1"), trust_store="cdn.pem"),
            "Invalid trust store 'cdn.pem'",
        ),
        (lambda: Firewall(rate=1), r"Firewall\(rate=1\) is out of range"),
        (lambda: Firewall(rate=2_000_000_001), r"Firewall\(rate=2000000001\) is out of range"),
        (lambda: Firewall(rules=["AWSManagedRulesBotControlRuleSet"] * 2), "names a rule group twice"),
        (lambda: Cdn(log_bucket="s3://logs"), "Invalid bucket name 's3://logs'"),
        (
            lambda: Domain(name="example.com", certificate=CERTIFICATE, zone="example.com"),
            "Invalid id of a Route 53 hosted zone: 'example.com'",
        ),
        (lambda: Operations(emails=["a@example.com", "a@example.com"]), "names an address twice"),
        (lambda: Alarms(latency=30_001), r"Alarms\(latency=30001\) would never go off: an HTTP API answers 503"),
        (lambda: Alarms(behind=86_401), r"Alarms\(behind=86401\) would never go off: a stream keeps a change"),
        (
            lambda: Table(partition_key="pk", sort_key="pk"),
            "The table uses 'pk' as both its partition key and its sort key",
        ),
        (lambda: Table(sort_key=""), "The table has the key '', which is not a valid attribute name"),
        (lambda: Table(sort_key="ß" * 128), "The table has the key 'ß"),
        (lambda: Table(indexes=[Index("gsi1", "a", "a")]), "The index 'gsi1' uses 'a' as both its partition key and"),
        (lambda: Table(ttl="sk"), "ttl of the table is the key 'sk': keys are strings"),
        (lambda: Table(ttl="gsi1pk", indexes=[Index("gsi1")]), "ttl of the table is the key 'gsi1pk'"),
        (lambda: Table(ttl=""), r"Table\(ttl=''\) is not a valid attribute name"),
        (lambda: Secret("items dev"), "Invalid secret id 'items dev'"),
        (lambda: Secret("x" * 513), "Invalid secret id 'x"),
        (lambda: Secret("items/dev", variable="AWS_REGION"), "the environment variable AWS_REGION is reserved"),
        (lambda: Secret("items/dev", variable="TABLE_NAME"), "the environment variable TABLE_NAME is reserved"),
        (lambda: Secret("items/dev", variable="items-id"), "invalid name of an environment variable 'items-id'"),
        (lambda: Firewall(arn="mine"), "Invalid web ACL 'mine'"),
        (lambda: Network(cidr="10.0.0.1/16"), "has host bits set"),
        (lambda: Network(cidr="10.0.0.0/255.255.0.0"), "write it as 10.0.0.0/16"),
        (lambda: Network(cidr="10.0.0.0/8"), "cidr='10.0.0.0/8'"),
        (lambda: Network(zones=1), "zones=1"),
        (lambda: Network(zones=["eu-west-1a"]), r"zones=\('eu-west-1a',\)"),
        (lambda: Network(zones=["eu-west-1a", "eu-west-1a"]), "names a zone twice"),
        (lambda: Network(zones=["eu-west-1a", "euw1-az2"]), "Invalid availability zone 'euw1-az2'"),
        (lambda: Network(zones=["us-west-2a", "us-west-2-lax-1a"]), "Invalid availability zone 'us-west-2-lax-1a'"),
        (
            lambda: Network(zones=["eu-west-1a", "eu-west-1b"], cidr="10.0.0.0/21"),
            "every zone of the region needs its own range",
        ),
        (
            lambda: Network(subnets=SUBNETS[:1], security_groups=GROUPS[:1], zones=3),
            "names subnets, which already have addresses and zones",
        ),
        (lambda: Provisioned(minimum=1, target=0.5), "has a target and no maximum"),
        (
            lambda: Firewall(arn="arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/1234", rate=10),
            "already has a rate and rules of its own",
        ),
        (lambda: Network(cidr="10.0.0.0/23", zones=3), "too small for the subnets of 3 zones"),
        (lambda: Network(subnets=["subnet-12345678"]), "must name both subnets and security groups, or neither"),
        (lambda: Network(subnets=SUBNETS[:17], security_groups=GROUPS[:1]), "names 17 subnets; Lambda allows 16"),
        (lambda: Network(subnets=SUBNETS[:1], security_groups=GROUPS[:6]), "names 6 security groups; Lambda allows 5"),
        (lambda: Network(subnets=SUBNETS[:1] * 2, security_groups=GROUPS[:1]), "one of its subnets twice"),
        (
            lambda: Network(subnets=["mine"], security_groups=["sg-12345678"]),
            "Invalid id of a subnet or a security group: 'mine'",
        ),
        (lambda: LambdaAuthorizer(arn="mine"), "Invalid authorizer function 'mine'"),
        (lambda: LambdaAuthorizer(arn=ROTATE, ttl=3601), r"LambdaAuthorizer\(ttl=3601\) is out of range"),
        (
            lambda: LambdaAuthorizer(arn=ROTATE, identity_sources=["Authorization"]),
            "Invalid identity source 'Authorization'",
        ),
        (
            lambda: LambdaAuthorizer(arn=ROTATE, identity_sources=[]),
            "but has no identity source to distinguish clients",
        ),
        (
            lambda: LambdaAuthorizer(arn=ROTATE, identity_sources=["$context.routeKey"]),
            "but has no identity source to distinguish clients",
        ),
        (lambda: HttpApi().post("/a", answer, cache=60), "POST /a: cache=60 is not supported"),
        (lambda: HttpApi().get("/a", answer, cache=0), "GET /a: cache=0 is not supported"),
    ],
)
def test_what_aws_would_refuse_is_refused_when_it_is_declared(declare: Callable[[], object], problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem) as refused:
        declare()
    assert "test_aws.py:" in refused.value.where


def test_what_is_cached_for_everybody_can_not_be_for_some() -> None:
    api = HttpApi(authorizer=LambdaAuthorizer(arn=ROTATE))
    api.get("/a", answer, cache=60)

    with pytest.raises(DeclarationError, match="Route GET /a is cached for everybody, but has an authorizer"):
        Backend("shop", api=api)


def test_a_decision_is_kept_for_its_route_alone_and_not_at_all_without_a_ttl() -> None:
    authorization, key = "$request.header.Authorization", "$request.querystring.key"

    assert LambdaAuthorizer(arn=ROTATE).cache_key == (authorization, "$context.routeKey")
    assert LambdaAuthorizer(arn=ROTATE, identity_sources=[key, "$context.routeKey"]).cache_key == (
        key,
        "$context.routeKey",
    )
    assert LambdaAuthorizer(arn=ROTATE, ttl=0).cache_key == (authorization,)
    assert LambdaAuthorizer(arn=ROTATE, ttl=0, identity_sources=[]).cache_key == ()


def test_only_a_domain_of_the_apis_own_asks_for_a_certificate() -> None:
    shown = ClientCertificate(arn=CERTIFICATE.replace("eu-west-1", "us-east-1"), trust_store="s3://bucket/cdn.pem")

    with pytest.raises(DeclarationError, match="but the API has no domain"):
        Backend("shop", api=HttpApi(cdn=Cdn(client_certificate=shown)))


def test_a_cdn_goes_to_the_api_by_a_name_that_is_not_its_own_and_has_no_star() -> None:
    def shop(own: str, cdn: str | None) -> Backend:
        of_cdn = cdn and Domain(name=cdn, certificate=CERTIFICATE.replace("eu-west-1", "us-east-1"))
        api = HttpApi(domain=Domain(name=own, certificate=CERTIFICATE), cdn=Cdn(domain=of_cdn or None))
        return Backend("shop", api=api)

    with pytest.raises(DeclarationError, match=r"have the same domain api.example.com, so the CDN would be its own"):
        shop("api.example.com", "api.example.com")
    with pytest.raises(
        DeclarationError, match=r"domain is \*.example.com, but the origin of a CDN can't be a wildcard domain"
    ):
        shop("*.example.com", None)
    assert shop("origin.example.com", "*.example.com").api.cdn


def test_a_consumer_is_a_function_with_a_name_of_its_own() -> None:
    api = HttpApi()
    api.get("/a", answer)

    with pytest.raises(
        DeclarationError,
        match=r"The route GET /a and the stream consumer \S+\.answer would both have a function called .answer.",
    ):
        Backend("shop", api=api, table=Table(consumers=[consumer("answer")]))


def test_the_order_of_zones_says_nothing() -> None:
    """Another order would publish versions of functions that are no other, which Lambda doesn't."""
    one, other = Network(zones=["eu-west-1a", "eu-west-1c"]), Network(zones=("eu-west-1c", "eu-west-1a"))

    assert one == other
    assert (one.zone_count, one.named_zones) == (2, ("eu-west-1a", "eu-west-1c"))
    assert Network(zones=3).named_zones == ()


def consumer(name: str) -> StreamConsumer:
    return StreamConsumer(answer, Function(name=name))
