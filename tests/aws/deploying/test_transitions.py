"""Between two declarations, who deploys is told what breaks meanwhile, and how it doesn't. The templates are real."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import ACCOUNT, Customer, Order, answer, packages, stage
from tests.aws.reading import Template

from taxiway import (
    Backend,
    Cdn,
    ClientCertificate,
    DeclarationError,
    Domain,
    Function,
    HttpApi,
    Index,
    LambdaAuthorizer,
    Network,
    Operations,
    Secret,
    StreamConsumer,
    Table,
    allow,
)
from taxiway.aws.deploying.transitions import transitions
from taxiway.aws.template.synthesis import synthesize

Rendered = dict[str, Any]
Render = Callable[..., Rendered]

CERTIFICATE = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
API_DOMAIN = Domain(name="origin.example.com", certificate=CERTIFICATE, zone="Z0123456789ABCDEFGHIJ")
SHOWN = ClientCertificate(arn=CERTIFICATE, trust_store="s3://trust/cdn.pem")
CANARY = Operations(release="canary-5m")
PLAIN = Operations()


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """The template of a backend; what is in its packages is called by `code`."""
    count = 0

    def rendered(backend: Backend, *, code: str = "0") -> Rendered:
        nonlocal count
        count += 1
        directory = tmp_path / str(count)
        directory.mkdir()
        made = packages(backend, directory)
        for package in made:
            package.digest = code * 64
        whole = synthesize(backend, stage("test", "us-east-1"), packages=made, directory=directory / "assembly")
        return json.loads(whole.template.path.read_text())

    return rendered


def said(old: Rendered, new: Rendered) -> list[str]:
    return list(transitions([(old, new)]))


def shop(
    uses: Sequence[Any] = (),
    *,
    operations: Operations = CANARY,
    indexes: Sequence[str] = ("gsi1", "gsi2"),
    **options: Any,
) -> Backend:
    api = HttpApi()
    api.get("/orders", answer, uses=list(uses))
    table = Table(indexes=[Index(name) for name in indexes], **options)
    secrets = [use for use in uses if isinstance(use, Secret)]
    return Backend("shop", api=api, table=table, secrets=secrets, operations=operations)


def edge(**options: Any) -> Backend:
    api = HttpApi(**options)
    api.get("/orders", answer)
    return Backend("shop", api=api)


def test_a_grant_that_a_canary_takes_from_the_old_code_is_named_with_where_it_was(render: Render) -> None:
    secret = Secret("shop/keys")
    old = render(shop([allow.get(Order), allow.put(Order), allow.query(Order.by_customer), secret]), code="a")
    new = render(shop([allow.get(Order)], indexes=["gsi2"]), code="b")

    (found,) = said(old, new)
    assert found.startswith("The function shop-test_answer loses ")
    assert "dynamodb:PutItem" in found.partition(" on table/shop-test (ORDER#*)")[0]
    assert "dynamodb:Query on table/shop-test/index/gsi1 (ORDER#CUSTOMER#*)" in found
    assert "secretsmanager:GetSecretValue on secret:shop/keys-??????" in found
    assert "GetItem" not in found
    assert "remove the grant in the next deployment" in found


def test_of_a_grant_for_some_keys_the_others_are_lost(render: Render) -> None:
    (found,) = said(
        render(shop([allow.get(Order), allow.get(Customer)]), code="a"), render(shop([allow.get(Customer)]), code="b")
    )
    assert "loses dynamodb:BatchGetItem, dynamodb:GetItem on table/shop-test (ORDER#*) before" in found


def test_where_no_old_code_lasts_or_none_used_it_nothing_is_said(render: Render) -> None:
    both, one = [allow.get(Order), allow.put(Order)], [allow.get(Order)]
    canary = render(shop(both), code="a")

    assert said(canary, render(shop(one), code="a")) == []  # the remedy's second deployment
    assert said(canary, render(shop(both), code="b")) == []  # and its first
    assert said(render(shop(one), code="a"), render(shop(both), code="b")) == []
    at_once = render(shop(both, operations=PLAIN), code="a")
    assert said(at_once, render(shop(one, operations=PLAIN), code="b")) == []
    assert said(at_once, render(shop(one), code="b")) == []  # there was no alias that old code could keep


def test_a_domain_beneath_a_live_cdn_takes_two_deployments_and_they_can_be_declared(render: Render) -> None:
    before = render(edge(cdn=Cdn()))
    between = render(edge(cdn=Cdn(), domain=API_DOMAIN, default_endpoint=True))
    after = render(edge(cdn=Cdn(), domain=API_DOMAIN))

    moves, closes = said(before, after)
    assert moves.startswith("The CDN switches to origin.example.com, which does not exist yet")
    assert "First deploy with HttpApi(default_endpoint=True), so that" in moves
    assert "answers 404 to everybody who still calls it" in closes
    assert said(before, between) == []
    assert said(between, after) == [closes]
    assert said(after, before) == []
    assert origin(between) == origin(before) != origin(after)
    assert "ApiUrl" in between["Outputs"]
    assert "ApiUrl" not in after["Outputs"]
    (with_certificate, *_) = said(before, render(edge(cdn=Cdn(client_certificate=SHOWN), domain=API_DOMAIN)))
    assert "default_endpoint=True), and without the CDN's client_certificate, so that" in with_certificate


def test_another_domain_beneath_a_live_cdn_takes_two_deployments_too(render: Render) -> None:
    other = Domain(name="other.example.com", certificate=CERTIFICATE)
    before, after = (render(edge(cdn=Cdn(), domain=domain)) for domain in (API_DOMAIN, other))

    (moves,) = said(before, after)
    assert moves.startswith("The CDN switches to other.example.com")
    assert said(before, render(edge(cdn=Cdn(), domain=other, default_endpoint=True))) == []


def test_without_a_cdn_a_domain_ends_the_address_before_and_that_can_wait(render: Render) -> None:
    before = render(edge())

    (closes,) = said(before, render(edge(domain=API_DOMAIN)))
    assert "Keep HttpApi(default_endpoint=True) until nobody uses it" in closes
    assert said(before, render(edge(domain=API_DOMAIN, default_endpoint=True))) == []


def test_the_api_turns_nothing_away_before_the_cdn_has_changed(render: Render) -> None:
    """What CloudFormation waits for: it is through with a distribution when CloudFront has it everywhere."""
    plain = render(edge(cdn=Cdn(), domain=API_DOMAIN))
    assert waits(plain, "ApiGatewayV2::Api") == ["AWS::CloudFront::Distribution"]
    assert "AWS::ApiGatewayV2::DomainName" in waits(plain, "CloudFront::Distribution")

    closed = render(edge(cdn=Cdn(client_certificate=SHOWN), domain=API_DOMAIN))
    assert waits(closed, "ApiGatewayV2::DomainName") == ["AWS::CloudFront::Distribution"]
    assert waits(closed, "CloudFront::Distribution") == []


def test_the_records_of_a_name_that_goes_over_to_the_cdn_are_changed_and_not_made_anew(render: Render) -> None:
    """Route 53 makes none that is there: https://docs.aws.amazon.com/Route53/latest/APIReference/API_Change.html"""
    before = render(edge(domain=API_DOMAIN))
    after = render(edge(cdn=Cdn(domain=API_DOMAIN)))

    assert len(records(before)) == 2
    assert records(before) == records(after)


def test_who_comes_without_the_certificate_and_a_change_of_it_and_its_authority_at_once_are_told(
    render: Render,
) -> None:
    other = ClientCertificate(arn=CERTIFICATE.replace("11111111-", "99999999-"), trust_store="s3://trust/other.pem")
    widened = ClientCertificate(arn=CERTIFICATE, trust_store="s3://trust/other.pem")
    plain, first, second, both = (
        render(edge(cdn=Cdn(client_certificate=shown), domain=API_DOMAIN)) for shown in (None, SHOWN, other, widened)
    )

    (refuses,) = said(plain, first)
    assert refuses.startswith(
        "From this deployment on, origin.example.com refuses clients without the CDN's certificate"
    )
    (changes,) = said(first, second)
    assert "First deploy a trust_store with both authorities" in changes
    assert said(first, both) == said(both, second) == said(first, plain) == []


def test_an_api_that_answers_nowhere_or_goes_past_its_certificate_is_refused() -> None:
    with pytest.raises(DeclarationError, match="would have no address"):
        edge(default_endpoint=False)
    with pytest.raises(DeclarationError, match="accepts clients without one"):
        edge(cdn=Cdn(client_certificate=SHOWN), domain=API_DOMAIN, default_endpoint=True)


def authorized(numbers: Sequence[int], concurrency: Sequence[int] = ()) -> Backend:
    api = HttpApi()
    for number in numbers:
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:authorizer-{number}"
        api.get(f"/{number}", answer, function=Function(name=f"f{number}"), authorizer=LambdaAuthorizer(arn=arn))
    for number, most in enumerate(concurrency):
        api.get(f"/reserved/{number}", answer, function=Function(name=f"r{number}", concurrency=most))
    return Backend("shop", api=api)


def test_an_eleventh_authorizer_that_is_there_for_a_moment_is_told(render: Render) -> None:
    ten = render(authorized(range(10)))

    (found,) = said(ten, render(authorized(range(1, 11))))
    assert found.startswith(
        "During the update there are up to 11 authorizers of the API, and the default quota of an account is 10"
    )
    assert said(ten, render(authorized(range(9)))) == []
    assert said(ten, render(authorized(range(11)))) == []  # `cautions` says that


def test_routes_and_integrations_of_old_and_new_are_counted_together() -> None:
    def of(first: int, last: int) -> Rendered:
        """A template with routes and integrations called by these numbers."""
        kinds = {"Route": "ApiGatewayV2::Route", "Integration": "ApiGatewayV2::Integration"}
        return {
            "Resources": {
                f"{kind}{number}": {"Type": f"AWS::{type_}", "Properties": {}}
                for kind, type_ in kinds.items()
                for number in range(first, last)
            }
        }

    assert said(of(0, 300), of(0, 299)) == []
    integrations, routes = said(of(0, 200), of(101, 300)), said(of(0, 200), of(150, 350))
    assert integrations == []
    assert [words.split(", and")[0] for words in routes] == [
        "During the update there are up to 350 integrations of the API",
        "During the update there are up to 350 routes of the API",
    ]


def test_indexes_of_old_and_new_are_counted_together() -> None:
    def of(*numbers: int) -> Rendered:
        indexes = [{"IndexName": f"gsi{number}"} for number in numbers]
        properties = {"TableName": "shop-test", "GlobalSecondaryIndexes": indexes}
        return {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}}

    (found,) = said(of(*range(20)), of(*range(1, 21)))
    assert found.startswith(
        "During the update there are up to 21 indexes of the table, and the default quota of an account is 20"
    )
    assert said(of(*range(20)), of(*range(19))) == said(of(*range(19)), of(*range(1, 20))) == []


def test_reserved_environments_that_move_between_functions_are_told(render: Render) -> None:
    (found,) = said(render(authorized((), (500, 100))), render(authorized((), (100, 500))))
    assert found.startswith(
        "During the update there are up to 1000 environments reserved, and the default quota of an account is 900"
    )


def consuming(*names: str) -> Backend:
    return shop(operations=PLAIN, consumers=[StreamConsumer(answer, Function(name=name)) for name in names])


def test_consumers_that_come_and_go_are_told_of_the_changes_twice_or_never(render: Render) -> None:
    none, one, other, both = (render(consuming(*names)) for names in ((), ("mail",), ("post",), ("mail", "post")))

    (never,) = said(one, none)
    assert never.startswith("Changes of the table that shop-test_mail has not read by then are lost.")
    (twice,) = said(one, other)
    assert twice.startswith(
        "shop-test_post receives all changes in the table's stream, up to a day's worth, including "
        "those that shop-test_mail has handled"
    )
    assert said(one, both) == [twice]
    assert said(none, one) == said(one, one) == []


def test_what_a_protected_table_could_be_restored_from_is_lost_with_the_protection(render: Render) -> None:
    protected, free = (render(shop(operations=Operations(protected=is_protected))) for is_protected in (True, False))

    (found,) = said(protected, free)
    assert found.startswith("The table shop-test can no longer be restored to any second of the last 35 days")
    assert said(free, protected) == []


def test_a_change_of_ttl_beside_others_is_told_and_by_itself_is_not(render: Render) -> None:
    plain, expiring = (render(shop(operations=PLAIN, ttl=ttl), code="a") for ttl in (None, "expiresAt"))

    (found,) = said(plain, render(shop(operations=PLAIN, ttl="expiresAt"), code="b"))
    assert "takes up to an hour to change the ttl" in found
    assert found.endswith("Deploy the change of ttl on its own.")
    assert said(plain, expiring) == said(expiring, plain) == []


def test_new_readers_of_alarms_are_told_to_confirm_and_who_stays_is_not_subscribed_anew(render: Render) -> None:
    def read_by(*emails: str) -> Rendered:
        return render(shop(operations=Operations(alarms=True, emails=emails)))

    both, second = read_by("a@example.com", "b@example.com"), read_by("b@example.com")

    (found,) = said(second, both)
    assert found.startswith("Amazon SNS sends a mail to a@example.com")
    assert said(both, second) == []
    subscribed = [
        {key: each["Properties"]["Endpoint"] for key, each in of["Resources"].items() if "Subscription" in each["Type"]}
        for of in (both, second)
    ]
    assert subscribed[1].items() < subscribed[0].items()


def test_of_a_first_deployment_there_is_nothing_between(render: Render) -> None:
    assert said({}, render(consuming("mail"))) == []


def origin(template: Rendered) -> Any:
    return Template(template).one("CloudFront::Distribution")["DistributionConfig"]["Origins"][0]["DomainName"]


def records(template: Rendered) -> set[str]:
    """Which resources are records of the API's domain."""
    named = {"Type": "AWS::Route53::RecordSet", "Name": API_DOMAIN.name}
    return {
        logical
        for logical, each in template["Resources"].items()
        if {"Type": each["Type"], "Name": each["Properties"].get("Name")} == named
    }


def waits(template: Rendered, kind: str) -> list[str]:
    """The types of what a resource of this type waits for by its own dependencies."""
    resources = template["Resources"]
    (found,) = (each for each in resources.values() if each["Type"] == f"AWS::{kind}")
    return sorted(resources[other]["Type"] for other in found.get("DependsOn", []))


def test_out_of_a_network_leads_in_two_deployments(render: Render) -> None:
    def inside(network: Network | None) -> Backend:
        api = HttpApi()
        api.get("/orders/{id}", answer, uses=[allow.get(Order)])
        return Backend("shop", api=api, table=Table(), network=network)

    theirs = Network(subnets=["subnet-11111111"], security_groups=["sg-11111111"])
    own, left, none = (render(inside(network)) for network in (Network(), Network(in_use=False), None))
    existing = render(inside(theirs))

    for before, after in ((own, none), (own, existing), (existing, none)):
        (told,) = said(before, after)
        assert told.startswith("Functions leave the network, and Lambda deletes their interfaces up to")
        assert "First add in_use=False to the Network(…)" in told
    for before, after in ((own, left), (left, none), (none, own), (own, own)):
        assert said(before, after) == []
