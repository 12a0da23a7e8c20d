"""What Lambda bills: requests, durations, and environments that are kept ready."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil

from taxiway.aws.cost.assumptions import WHOLE_CPU, Assumptions
from taxiway.aws.cost.durations import Measured
from taxiway.aws.cost.month import Line, Month, tiered
from taxiway.aws.cost.prices import SECONDS
from taxiway.aws.cost.traffic import Load

_MEMORY = (128, 10_240)


def lines(month: Month, loads: Iterable[Load], durations: Mapping[str, Measured]) -> Iterator[Line]:
    prices, assumptions = month.prices, month.assumptions
    requests = on_demand = running = ready = 0.0
    for load in loads:
        declared = load.function.provisioned.minimum if load.function.provisioned else 0
        kept = declared if month.setting.ready is None else month.setting.ready
        memory = min(max(load.function.memory * month.setting.memory_factor, _MEMORY[0]), _MEMORY[1])
        cold = 0.0 if kept else assumptions.cold_share * assumptions.cold_ms
        warm = warm_ms(load, durations.get(load.function.name), memory, assumptions)
        used = gb_seconds(load.requests, ceil(round(warm, 6)) + cold, memory)
        requests += load.requests
        running += used if kept else 0.0
        on_demand += 0.0 if kept else used
        ready += kept * memory / 1024 * SECONDS
    free = month.free.function_requests
    yield tiered("Lambda", "requests", requests, "", ((0, prices.function_requests),), free)
    tiers = prices.function_gb_seconds[month.architecture]
    yield tiered("Lambda", "duration", on_demand, "GB-s", tiers, month.free.gb_seconds)
    if ready:
        price = prices.provisioned_gb_seconds[month.architecture]
        yield Line("Lambda", "kept ready", ready, "GB-s", ready * price)
        price = prices.provisioned_running_gb_seconds[month.architecture]
        yield Line("Lambda", "duration there", running, "GB-s", running * price)


def warm_ms(load: Load, measured: Measured | None, memory: float, assumptions: Assumptions) -> float:
    """What a warm request takes with `memory` MB: less CPU makes its computing longer, and its waiting not."""
    wait = load.calls * assumptions.wait_ms
    if measured is None:
        cpu = assumptions.cpu_ms
    elif measured.where == "local":
        cpu = measured.ms
    else:
        wait = min(wait, measured.ms)
        cpu = (measured.ms - wait) * cpus(load.function.memory)
    return wait + cpu / cpus(memory)


def environments(load: Load, assumptions: Assumptions) -> int:
    """How many are busy on average, and one at least."""
    busy = load.requests / SECONDS * warm_ms(load, None, load.function.memory, assumptions) / 1000
    return max(1, ceil(busy))


def gb_seconds(requests: float, ms: float, memory: float) -> float:
    """What Lambda bills duration in: `memory` in MB."""
    return requests * ms / 1000 * memory / 1024


def cpus(memory: float) -> float:
    """The vCPUs that a handler, which runs in one thread, can use."""
    return min(1.0, memory / WHOLE_CPU)
