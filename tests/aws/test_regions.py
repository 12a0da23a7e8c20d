"""What is named by its ARN has to be where AWS looks for it, or is refused before anything is synthesized."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.aws.backends import BACKENDS, answer, stage

from taxiway import (
    Backend,
    Cdn,
    DeclarationError,
    Domain,
    HttpApi,
    LambdaAuthorizer,
    Rotation,
    Secret,
    Table,
)
from taxiway.aws import regions
from taxiway.aws.synthesis import synthesize

THERE = "us-west-2:111122223333"
CERTIFICATE = "arn:aws:acm:us-west-2:111122223333:certificate/11111111-2222-3333-4444-555555555555"
KEY = f"arn:aws:kms:{THERE}:key/1111"
FUNCTION = f"arn:aws:lambda:{THERE}:function:somebody"


def with_domain() -> Backend:
    return Backend("shop", api=HttpApi(domain=Domain(name="api.example.com", certificate=CERTIFICATE)))


def with_authorizer() -> Backend:
    api = HttpApi()
    api.get("/orders", answer, authorizer=LambdaAuthorizer(arn=FUNCTION))
    return Backend("shop", api=api)


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
        (with_authorizer, "The authorizer of GET /orders"),
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
    regions.check(declare(), stage("dev", "us-west-2"))


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_in_the_stages_region_is_not_refused(name: str) -> None:
    regions.check(*BACKENDS[name]())


def test_the_certificate_of_a_cdn_is_in_us_east_1_wherever_the_stage_is() -> None:
    there = Domain(name="www.example.com", certificate=CERTIFICATE.replace("us-west-2", "us-east-1"))

    regions.check(Backend("shop", api=HttpApi(cdn=Cdn(domain=there))), stage("dev"))
    with pytest.raises(DeclarationError, match="not one of us-east-1, where a CDN looks for it"):
        Cdn(domain=Domain(name="www.example.com", certificate=CERTIFICATE))
