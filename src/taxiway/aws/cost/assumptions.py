"""What a bill depends on and a declaration does not specify, and changes of the declaration to compare."""

from collections.abc import Iterator

from msgspec import Struct

from taxiway.aws.cost.quantities import written
from taxiway.declare import Backend, Stage

WHOLE_CPU = 1769
"""MB at which a function has one vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""
POLLS = 4
"""Of a stream's shard, in a second: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""


class Assumptions(Struct, frozen=True, kw_only=True):
    """Everything that a bill depends on and a declaration does not specify. All are printed under the bill."""

    item_size: int = 1024
    """Bytes."""
    stored_items: int = 1_000_000
    page: int = 20
    """Items that a query reads."""
    cpu_ms: float = 2.0
    """What a request takes of one whole vCPU, where nothing was measured."""
    wait_ms: float = 5.0
    """For the table's answer to one call."""
    cold_share: float = 0.01
    """Of the requests; a cold start is billed."""
    cold_ms: float = 250.0
    log_bytes: int = 1024
    """Of a request: its access log, Lambda's own three lines, and those of the handler."""
    utilization: float = 0.5
    """Of capacity that a table could have: auto-scaling aims at 0.7, and follows late."""
    cached_share: float = 0.5
    """Of the reads that CloudFront may keep, answered by it."""

    def words(self) -> Iterator[str]:
        yield f"an item has {written(self.item_size)} bytes, and {written(self.stored_items)} are stored"
        yield f"a query reads {self.page} items"
        yield "each request makes each call that its function may make, once; reads are eventually consistent"
        yield f"a call of the table takes {self.wait_ms:g} ms"
        yield f"a request that was not measured takes {self.cpu_ms:g} ms of one vCPU, which is {WHOLE_CPU} MB"
        yield f"{self.cold_share:.1%} of the requests start cold, for {self.cold_ms:g} ms more"
        yield f"a request writes {written(self.log_bytes)} bytes of logs"
        yield "of each function, X-Ray records the first request of a second and 5% of the others"
        yield f"a consumer gets each change by itself, and batches where more than {POLLS} come in a second"


class Setting(Struct, frozen=True, kw_only=True):
    """Changes of the declaration to compare; None means as declared."""

    memory_factor: float = 1.0
    ready: int | None = None
    """Environments of provisioned concurrency, for every function."""
    is_table_provisioned: bool | None = None
    has_cdn: bool | None = None
    log_days: int | None = None
    is_traced: bool | None = None
    has_alarms: bool | None = None


def settings(backend: Backend, stage: Stage, assumptions: Assumptions) -> Iterator[tuple[str, Setting]]:
    """The changes that a bill compares, each with its description."""
    yield "half the memory of every function (a slower CPU, and so longer durations)", Setting(memory_factor=0.5)
    yield "twice the memory of every function", Setting(memory_factor=2.0)
    yield "one environment of every function kept ready (provisioned concurrency)", Setting(ready=1)
    if any(function.provisioned for function in backend.functions):
        yield "no provisioned concurrency", Setting(ready=0)
    if backend.table is not None and backend.table.capacity is None:
        used = f"{assumptions.utilization:.0%}"
        yield f"a provisioned table, used to {used} on average", Setting(is_table_provisioned=True)
    elif backend.table is not None:
        yield "a table on demand", Setting(is_table_provisioned=False)
    if backend.api is not None and backend.api.cdn is None:
        share = f"{assumptions.cached_share:.0%}"
        yield f"CloudFront in front, answering {share} of the reads that it may keep", Setting(has_cdn=True)
    elif backend.api is not None:
        yield "no CloudFront", Setting(has_cdn=False)
    for days in (7, 365):
        if days != backend.operations.log_days_of(stage):
            yield f"logs kept for {days} days", Setting(log_days=days)
    if backend.operations.tracing:
        yield "no tracing", Setting(is_traced=False)
    if backend.operations.has_alarms(stage):
        yield "no alarms (and releases that nothing rolls back)", Setting(has_alarms=False)
    else:
        yield "alarms, as prod has them", Setting(has_alarms=True)
