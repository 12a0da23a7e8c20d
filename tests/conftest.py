"""A real Dynoxide for the tests: installed once for all of them, and running for those that share one.

Those marked `synth` start MiniStack or cfn-lint, which takes seconds, so they only run with -m synth or --soak.
"""

import asyncio
import fcntl
import math
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from tests import counts

from taxiway.local import dynamodb

TEMPLATE = Path(__file__).parents[1] / "template"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="repeat the tests that have a count until they reach it")
    parser.addoption("--minutes", type=float, default=math.inf, help="start no run of --soak after this many minutes")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in the background with Ctrl-C ignored, and so would be all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "synth: needs the group `synth`: MiniStack, cfn-lint and lists of what AWS has")
    config.addinivalue_line("markers", "soak(count): `make soak` repeats it up to its count, see tests/counts.py")
    counts.register_profiles()
    settings.load_profile("soak" if config.option.soak else "test")
    if config.option.soak:
        config.pluginmanager.register(counts.Soak(config.option.minutes))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "synth" in config.option.markexpr or config.option.soak:
        return
    slow = [item for item in items if item.get_closest_marker("synth")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="module", autouse=True)
def no_project_is_imported() -> None:
    """Forget the project that an earlier module's tests imported: all of them call their modules alike."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("backend", "dal", "handlers", "models"):
            del sys.modules[name]


@pytest.fixture
def run(request: pytest.FixtureRequest) -> int:
    """The seed of the test's random choices: the number of the run, which is 0 in `make test`."""
    return getattr(request, "param", 0)


@pytest.fixture(scope="session")
def dynoxide() -> Path:
    """The engine's binary, where `make dev` has it too; the first of the test processes installs it."""
    TEMPLATE.joinpath(".taxiway").mkdir(exist_ok=True)
    with TEMPLATE.joinpath(".taxiway", "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dynamodb.find(TEMPLATE, print) or dynamodb.install(TEMPLATE, print)


@pytest.fixture(scope="session")
def endpoint(dynoxide: Path) -> Generator[str, None, None]:
    """The endpoint of a DynamoDB that every test of this process shares; each takes a table of its own."""
    engine = dynamodb.Engine(dynoxide, None, note=print)
    with asyncio.Runner() as runner:
        runner.run(engine.start())
        yield engine.endpoint
        runner.run(engine.close())


@pytest.fixture(scope="session")
def path_with_engine(dynoxide: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `dynoxide` is on PATH, so that no project installs its own."""
    directory = tmp_path_factory.mktemp("bin")
    (directory / "dynoxide").symlink_to(dynoxide)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}
