"""What AWS would refuse halfway is refused by name before AWS is asked."""

from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import Code, answer, packages, stage

from taxiway import Backend, DeclarationError, Function, HttpApi, Network, Secret
from taxiway.aws.template import limits
from taxiway.permissions.endpoint_policy import endpoint_policy
from taxiway.permissions.statements import Policy

DEV = stage("dev")


def check(backend: Backend, directory: Path, **variables: str) -> None:
    """With packages that need these variables."""
    code = {each.function: replaced(each, variables) for each in packages(backend, directory)}
    limits.check(backend, DEV, code)


def replaced(code: Code, variables: dict[str, str]) -> Code:
    return Code(code.function, code.path, code.digest, code.handler, variables)


def one(**options: Any) -> Backend:
    api = HttpApi()
    api.get("/a", answer, function=Function(name="a", **options))
    return Backend("shop", api=api)


def test_an_environment_is_measured_as_lambda_does_with_what_the_package_needs(tmp_path: Path) -> None:
    around = len('{"LARGE":""}')
    check(one(environment={"LARGE": "x" * (4096 - around)}), tmp_path)

    with pytest.raises(
        DeclarationError, match=r"Function a: .* has 4097 bytes, .* 4096. The largest variable is LARGE"
    ):
        check(one(environment={"LARGE": "x" * (4097 - around)}), tmp_path)
    with pytest.raises(DeclarationError, match="has 4098 bytes"):  # ä is two of them
        check(one(environment={"LARGE": "ä" + "x" * (4096 - around)}), tmp_path)
    with pytest.raises(DeclarationError, match="has 4112 bytes"):
        check(one(environment={"LARGE": "x" * (4096 - around)}), tmp_path, TAXIWAY_X="y")


def test_an_endpoint_of_a_network_takes_so_many_secrets_and_no_more() -> None:
    def endpoint(count: int) -> Policy | None:
        secrets = [Secret(f"shop/{number:03}", variable=f"SECRET_{number}") for number in range(count)]
        api = HttpApi()
        for start in range(0, count, 50):  # a function of its own for each 50, whose own policies are long too
            api.get(f"/{start}", answer, function=Function(name=f"f{start}", uses=secrets[start : start + 50]))
        backend = Backend("shop", api=api, secrets=secrets, network=Network())
        return endpoint_policy("secretsmanager", backend, DEV)

    assert endpoint(200)
    with pytest.raises(DeclarationError, match=r"endpoint for secretsmanager .* and EC2 allows 20480"):
        endpoint(300)
