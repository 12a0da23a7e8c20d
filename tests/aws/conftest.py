"""The template of each of the backends, synthesized once for all tests, and an account of a MiniStack."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from tests.aws import ministack
from tests.aws.backends import BACKENDS, packages

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying.account import Account
from taxiway.aws.template.synthesis import synthesize


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
