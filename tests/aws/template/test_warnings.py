"""Who deploys is told of what can be gone past, and how it can not be."""

from typing import Any

from tests.aws.backends import answer, stage, with_everything

from taxiway import Backend, Cdn, Domain, Firewall, Function, HttpApi, LambdaAuthorizer, Rotation, Secret
from taxiway.aws.template.warnings import cautions

DOMAIN = Domain(name="api.example.com", certificate="arn:aws:acm:eu-west-1:111122223333:certificate/1111")
STAGE = stage("prod")


def of(**options: Any) -> list[str]:
    return list(cautions(Backend("shop", api=HttpApi(**options)), STAGE))


def test_a_firewall_that_can_be_gone_past_is_named_with_the_address_and_the_remedy() -> None:
    firewall = Cdn(firewall=Firewall())

    (said,) = of(cdn=firewall)
    assert "Whoever calls the API's own address goes past the CDN and its firewall" in said
    assert "declare Cdn(client_certificate=…) and a domain for the API" in said
    (said,) = of(cdn=firewall, domain=DOMAIN)
    assert "Whoever calls api.example.com goes past" in said
    (said,) = of(cdn=firewall, domain=DOMAIN, default_endpoint=True)
    assert "Whoever calls the API's own address goes past" in said


def test_quotas_that_have_to_be_raised_are_named() -> None:
    api = HttpApi()
    for number in range(11):
        arn = f"arn:aws:lambda:eu-west-1:111122223333:function:authorizer-{number}"
        own = Function(name=f"f{number}", concurrency=100)
        api.get(f"/{number}", answer, function=own, authorizer=LambdaAuthorizer(arn=arn))
    for number in range(290):
        api.get(f"/more/{number}", answer, function=own, authorizer=None)

    assert list(cautions(Backend("shop", api=api), STAGE)) == [
        f"The backend has {count}, and an account by itself {most}. Have the quota raised before it is deployed."
        for count, most in (
            ("301 routes of one API", 300),
            ("11 authorizers of one API", 10),
            ("1100 environments reserved for functions", 900),
        )
    ]


def test_functions_that_the_stack_can_not_let_anybody_call_are_named() -> None:
    near, far, other = (
        f"arn:aws:lambda:{where}:function:f"
        for where in (f"{STAGE.region}:{STAGE.account}", f"us-west-2:{STAGE.account}", f"{STAGE.region}:999999999999")
    )
    api, own = HttpApi(), Function(name="own")
    for number, arn in enumerate((near, far, far, other)):
        api.get(f"/{number}", answer, function=own, authorizer=LambdaAuthorizer(arn=arn))
    secrets = [
        Secret(f"s{number}", generate="key", rotation=Rotation(function=arn))
        for number, arn in enumerate((near, other))
    ]

    asked = (
        "let apigateway.amazonaws.com call it (`aws lambda add-permission`), or every request that it is asked about"
    )
    rotating = "let secretsmanager.amazonaws.com call it (`aws lambda add-permission`), or the deployment fails."
    said = list(cautions(Backend("shop", api=api, secrets=secrets), STAGE))
    for sentence, arn, words in zip(said, (other, far, other), (asked, asked, rotating), strict=True):
        assert sentence.startswith(f"{arn} is not in the stage's region and account: {words}")


def test_where_there_is_nothing_to_go_past_nothing_is_said() -> None:
    backend, at = with_everything()

    assert of() == of(domain=DOMAIN) == of(cdn=Cdn()) == list(cautions(backend, at)) == []
