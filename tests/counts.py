"""How many random examples, kills and races the tests try: one small run each in `make test`, many runs in `make soak`.

`make soak` repeats every test that has a count, with fresh fixtures and new random values, until the runs add up to it.
A property test has the count EXAMPLES by default; `@count` gives a count to any other test.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Count:
    """The name of what a test counts, and how many there are in one run, as in `make test`, and in `make soak`."""

    name: str
    test: int
    soak: int

    @property
    def runs(self) -> int:
        return math.ceil(self.soak / self.test)


EXAMPLES = Count("examples", test=100, soak=10_000)
"""The count of a property test without one of its own."""


def count(name: str, *, test: int, soak: int, phases: Collection[Phase] = tuple(Phase)) -> Callable[[F], F]:
    """Mark a test that does `test` of `name` in one run, and that `make soak` repeats until there are `soak` of them.

    Above the `@given` of a property test, it also sets the number of examples and the `phases` of Hypothesis.
    """

    def decorate(function: F) -> F:
        counted = settings(max_examples=test, phases=phases)(function) if is_hypothesis_test(function) else function
        return pytest.mark.soak(Count(name, test, soak))(counted)

    return decorate


def register_profiles() -> None:
    """Register two profiles of Hypothesis: `test` tries the same examples each time, `soak` tries new ones.

    Tests have no deadline. Those that use a fixture share it between examples on purpose.
    """
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    shared: dict[str, Any] = {"max_examples": EXAMPLES.test, "deadline": None, "suppress_health_check": checks}
    settings.register_profile("test", derandomize=True, **shared)
    settings.register_profile("soak", derandomize=False, print_blob=True, **shared)


class Soak:
    """The pytest plugin of `make soak`: repeats the tests that have a count, and starts no run after `minutes`."""

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes
        self._end = time.monotonic() + 60 * minutes
        self._wanted: dict[tuple[str, str], int] = {}
        self._made: Counter[tuple[str, str]] = Counter()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if counted := _count_of(metafunc.definition):
            metafunc.fixturenames.append("run")
            metafunc.parametrize("run", range(counted.runs), indirect=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Order the runs so that all tests advance in step: when time is up, each has reached the same share."""
        rest = [item for item in items if not _count_of(item)]
        config.hook.pytest_deselected(items=rest)
        items[:] = sorted((item for item in items if _count_of(item)), key=_share_before)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """Pass over what is left once time is up, without a report for each: there may be tens of thousands."""
        return True if time.monotonic() > self._end else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        counted = _count_of(item)
        assert counted
        item.user_properties.append(("count", (counted.name, counted.test, counted.soak)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            name, number, wanted = dict(report.user_properties)["count"]
            test = report.nodeid.partition("[")[0], name
            self._made[test] += number
            self._wanted[test] = wanted

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("counts: made, of what is wanted of each case of the test")
        for (test, name), wanted in sorted(self._wanted.items()):
            terminalreporter.line(f"{self._made[test, name]:>9,} of {wanted:>9,} {name:<12} {test}")


def _count_of(item: pytest.Item) -> Count | None:
    if marker := item.get_closest_marker("soak"):
        return marker.args[0]
    return EXAMPLES if is_hypothesis_test(getattr(item, "function", None)) else None


def _share_before(item: pytest.Item) -> float:
    """The share of the test's runs that comes before the middle of this one."""
    counted = _count_of(item)
    assert counted
    assert isinstance(item, pytest.Function)
    return (item.callspec.params["run"] + 0.5) / counted.runs
