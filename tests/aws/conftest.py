"""Tests that synthesize with the CDK start Node and take seconds, so they run where they are asked for: -m synth."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "synth: synthesizes templates with the CDK (needs Node and the group `synth`)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "synth" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("synth")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
