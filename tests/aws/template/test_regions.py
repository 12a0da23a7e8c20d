"""What is named by its ARN has to be where AWS looks for it, or is refused before anything is synthesized."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.aws.backends import ACCOUNT, BACKENDS, answer, packages, stage
from tests.aws.reading import Template

from taxiway import (
    Backend,
    Cdn,
    ClientCertificate,
    DeclarationError,
    Domain,
    Firewall,
    HttpApi,
    LambdaAuthorizer,
    Network,
    Rotation,
    Secret,
    Table,
)
from taxiway.aws.template import regions
from taxiway.aws.template.bootstrap_permissions import service_role
from taxiway.aws.template.synthesis import synthesize

THERE = "us-west-2:111122223333"
CERTIFICATE = "arn:aws:acm:us-west-2:111122223333:certificate/11111111-2222-3333-4444-555555555555"
KEY = f"arn:aws:kms:{THERE}:key/1111"
SECRET = f"arn:aws:secretsmanager:{THERE}:secret:shop-Ab12Cd"
HERE = "eu-west-1"
OTHER = "999988887777"
FUNCTION = f"arn:aws:lambda:{THERE}:function:somebody"


def with_domain() -> Backend:
    return Backend("shop", api=HttpApi(domain=Domain(name="api.example.com", certificate=CERTIFICATE)))


def with_authorizer() -> Backend:
    api = HttpApi()
    api.get("/orders", answer, authorizer=LambdaAuthorizer(arn=FUNCTION))
    return Backend("shop", api=api)


def with_existing() -> Backend:
    return Backend("shop", api=HttpApi(), secrets=[Secret(SECRET, encryption_key=KEY.replace("us-west-2", HERE))])


def with_table() -> Backend:
    return Backend("shop", api=HttpApi(), table=Table(encryption_key=KEY))


def with_secret() -> Backend:
    return Backend("shop", api=HttpApi(), secrets=[Secret("shop/a", encryption_key=KEY)])


def with_rotation() -> Backend:
    rotated = Secret("shop/a", generate="key", rotation=Rotation(function=FUNCTION))
    return Backend("shop", api=HttpApi(), secrets=[rotated])


@pytest.mark.parametrize(
    ("declare", "what"),
    [
        (with_domain, "The certificate of api.example.com"),
        (with_existing, "The secret"),
        (with_table, "The table's encryption key"),
        (with_secret, "The encryption key of the secret shop/a"),
        (with_rotation, "The function that rotates the secret shop/a"),
    ],
)
def test_what_is_in_another_region_than_the_stage_is_refused_by_name(
    declare: Callable[[], Backend], what: str, tmp_path: Path
) -> None:
    problem = f"{what} is in us-west-2, and the stage dev is in eu-west-1"
    with pytest.raises(DeclarationError, match=problem) as refused:
        synthesize(declare(), stage("dev"), packages=[], directory=tmp_path)
    assert "test_regions.py:" in refused.value.where
    assert refused.value.fix == "name one of eu-west-1"
    if declare is not with_existing:  # whose key is here
        regions.check(declare(), stage("dev", "us-west-2"))


def test_an_authorizer_may_be_in_another_region_and_not_in_another_partition() -> None:
    regions.check(with_authorizer(), stage("dev"))
    with pytest.raises(DeclarationError, match="The authorizer of GET /orders is in us-west-2"):
        regions.check(with_authorizer(), stage("dev", "cn-north-1"))


def test_zones_of_another_region_are_refused() -> None:
    backend = Backend("shop", api=HttpApi(), network=Network(zones=["us-west-2a", "us-west-2c"]))

    regions.check(backend, stage("dev", "us-west-2"))
    with pytest.raises(DeclarationError, match="The network's zone us-west-2a is in us-west-2, and the stage dev is"):
        regions.check(backend, stage("dev"))


def certificate(region: str, account: str) -> str:
    return CERTIFICATE.replace(THERE, f"{region}:{account}")


def domain(region: str, account: str) -> Domain:
    return Domain(name="api.example.com", certificate=certificate(region, account))


@pytest.mark.parametrize(
    ("declare", "what"),
    [
        (lambda: HttpApi(domain=domain(HERE, OTHER)), "The certificate of api.example.com"),
        (lambda: HttpApi(cdn=Cdn(domain=domain("us-east-1", OTHER))), "The certificate of api.example.com"),
        (
            lambda: HttpApi(
                domain=domain(HERE, ACCOUNT),
                cdn=Cdn(
                    client_certificate=ClientCertificate(
                        arn=certificate("us-east-1", OTHER), trust_store="s3://trust/cdn.pem"
                    )
                ),
            ),
            "The client certificate of the CDN",
        ),
        (
            lambda: HttpApi(cdn=Cdn(firewall=Firewall(arn=f"arn:aws:wafv2:us-east-1:{OTHER}:global/webacl/shop/1234"))),
            "The firewall of the CDN",
        ),
    ],
)
def test_what_has_to_be_the_stages_own_account_s_is_refused_by_name(declare: Callable[[], HttpApi], what: str) -> None:
    problem = f"{what} is of the account {OTHER}, and the stage dev is in {ACCOUNT}, which can't use it"
    with pytest.raises(DeclarationError, match=problem) as refused:
        regions.check(Backend("shop", api=declare()), stage("dev"))
    assert refused.value.fix == f"name one of {ACCOUNT}"


def test_a_secret_of_another_account_has_to_have_a_key_that_lets_this_one_in() -> None:
    theirs = SECRET.replace(THERE, f"{HERE}:{OTHER}")
    key = KEY.replace(THERE, f"{HERE}:{OTHER}")

    regions.check(Backend("shop", api=HttpApi(), secrets=[Secret(theirs, encryption_key=key)]), stage("dev"))
    with pytest.raises(DeclarationError, match=f"is of the account {OTHER}, whose own key for Secrets Manager"):
        regions.check(Backend("shop", api=HttpApi(), secrets=[Secret(theirs)]), stage("dev"))


@pytest.mark.parametrize("place", [f"us-west-2:{ACCOUNT}", f"{HERE}:{OTHER}", f"{HERE}:{ACCOUNT}"])
def test_the_service_role_changes_a_function_that_is_asked_only_where_the_stack_can(place: str) -> None:
    backend = asking(f"arn:aws:lambda:{place}:function:authorizer", rotates=None)
    allowed = {each["Sid"] for each in service_role(backend, stage("dev"), "boundary")}

    assert ("NamedFunctions" in allowed) == (place == f"{HERE}:{ACCOUNT}")


def asking(authorizer: str, rotates: str | None) -> Backend:
    api = HttpApi()
    api.get("/orders", answer, authorizer=LambdaAuthorizer(arn=authorizer))
    rotation = Rotation(function=rotates) if rotates else None
    return Backend("shop", api=api, secrets=[Secret("shop/a", generate="key", rotation=rotation)])


def test_the_stack_lets_nothing_call_a_function_that_it_can_not_reach(tmp_path: Path) -> None:
    """What it is called by is there all the same, and the region of an authorizer's URI is the function's."""

    def template(authorizer: str, rotates: str) -> Template:
        backend = asking(f"arn:aws:lambda:{authorizer}:function:ask", f"arn:aws:lambda:{rotates}:function:rotate")
        directory = tmp_path / authorizer.replace(":", "-")
        made = synthesize(backend, stage("dev"), packages=packages(backend, tmp_path), directory=directory)
        return Template.read(made.template.path)

    far = template(f"us-west-2:{OTHER}", f"{HERE}:{OTHER}")
    near = template(f"{HERE}:{ACCOUNT}", f"{HERE}:{ACCOUNT}")

    def let(template: Template) -> set[str]:
        called = (each["FunctionName"] for each in template.of_type("Lambda::Permission"))
        return {name.split(":")[-1] for name in called if isinstance(name, str)}

    assert let(near) == {"ask", "rotate"}
    assert let(far) == set()
    assert far.one("ApiGatewayV2::Route")["AuthorizationType"] == "CUSTOM"
    assert far.one("SecretsManager::RotationSchedule")["RotationLambdaARN"].endswith(f"{OTHER}:function:rotate")
    uri = far.one("ApiGatewayV2::Authorizer")["AuthorizerUri"]
    assert uri.startswith(
        f"arn:aws:apigateway:us-west-2:lambda:path/2015-03-31/functions/arn:aws:lambda:us-west-2:{OTHER}"
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_in_the_stages_region_is_not_refused(name: str) -> None:
    regions.check(*BACKENDS[name]())


def test_the_certificate_of_a_cdn_is_in_us_east_1_wherever_the_stage_is() -> None:
    there = Domain(name="www.example.com", certificate=CERTIFICATE.replace("us-west-2", "us-east-1"))

    regions.check(Backend("shop", api=HttpApi(cdn=Cdn(domain=there))), stage("dev"))
    with pytest.raises(DeclarationError, match="is not in us-east-1, where a CDN looks for it"):
        Cdn(domain=Domain(name="www.example.com", certificate=CERTIFICATE))
