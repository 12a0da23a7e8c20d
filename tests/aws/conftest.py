"""The template of each of the backends, synthesized once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.aws.backends import BACKENDS, packages

from taxiway.aws.synthesis import synthesize


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
