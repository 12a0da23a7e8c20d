"""Before a deployment, the user is warned of what it takes away. The templates are real."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import ACCOUNT, Customer, Order, answer, packages, stage

from taxiway import (
    Backend,
    Cdn,
    ClientCertificate,
    DeclarationError,
    Domain,
    Function,
    HttpApi,
    Index,
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


def test_clients_without_the_certificate_that_a_domain_begins_to_require_are_warned_of(render: Render) -> None:
    plain, first = (render(edge(cdn=Cdn(client_certificate=shown), domain=API_DOMAIN)) for shown in (None, SHOWN))

    (refuses,) = said(plain, first)
    assert refuses.startswith(
        "From this deployment on, origin.example.com refuses clients without the CDN's certificate"
    )
    assert said(first, plain) == []


def test_a_domain_that_goes_is_named(render: Render) -> None:
    other = Domain(name="other.example.com", certificate=CERTIFICATE)
    before, after = (render(edge(domain=domain)) for domain in (API_DOMAIN, other))

    assert said(before, after) == ["From this deployment on, the API no longer answers at origin.example.com."]
    assert said(before, render(edge())) == said(before, after)


def test_an_api_that_answers_nowhere_or_goes_past_its_certificate_is_refused() -> None:
    with pytest.raises(DeclarationError, match="would have no address"):
        edge(default_endpoint=False)
    with pytest.raises(DeclarationError, match="accepts clients without one"):
        edge(cdn=Cdn(client_certificate=SHOWN), domain=API_DOMAIN, default_endpoint=True)


def consuming(*names: str) -> Backend:
    return shop(operations=PLAIN, consumers=[StreamConsumer(answer, Function(name=name)) for name in names])


def test_a_consumer_that_comes_beside_another_receives_its_changes_again(render: Render) -> None:
    none, one, other, both = (render(consuming(*names)) for names in ((), ("mail",), ("post",), ("mail", "post")))

    (twice,) = said(one, other)
    assert twice.startswith(
        "shop-test_post receives all changes in the table's stream, up to a day's worth, including "
        "those that shop-test_mail has handled"
    )
    assert said(one, both) == [twice]
    assert said(none, one) == said(one, one) == said(one, none) == []


def test_what_a_protected_table_could_be_restored_from_is_lost_with_the_protection(render: Render) -> None:
    protected, free = (render(shop(operations=Operations(protected=is_protected))) for is_protected in (True, False))

    (found,) = said(protected, free)
    assert found.startswith("The table shop-test can no longer be restored to any second of the last 35 days")
    assert said(free, protected) == []


def test_of_a_first_deployment_there_is_nothing_between(render: Render) -> None:
    assert said({}, render(consuming("mail"))) == []


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
