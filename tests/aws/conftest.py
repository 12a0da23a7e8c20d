"""Tests that synthesize with the CDK start Node and take seconds, so they run where they are asked for: -m synth."""

from collections.abc import Generator

import pytest
from tests.aws import ministack

from taxiway.aws import account as accounts
from taxiway.aws.account import Account


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "synth: synthesizes templates with the CDK (needs Node and the group `synth`)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "synth" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("synth")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Generator[Account]:
    """The account of a MiniStack of the module's own."""
    with (
        pytest.MonkeyPatch.context() as patch,
        ministack.serve(tmp_path_factory.mktemp("ministack") / "log") as endpoint,
    ):
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": ministack.REGION,
        }.items():
            patch.setenv(name, value)
        yield accounts.connect(ministack.STAGE)
