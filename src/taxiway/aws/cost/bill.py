"""Estimates a month's bill, from the declaration, its traffic and its durations, and the effect of changes."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from taxiway.aws.cost import edge_lines, function_lines, observability_lines, security_lines, table_lines, traffic
from taxiway.aws.cost.assumptions import Assumptions, Setting, settings
from taxiway.aws.cost.durations import Measured
from taxiway.aws.cost.month import Line, Month
from taxiway.aws.cost.prices import NOTHING_FREE, Prices, free_tier, known_regions, prices_of
from taxiway.aws.packaging.dependencies import Architecture
from taxiway.declare import Backend, DeclarationError, Stage

_LEFT_OUT = (
    "alarm mails (SNS), messages about changes that could not be handled (SQS) and the log of rejected network "
    "traffic, which are zero in normal operation; traffic through a network's endpoint; resources that exist elsewhere "
    "(a firewall, subnets, a domain's zone); the packages in S3"
)


class Knob(Struct, frozen=True):
    """What changes, and by how much the bill would."""

    what: str
    usd: float


class Bill(Struct, frozen=True):
    """A month's bill, in US dollars without tax."""

    lines: tuple[Line, ...]
    knobs: tuple[Knob, ...]
    prices: Prices
    assumptions: Assumptions
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        return sum(line.usd for line in self.lines)


def bill(
    backend: Backend,
    stage: Stage,
    *,
    requests: float,
    read_ratio: float,
    durations: Mapping[str, Measured] | None = None,
    assumptions: Assumptions | None = None,
    architecture: Architecture = "arm64",
    free_tier: bool = False,
) -> Bill:
    """The bill of a month with `requests` requests, of which `read_ratio` (0 to 1) are GET or HEAD.

    Reading routes share the reads evenly, all others the rest. If the prices of the stage's region are unknown, those
    of the nearest region with known prices are used, and a note says so. Raises DeclarationError if there is none, or
    if `durations` name a function that is not declared.
    """
    durations = durations or {}
    assumptions = assumptions or Assumptions()
    check_names(backend, durations)
    prices = regional_prices(stage)

    def lines(setting: Setting) -> tuple[Line, ...]:
        month = Month(
            backend=backend,
            stage=stage,
            prices=prices,
            free=_FREE[free_tier](),
            assumptions=assumptions,
            architecture=architecture,
            setting=setting,
        )
        return tuple(_lines(month, requests, read_ratio, durations))

    now = lines(Setting())
    total = sum(line.usd for line in now)
    knobs = tuple(
        Knob(what, sum(line.usd for line in lines(setting)) - total)
        for what, setting in settings(backend, stage, assumptions)
    )
    return Bill(now, knobs, prices, assumptions, tuple(_notes(backend, stage, prices, durations)))


_FREE = {True: free_tier, False: lambda: NOTHING_FREE}


def check_names(backend: Backend, durations: Mapping[str, Measured]) -> None:
    """Raise DeclarationError if the durations name a function that the backend does not declare."""
    functions = [function.name for function in backend.functions]
    unknown = durations.keys() - set(functions)
    if unknown:
        raise DeclarationError(
            f"The durations name {', '.join(sorted(unknown))}, which the backend does not declare.",
            fix=f"name functions of {backend.name}: {', '.join(functions)}",
        )


def regional_prices(stage: Stage) -> Prices:
    """The prices of a stage's region, or of the nearest known one. Raises DeclarationError for an unknown region."""
    try:
        return prices_of(stage.region)
    except LookupError as error:
        fix = f"set AWS_REGION to a region with known prices: {' or '.join(known_regions())}"
        raise DeclarationError(str(error), fix=fix, where=stage.source) from error


def _lines(month: Month, requests: float, read_ratio: float, durations: Mapping[str, Measured]) -> Iterator[Line]:
    backend, assumptions = month.backend, month.assumptions
    every = traffic.of_requests(backend, assumptions, requests=requests, read_ratio=read_ratio)
    cached = edge_lines.cached_share(backend, assumptions, has_cdn=month.has_cdn)
    passed, ratio = edge_lines.passing(requests, read_ratio, cached)
    loads = traffic.of_requests(backend, assumptions, requests=passed, read_ratio=ratio)
    consumed = traffic.of_consumers(backend, assumptions, changes=sum(load.changes for load in loads))
    loads += consumed
    yield from edge_lines.of_gateway(month, passed)
    yield from function_lines.lines(month, loads, durations)
    yield from table_lines.lines(month, loads)
    yield from security_lines.of_secrets(month, loads)
    yield from security_lines.of_keys(month, loads)
    yield from observability_lines.of_logs(month, passed + sum(load.requests for load in consumed))
    yield from observability_lines.of_traces(month, loads)
    yield from observability_lines.of_alarms(month)
    yield from security_lines.of_network(month)
    yield from edge_lines.of_data(month, requests, sum(load.bytes_out for load in every))


def _notes(backend: Backend, stage: Stage, prices: Prices, durations: Mapping[str, Measured]) -> Iterator[str]:
    guessed = [function.name for function in backend.functions if function.name not in durations]
    if guessed:
        yield f"Assumed, because they were not measured: the durations of {', '.join(guessed)}."
    yield f"Not counted: {_LEFT_OUT}."
    if prices.region != stage.region:
        known = f"these are of {prices.region}, the nearest known region"
        yield f"The prices of {stage.region} are unknown: {known}."
