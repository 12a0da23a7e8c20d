"""Tests that synthesize with the CDK start Node and take seconds, so they run where they are asked for: -m synth."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.aws.backends import BACKENDS, packages

from taxiway.aws.synthesis import synthesize


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "synth: synthesizes templates with the CDK (needs Node and the group `synth`)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "synth" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("synth")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Synthesizes one of the BACKENDS once, and gives the directory of its cloud assembly."""
    done: dict[str, Path] = {}

    def assembled(name: str) -> Path:
        if name not in done:
            directory = tmp_path_factory.mktemp(name)
            backend, at = BACKENDS[name]()
            synthesize(backend, at, packages=packages(backend, directory), directory=directory / "assembly")
            done[name] = directory / "assembly"
        return done[name]

    return assembled
