"""Stages: what must be set where, and what a wrong value says."""

import pytest

from taxiway import DeclarationError, Stage

DEPLOYED = {"AWS_REGION": "eu-west-1", "AWS_ACCOUNT": "123456789012"}


def test_the_laptop_needs_neither_region_nor_account() -> None:
    stage = Stage(name="dev", local=True)
    assert (stage.region, stage.account) == ("us-east-1", "000000000000")


@pytest.mark.parametrize("missing", ["AWS_REGION", "AWS_ACCOUNT"])
def test_off_the_laptop_each_of_them_is_required_and_named(missing: str) -> None:
    variables = {**DEPLOYED, missing: ""}
    with pytest.raises(DeclarationError) as raised:
        Stage(name="prod", variables=variables, source="/app/.env.prod")
    assert missing in str(raised.value)
    assert "/app/.env.prod" in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_REGION", "Ireland"),
        ("AWS_ACCOUNT", "12345"),
        ("AUTHORIZER_ARN", "arn:aws:s3:::bucket"),
        ("SECRETS_ID", "no spaces please"),
        ("SECRETS_ID", "shop:dev"),
    ],
)
def test_a_malformed_value_is_named_with_an_example(variable: str, value: str) -> None:
    with pytest.raises(DeclarationError, match=f"Invalid {variable}: ") as raised:
        Stage(name="dev", variables={**DEPLOYED, variable: value})
    assert raised.value.fix.startswith("write it like ")


def test_an_optional_variable_is_none_where_it_is_missing_or_empty() -> None:
    stage = Stage(name="test", variables={"SECRETS_ID": ""}, local=True)
    assert stage.optional("SECRETS_ID") is None
    assert stage.optional("AUTHORIZER_ARN") is None


@pytest.mark.parametrize("name", ["", "Prod", "1st", "a stage", "x" * 21])
def test_a_stage_name_must_fit_into_resource_names(name: str) -> None:
    with pytest.raises(DeclarationError, match="Invalid stage name"):
        Stage(name=name, local=True)
