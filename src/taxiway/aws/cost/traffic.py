"""What a month's requests ask of each function: requests, calls of the table, and bytes of answers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import assert_never

from msgspec import Struct

from taxiway.aws.cost import table_units
from taxiway.aws.cost.assumptions import POLLS, Assumptions
from taxiway.aws.cost.prices import SECONDS
from taxiway.aws.cost.table_units import Units
from taxiway.declare import Backend, Function, Grant, Route, StreamConsumer

_HEADERS = 400  # bytes of a response


class Load(Struct, frozen=True):
    """What one function is asked to do in a month."""

    function: Function
    requests: float
    """Of a consumer, its invocations."""
    calls: float
    """Of the table, in one request."""
    reads: Units
    """Of all requests."""
    writes: Units
    changes: float
    """Items that all requests write."""
    bytes_out: float


def is_read(route: Route) -> bool:
    return route.method in ("GET", "HEAD")


def of_requests(backend: Backend, assumptions: Assumptions, *, requests: float, read_ratio: float) -> list[Load]:
    """The loads of the functions behind routes: reading routes share the reads evenly, all others the rest."""
    kinds = Counter(is_read(route) for route in backend.routes)
    share = {True: read_ratio, False: 1 - read_ratio}
    if not all(kinds[kind] for kind in share):  # routes of one kind have all of it
        share = dict.fromkeys(share, 1.0)
    each = {kind: requests * share[kind] / count for kind, count in kinds.items()}
    loads = (_of_function(function, backend, assumptions, each) for function in backend.functions)
    return [load for load in loads if load is not None]


def of_consumers(backend: Backend, assumptions: Assumptions, *, changes: float) -> list[Load]:
    """What the consumers do with the changes; those that they make themselves come on top, and aren't counted."""
    loads: list[Load] = []
    for trigger in backend.triggers:
        match trigger:
            case Route():
                pass  # its requests are counted by `of_requests`
            case StreamConsumer():
                loads.append(_of_stream_consumer(trigger, backend, assumptions, changes))
            case _:
                assert_never(trigger)
    return loads


def _of_function(
    function: Function, backend: Backend, assumptions: Assumptions, each: dict[bool, float]
) -> Load | None:
    """The load of a function; `each` has the requests of one route that reads (True) or doesn't."""
    own = Counter(is_read(route) for route in backend.routes_of(function))
    if not own:
        return None
    total = calls = changes = out = 0.0
    reads = writes = Units()
    for kind, count in own.items():
        here = each[kind] * count
        grants = [grant for grant in function.grants if len(own) == 1 or table_units.is_read(grant) == kind]
        # The routes that share a function share its grants: each makes its part of the calls.
        part = 1 / count
        total += here
        calls += here * sum(map(table_units.calls, grants)) * part
        reads += _reads(grants, assumptions) * (here * part)
        writes += _writes(grants, backend, assumptions) * (here * part)
        changes += here * sum(map(table_units.changes, grants)) * part
        items = assumptions.page if any(grant.verb == "query" for grant in grants) else 1
        out += here * (_HEADERS + (items * assumptions.item_size if grants else 0))
    return Load(function, total, calls / total if total else 0.0, reads, writes, changes, out)


def _of_stream_consumer(consumer: StreamConsumer, backend: Backend, assumptions: Assumptions, changes: float) -> Load:
    grants = consumer.function.grants
    invoked = max(min(changes, POLLS * SECONDS), changes / consumer.batch)
    calls = changes * sum(map(table_units.calls, grants)) / invoked if invoked else 0.0
    reads, writes = _reads(grants, assumptions) * changes, _writes(grants, backend, assumptions) * changes
    return Load(consumer.function, invoked, calls, reads, writes, 0.0, 0.0)


def _reads(grants: Iterable[Grant], assumptions: Assumptions) -> Units:
    """Of a request that makes each call once."""
    size, page = assumptions.item_size, assumptions.page
    return table_units.sum_of(table_units.read_units(grant, item_size=size, page=page) for grant in grants)


def _writes(grants: Sequence[Grant], backend: Backend, assumptions: Assumptions) -> Units:
    return table_units.sum_of(
        table_units.write_units(grant, beside=grants, backend=backend, item_size=assumptions.item_size)
        for grant in grants
    )
