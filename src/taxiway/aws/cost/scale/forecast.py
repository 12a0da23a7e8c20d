"""What a stage does at each rate of requests, on each stack: simulated, and billed for a month."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from taxiway.aws.cost import bill, edge_lines, traffic
from taxiway.aws.cost.assumptions import Assumptions
from taxiway.aws.cost.durations import Measured
from taxiway.aws.cost.function_lines import warm_ms
from taxiway.aws.cost.prices import SECONDS
from taxiway.aws.cost.scale.arrivals import Arrivals, Bursty, Poisson, name_of
from taxiway.aws.cost.scale.pools import Limits
from taxiway.aws.cost.scale.simulation import SPREAD, Served, Simulated, Window, simulate
from taxiway.aws.cost.scale.stacks import Stack
from taxiway.declare import Backend, DeclarationError, Stage

PLATFORM_MS = 100.0
"""What Lambda takes to place an environment and its package, before the interpreter starts. It bills none of it."""

_SHORTEST_S, _LONGEST_S = 20.0, 3600.0
_WARM_UP = 0.25


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of a stage."""

    backend: Backend
    stage: Stage
    rates: tuple[float, ...]
    """Requests a second that clients send."""
    read_ratio: float
    limits: Limits = Limits()
    assumptions: Assumptions = Assumptions()
    durations: Mapping[str, Measured] = {}
    """Of the backend's own functions: they stand in the place of Taxiway's figure for warm requests."""
    seed: int = 1
    sample: int = 100_000
    """Requests that are simulated for each point, about."""
    free_tier: bool = False


class Point(Struct, frozen=True):
    """The answer for one stack, arrival process and rate."""

    stack: str
    arrivals: str
    rate: float
    simulated: Simulated
    usd_a_month: float


def forecast(question: Question, stacks: Sequence[Stack]) -> Iterator[Point]:
    """A point for each arrival process, rate and stack. Raises DeclarationError if the backend has no routes."""
    if not question.backend.routes:
        raise DeclarationError(
            f"The backend {question.backend.name} has no routes, and the simulation is of requests to routes.",
            fix="run `taxiway cost` without --simulate",
            where=question.backend.source,
        )
    bill.check_names(question.backend, question.durations)
    for process in (Poisson, Bursty):
        for rate in question.rates:
            for stack in stacks:
                yield _point(question, stack, process(rate=rate))


def window_of(rate: float, sample: int) -> Window:
    """Long enough for a sample of so many requests, and for some bursts; an hour at most."""
    measured = min(_LONGEST_S, max(_SHORTEST_S, sample / rate))
    return Window(measured * _WARM_UP, measured)


def words(question: Question) -> Iterator[str]:
    """Everything that the simulation assumes."""
    limits, burst = question.limits, Bursty(rate=1)
    requests = limits.concurrency * limits.requests_per_second
    yield f"the account runs {limits.concurrency:,} requests at once, and takes {requests:,} a second"
    yield f"a function starts {limits.starts:,} environments in {limits.starts_s:g} s"
    minutes, hours = limits.keep_warm_s / 60, limits.lifetime_s / 3600
    yield f"an environment ends after {minutes:g} idle minutes, or {hours:g} hours in all"
    yield f"Lambda takes {PLATFORM_MS:g} ms to start an environment before the interpreter runs"
    yield "until its first request, an environment has a whole CPU; then the share that its memory gives it"
    yield "the environment that became idle last is used first; API Gateway and the network come on top"
    yield f"a call of the table takes {question.assumptions.wait_ms:g} ms on average, log-normal (sigma {SPREAD:g})"
    yield "poisson: requests are independent of each other"
    yield f"bursty: {burst.factor:g} times the rate for {burst.burst_s:g} s of every {burst.cycle_s:g} s"


def _point(question: Question, stack: Stack, arrivals: Arrivals) -> Point:
    assumptions = replace(question.assumptions, cpu_ms=stack.warm_ms)
    durations: Mapping[str, Measured] = question.durations if stack.name == "Taxiway" else {}
    asked = replace(question, assumptions=assumptions, durations=durations)
    reaching, ratio = _reaching(asked, arrivals.rate)
    simulated = simulate(
        list(_served(asked, stack, reaching, ratio)),
        replace(arrivals, rate=reaching),
        limits=question.limits,
        window=window_of(reaching, question.sample),
        platform_ms=PLATFORM_MS,
        seed=question.seed,
    )
    month = bill.bill(
        question.backend,
        question.stage,
        requests=arrivals.rate * SECONDS * (1 - simulated.throttled_share),
        read_ratio=question.read_ratio,
        durations=durations,
        assumptions=replace(assumptions, cold_share=simulated.cold_share, cold_ms=stack.init_ms),
        free_tier=question.free_tier,
    )
    return Point(stack.name, name_of(arrivals), arrivals.rate, simulated, month.total)


def _reaching(question: Question, rate: float) -> tuple[float, float]:
    """The rate of requests that a CDN leaves to the functions, and the share of reads in it."""
    share = edge_lines.cached_share(question.backend, question.assumptions, has_cdn=question.backend.cdn is not None)
    return edge_lines.passing(rate, question.read_ratio, share)


def _served(question: Question, stack: Stack, rate: float, read_ratio: float) -> Iterator[Served]:
    assumptions = question.assumptions
    loads = traffic.of_requests(question.backend, assumptions, requests=rate, read_ratio=read_ratio)
    for load in loads:
        if not load.requests:
            continue
        function = load.function
        warm = warm_ms(load, question.durations.get(function.name), function.memory, assumptions)
        wait = min(load.calls * assumptions.wait_ms, warm)
        yield Served(
            name=function.name,
            share=load.requests / rate,
            compute_ms=warm - wait,
            wait_ms=wait,
            init_ms=stack.init_ms,
            reserved=function.concurrency,
            ready=function.provisioned.minimum if function.provisioned else 0,
        )
