"""Typed settings: what they are read from, when, and what is said of those that are missing."""

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from taxiway import secrets
from taxiway.secrets import SecretMissing, SecretUnavailable
from taxiway.settings import Settings, SettingsInvalid, secret, settings


class Config(Struct):
    support_email: str
    page_size: Annotated[int, Meta(ge=1)] = 20
    rate: Decimal = Decimal(1)
    mode: Literal["live", "test"] = "test"
    is_open: bool = False


class WithSecrets(Struct):
    stripe_key: str = secret("stripeKey")
    retries: int = secret("retries", default=3)
    mail_key: str = secret("key", id="MAIL_SECRET")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    return set_variables


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The secrets that there are: id → text."""
    texts: dict[str, str] = {}

    def get(secret_id: str, _: type[str]) -> str:
        if secret_id not in texts:
            raise SecretMissing(secret_id)
        if not texts[secret_id]:
            raise SecretUnavailable(secret_id)
        return texts[secret_id]

    monkeypatch.setattr(secrets, "get", get)
    return texts


def test_variables_become_values_of_the_fields_types(environment: Callable[..., None]) -> None:
    environment(SUPPORT_EMAIL="a@example.com", PAGE_SIZE="50", RATE="0.10", MODE="live", IS_OPEN="true")
    assert settings(Config)() == Config("a@example.com", 50, Decimal("0.10"), "live", is_open=True)


def test_a_default_stands_for_a_variable_that_is_not_set(environment: Callable[..., None]) -> None:
    environment(SUPPORT_EMAIL="")
    assert settings(Config)() == Config("")


def test_every_setting_that_is_missing_or_invalid_is_named(environment: Callable[..., None]) -> None:
    environment(PAGE_SIZE="0", RATE="much", MODE="off", IS_OPEN="perhaps")
    with pytest.raises(SettingsInvalid) as raised:
        settings(Config)()
    said = str(raised.value).splitlines()
    assert said[0] == "Settings of Config are missing or invalid:"
    assert [line.split(":")[0].strip() for line in said[1:-1]] == [
        "SUPPORT_EMAIL",
        "PAGE_SIZE",
        "RATE",
        "MODE",
        "IS_OPEN",
    ]
    assert said[1] == "  SUPPORT_EMAIL: missing"
    assert said[-1].startswith("Fix: ")


def test_a_check_of_the_type_itself_is_a_setting_that_is_invalid(environment: Callable[..., None]) -> None:
    class Range(Struct):
        least: int
        most: int

        def __post_init__(self) -> None:
            if self.least > self.most:
                raise ValueError("LEAST exceeds MOST")

    environment(LEAST="2", MOST="1")
    with pytest.raises(SettingsInvalid, match="LEAST exceeds MOST"):
        settings(Range)()


def test_keys_of_secrets_are_values_too(environment: Callable[..., None], stored: dict[str, str]) -> None:
    environment(SECRETS_ID="shop/dev", MAIL_SECRET="shop/mail")
    stored |= {"shop/dev": '{"stripeKey": "sk_1"}', "shop/mail": '{"key": "m", "other": "1"}'}
    assert settings(WithSecrets)() == WithSecrets("sk_1", 3, "m")
    stored["shop/dev"] = '{"stripeKey": "sk_1", "retries": "5"}'
    assert settings(WithSecrets)().retries == 5


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"shop/dev": "{}"}, "stripeKey of the secret shop/dev: missing"),
        ({}, "stripeKey of the secret shop/dev: the secret does not exist, or may not be read"),
        ({"shop/dev": "[1]"}, "stripeKey of the secret shop/dev: the secret is not a JSON object"),
        ({"shop/dev": '{"stripeKey": "s", "retries": "hunter2"}'}, "retries of the secret shop/dev: not a valid int"),
    ],
)
def test_what_is_wrong_with_a_secret_is_said_without_a_value(
    environment: Callable[..., None], stored: dict[str, str], texts: dict[str, str], said: str
) -> None:
    environment(SECRETS_ID="shop/dev")
    stored |= texts
    with pytest.raises(SettingsInvalid) as raised:
        settings(WithSecrets)()
    lines = [line.strip() for line in str(raised.value).splitlines()]
    assert said in lines
    assert "key of the secret in MAIL_SECRET: MAIL_SECRET is missing" in lines
    assert "hunter2" not in str(raised.value)


def test_an_answer_that_does_not_come_is_not_a_missing_setting(
    environment: Callable[..., None], stored: dict[str, str]
) -> None:
    environment(SECRETS_ID="shop/dev", MAIL_SECRET="shop/mail")
    stored["shop/dev"] = ""
    with pytest.raises(SecretUnavailable):
        settings(WithSecrets)()


def test_a_function_checks_them_when_it_starts_and_keeps_them(
    environment: Callable[..., None], stored: dict[str, str]
) -> None:
    environment(AWS_LAMBDA_FUNCTION_NAME="f", MAIL_SECRET="shop/mail")
    with pytest.raises(SettingsInvalid, match="SECRETS_ID is missing"):
        settings(WithSecrets)
    environment(SECRETS_ID="shop/dev")
    stored |= {"shop/dev": '{"stripeKey": "sk_1"}', "shop/mail": '{"key": "m"}'}
    config = settings(WithSecrets)
    assert config() is config()


def test_a_rotated_secret_is_a_new_value(environment: Callable[..., None], stored: dict[str, str]) -> None:
    environment(AWS_LAMBDA_FUNCTION_NAME="f", SECRETS_ID="shop/dev", MAIL_SECRET="shop/dev")
    stored["shop/dev"] = '{"stripeKey": "old", "key": "m"}'
    config = settings(WithSecrets)
    stored["shop/dev"] = '{"stripeKey": "new", "key": "m"}'
    assert config().stripe_key == "new"


def test_elsewhere_they_are_read_when_they_are_called_for(environment: Callable[..., None]) -> None:
    config: Settings[Config] = settings(Config)
    environment(SUPPORT_EMAIL="a@example.com")
    assert config().support_email == "a@example.com"
    environment(SUPPORT_EMAIL="b@example.com")
    assert config().support_email == "b@example.com"


BACKEND = """
from taxiway import Backend, HttpApi, Stage
from shop import size

def backend(stage: Stage) -> Backend:
    api = HttpApi()
    api.get("/size", size, environment=ENVIRONMENT)
    return Backend("shop", api=api)
"""

SHOP = """
from msgspec import Struct
from taxiway.http import handler
from taxiway.settings import settings

class Config(Struct):
    page_size: int
    support_email: str

config = settings(Config)

@handler
def size() -> int:
    return config().page_size
"""


@pytest.mark.parametrize("variables", [{"PAGE_SIZE": "7", "SUPPORT_EMAIL": "a@b"}, {}])
def test_a_backend_is_read_without_them_and_its_function_does_not_start_without_them(
    tmp_path: Path, path_with_engine: dict[str, str], variables: dict[str, str]
) -> None:
    from taxiway.testing import serve

    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "backend.py").write_text(BACKEND.replace("ENVIRONMENT", repr(variables)))
    with serve(tmp_path, environment=path_with_engine) as server:
        answer = server.get("/size")
    assert (answer.status, answer.json()) == ((200, 7) if variables else (500, {"message": "Internal Server Error"}))
    said = "\n".join(server.output)
    assert all((f"{name}: missing" in said) == (not variables) for name in ("PAGE_SIZE", "SUPPORT_EMAIL"))


def test_a_type_checker_knows_the_type(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(
        "from msgspec import Struct\nfrom taxiway.settings import secret, settings\n"
        "class Config(Struct):\n    size: int\n    key: str = secret('key')\n"
        "config = settings(Config)\nwrong: str = config().size\n"
    )
    command = [str(Path(sys.executable).with_name("pyright")), "--pythonpath", sys.executable, "example.py"]
    said = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "1 error" in said
    assert 'Type "int" is not assignable to declared type "str"' in said
