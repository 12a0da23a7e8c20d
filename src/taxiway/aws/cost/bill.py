"""Estimates a month's bill, from the declaration, its traffic and its durations, and the effect of changes."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Literal, assert_never

import msgspec
from msgspec import Struct

from taxiway.aws.cost import table_units
from taxiway.aws.cost.prices import FREE_TIER, NOTHING_FREE, REGIONS, Allowance, Prices, charge, prices_of
from taxiway.aws.cost.table_units import Units
from taxiway.aws.packaging.dependencies import Architecture
from taxiway.aws.template import alarms
from taxiway.declare import Backend, DeclarationError, Function, Grant, Route, Stage, StreamConsumer, Table

HOURS = 730
"""In a month, as AWS counts."""
SECONDS = HOURS * 3600
WHOLE_CPU = 1769
"""MB at which a function has one vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""

_GB = 1024**3
_ITEM_OVERHEAD = (
    100  # bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
)
_HEADERS = 400  # bytes of a response
_SECRET_READS = 4  # in an hour: `taxiway.secrets` keeps a value for 15 minutes
_KEY_READS = 12  # in an hour: https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
_POLLS = 4  # in a second, of a shard: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
_DASHBOARDS = 2
_SCALING_ALARMS = {"table": 4, "function": 2}
"""That auto-scaling makes for each capacity: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"""
_MEMORY = (128, 10_240)
_SIZE = re.compile(r"([0-9]*\.?[0-9]+)\s*([kmbg]?)b?", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"^\d{3} \S+ +\S.* +([0-9.]+) ms +(warm|cold) +(\S+) +\S+$")
_COLOR = re.compile(r"\x1b\[\d+m")


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
        yield f"an item has {_count(self.item_size)} bytes, and {_count(self.stored_items)} are stored"
        yield f"a query reads {self.page} items"
        yield "each request makes each call that its function may make, once; reads are eventually consistent"
        yield f"a call of the table takes {self.wait_ms:g} ms"
        yield f"a request that was not measured takes {self.cpu_ms:g} ms of one vCPU, which is {WHOLE_CPU} MB"
        yield f"{self.cold_share:.1%} of the requests start cold, for {self.cold_ms:g} ms more"
        yield f"a request writes {_count(self.log_bytes)} bytes of logs"
        yield "of each function, X-Ray records the first request of a second and 5% of the others"
        yield f"a consumer gets each change by itself, and batches where more than {_POLLS} come in a second"


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
    """And dashboards, which come with them."""


class Measured(Struct, frozen=True):
    """How long a function takes when warm, on average: milliseconds in all, measured where it says."""

    ms: float
    where: Literal["laptop", "lambda"]
    """Locally it has a whole CPU and a local table; on Lambda the CPU share of its memory, and DynamoDB."""


class Line(Struct, frozen=True):
    """One line of a bill."""

    resource: str
    what: str
    quantity: float
    unit: str
    usd: float


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


class _Load(Struct, frozen=True):
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
    functions = [function.name for function in backend.functions]
    unknown = durations.keys() - set(functions)
    if unknown:
        raise DeclarationError(
            f"The durations name {', '.join(sorted(unknown))}, which the backend does not declare.",
            fix=f"name functions of {backend.name}: {', '.join(functions)}",
        )
    try:
        prices = prices_of(stage.region)
    except LookupError as error:
        fix = f"set AWS_REGION to a region with known prices: {' or '.join(REGIONS)}"
        raise DeclarationError(str(error), fix=fix, where=stage.source) from error

    def lines(setting: Setting) -> tuple[Line, ...]:
        month = _Month(backend, stage, prices, assumptions, architecture, FREE_TIER if free_tier else NOTHING_FREE)
        return tuple(month.lines(requests, read_ratio, durations, setting))

    now = lines(Setting())
    total = sum(line.usd for line in now)
    knobs = tuple(
        Knob(what, sum(line.usd for line in lines(setting)) - total)
        for what, setting in _settings(backend, stage, assumptions)
    )
    guessed = [name for name in functions if name not in durations]
    notes = [f"Assumed, because they were not measured: the durations of {', '.join(guessed)}."] if guessed else []
    notes.append(f"Not counted: {_LEFT_OUT}.")
    if prices.region != stage.region:
        known = f"these are of {prices.region}, the nearest known region"
        notes.append(f"The prices of {stage.region} are unknown: {known}.")
    return Bill(now, knobs, prices, assumptions, tuple(notes))


_LEFT_OUT = (
    "alarm mails (SNS), messages about changes that could not be handled (SQS) and the log of rejected network "
    "traffic, which are zero in normal operation; traffic through a network's endpoint; resources that exist elsewhere "
    "(a firewall, subnets, a domain's zone); the packages in S3"
)


def read_durations(text: str) -> dict[str, Measured]:
    """Durations by function, from what `taxiway dev` printed, or from JSON: `{"create-item": 7.4}`, in ms on Lambda.

    Of the output of `taxiway dev`, only warm requests count. Raises ValueError if the text is neither.
    """
    if text.lstrip().startswith("{"):
        try:
            given = msgspec.json.decode(text, type=dict[str, float])
        except msgspec.MsgspecError as error:
            raise ValueError(f"The durations must be a JSON object from functions to milliseconds: {error}") from error
        return {name: Measured(ms, "lambda") for name, ms in given.items()}
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for line in _COLOR.sub("", text).splitlines():
        request = _REQUEST_LINE.match(line.rstrip())
        if request and request[2] == "warm":
            seen[request[3]].append(float(request[1]))
    if not seen:
        raise ValueError("The durations contain no line of a warm request from `taxiway dev`.")
    return {name: Measured(sum(times) / len(times), "laptop") for name, times in seen.items()}


def quantity(text: str) -> int:
    """A number with K, M or B (or G) behind it: `10M` is ten million, `2KB` 2048. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"Invalid quantity {text!r}: expected 250000, 10M, or 2KB")
    is_size = len(text.strip()) > 1 and text.strip()[-2:].lower() in ("kb", "mb", "gb")
    power = {"": 0, "k": 1, "m": 2, "b": 3, "g": 3}[match[2].lower()]
    return round(float(match[1]) * (1024 if is_size else 1000) ** power)


def report(bill: Bill) -> list[str]:
    """The bill as lines of text: by resource, then the effect of each change, and all assumptions."""
    rows: list[tuple[str, str, str, str]] = []
    by_resource: defaultdict[str, float] = defaultdict(float)
    for line in bill.lines:
        by_resource[line.resource] += line.usd
    shown = ""
    for line in bill.lines:
        resource, shown = ("" if line.resource == shown else line.resource), line.resource
        rows.append((resource, line.what, f"{_count(line.quantity)} {line.unit}", f"{line.usd:,.2f}"))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    text = [
        f"{row[0].ljust(widths[0])}  {row[1].ljust(widths[1])}  {row[2].rjust(widths[2])}  {row[3].rjust(widths[3])}"
        for row in rows
    ]
    total = f"{bill.total:,.2f}"
    text += ["", f"{'USD a month, without tax'.ljust(sum(widths[:3]) + 4)}  {total.rjust(widths[3])}", ""]
    text += ["What would change it:"]
    text += [f"  {knob.usd:>+10,.2f}  {knob.what}" for knob in bill.knobs]
    text += ["", "Assumed:", *(f"  {words}" for words in bill.assumptions.words()), *bill.notes]
    text += ["", f"On-demand list prices of {bill.prices.region} as of {bill.prices.date}, as they are in"]
    text += [f"  {source}" for source in bill.prices.sources]
    return text


class _Month:
    """Adds up one month under one setting."""

    def __init__(
        self,
        backend: Backend,
        stage: Stage,
        prices: Prices,
        assumptions: Assumptions,
        architecture: Architecture,
        free: Allowance,
    ) -> None:
        self._backend = backend
        self._stage = stage
        self._prices = prices
        self._assumptions = assumptions
        self._architecture: Architecture = architecture
        self._free = free

    def lines(
        self, requests: float, read_ratio: float, durations: Mapping[str, Measured], setting: Setting
    ) -> Iterator[Line]:
        prices, cdn = self._prices, self._backend.cdn
        has_cdn = cdn is not None if setting.has_cdn is None else setting.has_cdn
        cached = requests * read_ratio * self._cached_share() if has_cdn else 0.0
        passed = requests - cached
        bytes_out = sum(load.bytes_out for load in self._loads(requests, read_ratio)) / _GB
        loads = self._loads(passed, (requests * read_ratio - cached) / passed if passed else 0.0)
        consumed = self._consumed(sum(load.changes for load in loads))
        loads += consumed
        yield _tiered("API Gateway", "requests", passed, "", prices.api_requests)
        yield from self._functions(loads, durations, setting)
        yield from self._table(loads, setting)
        yield from self._secrets(loads)
        yield from self._keys(loads)
        yield from self._logs(passed + sum(load.requests for load in consumed), setting)
        yield from self._traces(loads, setting)
        yield from self._watching(setting)
        yield from self._network()
        if has_cdn:
            price = ((0, prices.cdn_requests),)
            yield _tiered("CloudFront", "requests", requests, "", price, self._free.cdn_requests)
            yield _tiered("CloudFront", "data out", bytes_out, "GB", prices.cdn_data_out, self._free.cdn_data_out)
        else:
            yield _tiered("Data transfer", "out", bytes_out, "GB", prices.data_out, self._free.data_out)
        if has_cdn and cdn is not None and cdn.firewall is not None and cdn.firewall.arn is None:
            rules = 1 + len(cdn.firewall.rules)
            yield Line("WAF", "rules", rules, "", prices.firewalls + rules * prices.firewall_rules)
            yield Line("WAF", "requests", requests, "", requests * prices.firewall_requests)

    def _cached_share(self) -> float:
        """Of the reads, what CloudFront answers: of the routes that declare a cache, or else of any that could."""
        reading = [route for route in self._backend.routes if _reads(route)]
        cached = sum(route.cache is not None for route in reading)
        if self._backend.cdn is None and not cached:
            return self._assumptions.cached_share
        return self._assumptions.cached_share * cached / max(1, len(reading))

    def _loads(self, requests: float, read_ratio: float) -> list[_Load]:
        routes = self._backend.routes
        kinds = Counter(_reads(route) for route in routes)
        share = {True: read_ratio, False: 1 - read_ratio}
        if not all(kinds[kind] for kind in share):  # routes of one kind have all of it
            share = dict.fromkeys(share, 1.0)
        loads: list[_Load] = []
        for function in self._backend.functions:
            own = Counter(_reads(route) for route in self._backend.routes_of(function))
            if not own:
                continue
            total = calls = changes = out = 0.0
            reads = writes = Units()
            for kind, count in own.items():
                here = requests * share[kind] / kinds[kind] * count
                grants = [grant for grant in function.grants if len(own) == 1 or table_units.is_read(grant) == kind]
                # The routes that share a function share its grants: each makes its part of the calls.
                part = 1 / count
                total += here
                calls += here * sum(map(table_units.calls, grants)) * part
                reads += self._reads(grants) * (here * part)
                writes += self._writes(grants) * (here * part)
                changes += here * sum(map(table_units.changes, grants)) * part
                items = self._assumptions.page if any(grant.verb == "query" for grant in grants) else 1
                out += here * (_HEADERS + (items * self._assumptions.item_size if grants else 0))
            loads.append(_Load(function, total, calls / total if total else 0.0, reads, writes, changes, out))
        return loads

    def _consumed(self, changes: float) -> list[_Load]:
        """What the consumers do with the changes; those that they make themselves come on top, and aren't counted."""
        loads: list[_Load] = []
        for trigger in self._backend.triggers:
            match trigger:
                case Route():
                    pass  # its requests are counted by `_loads`
                case StreamConsumer():
                    loads.append(self._of_stream_consumer(trigger, changes))
                case _:
                    assert_never(trigger)
        return loads

    def _of_stream_consumer(self, consumer: StreamConsumer, changes: float) -> _Load:
        grants = consumer.function.grants
        invoked = max(min(changes, _POLLS * SECONDS), changes / consumer.batch)
        calls = changes * sum(map(table_units.calls, grants)) / invoked if invoked else 0.0
        reads, writes = self._reads(grants) * changes, self._writes(grants) * changes
        return _Load(consumer.function, invoked, calls, reads, writes, 0.0, 0.0)

    def _reads(self, grants: Iterable[Grant]) -> Units:
        """Of a request that makes each call once."""
        item_size, page = self._assumptions.item_size, self._assumptions.page
        return table_units.sum_of(table_units.read_units(grant, item_size=item_size, page=page) for grant in grants)

    def _writes(self, grants: Sequence[Grant]) -> Units:
        size, backend = self._assumptions.item_size, self._backend
        return table_units.sum_of(
            table_units.write_units(grant, beside=grants, backend=backend, item_size=size) for grant in grants
        )

    def _functions(self, loads: Iterable[_Load], durations: Mapping[str, Measured], setting: Setting) -> Iterator[Line]:
        prices, architecture = self._prices, self._architecture
        requests = on_demand = running = ready = 0.0
        for load in loads:
            declared = load.function.provisioned.minimum if load.function.provisioned else 0
            kept = declared if setting.ready is None else setting.ready
            memory = min(max(load.function.memory * setting.memory_factor, _MEMORY[0]), _MEMORY[1])
            cold = 0.0 if kept else self._assumptions.cold_share * self._assumptions.cold_ms
            ms = ceil(round(self._warm_ms(load, durations.get(load.function.name), memory), 6)) + cold
            used = gb_seconds(load.requests, ms, memory)
            requests += load.requests
            running += used if kept else 0.0
            on_demand += 0.0 if kept else used
            ready += kept * memory / 1024 * SECONDS
        free = self._free.function_requests
        yield _tiered("Lambda", "requests", requests, "", ((0, prices.function_requests),), free)
        tiers = prices.function_gb_seconds[architecture]
        yield _tiered("Lambda", "duration", on_demand, "GB-s", tiers, self._free.gb_seconds)
        if ready:
            price = prices.provisioned_gb_seconds[architecture]
            yield Line("Lambda", "kept ready", ready, "GB-s", ready * price)
            price = prices.provisioned_running_gb_seconds[architecture]
            yield Line("Lambda", "duration there", running, "GB-s", running * price)

    def _warm_ms(self, load: _Load, measured: Measured | None, memory: float) -> float:
        """What a warm request takes with `memory` MB: less CPU makes its computing longer, and its waiting not."""
        wait = load.calls * self._assumptions.wait_ms
        if measured is None:
            cpu = self._assumptions.cpu_ms
        elif measured.where == "laptop":
            cpu = measured.ms
        else:
            wait = min(wait, measured.ms)
            cpu = (measured.ms - wait) * _cpus(load.function.memory)
        return wait + cpu / _cpus(memory)

    def _table(self, loads: Iterable[_Load], setting: Setting) -> Iterator[Line]:
        table, prices = self._backend.table, self._prices
        if table is None:
            return
        reads = table_units.sum_of(load.reads for load in loads)
        writes = table_units.sum_of(load.writes for load in loads)
        if self._is_table_provisioned(table, setting):
            yield from self._capacity(table, reads, writes)
        else:
            yield Line("DynamoDB", "reads", reads.total, "units", reads.total * prices.table_reads)
            yield Line("DynamoDB", "writes", writes.total, "units", writes.total * prices.table_writes)
        copies = 1 + len(table.indexes)
        item = self._assumptions.item_size + _ITEM_OVERHEAD
        stored = self._assumptions.stored_items * item / _GB
        storage = ((0, prices.table_storage),)
        yield _tiered("DynamoDB", "storage", stored * copies, "GB", storage, self._free.table_storage)
        if self._backend.operations.is_protected(self._stage):
            yield Line("DynamoDB", "point-in-time recovery", stored, "GB", stored * prices.table_backup)

    def _capacity(self, table: Table, reads: Units, writes: Units) -> Iterator[Line]:
        """What auto-scaling keeps of the table and each of its indexes, by the hour."""
        declared, prices = table.capacity, self._prices
        utilization = declared.target / 100 if declared else self._assumptions.utilization
        for what, used, bounds, price in (
            ("read capacity", reads, declared.read if declared else table_units.BOUNDS, prices.table_read_hours),
            ("write capacity", writes, declared.write if declared else table_units.BOUNDS, prices.table_write_hours),
        ):
            units = used.provisioned(table, bounds, utilization=utilization, seconds=SECONDS)
            yield _tiered("DynamoDB", what, units, "units", ((0, HOURS * price),), self._free.table_capacity)

    def _secrets(self, loads: Iterable[_Load]) -> Iterator[Line]:
        count = len({secret.id for secret in self._backend.secrets if secret.id is not None})
        if not count:
            return
        yield Line("Secrets Manager", "secrets", count, "", count * self._prices.secrets)
        calls = sum(self._environments(load) * len(load.function.secrets) * _SECRET_READS * HOURS for load in loads)
        yield Line("Secrets Manager", "calls", calls, "", calls * self._prices.secret_calls)

    def _keys(self, loads: Iterable[_Load]) -> Iterator[Line]:
        """Customer managed keys: DynamoDB calls KMS for each caller every 5 minutes, Secrets Manager for each read."""
        table = self._backend.table and self._backend.table.encryption_key
        reading = {id(each.function) for each in self._backend.table.consumers} if self._backend.table else set[int]()
        keys = {secret.encryption_key for secret in self._backend.secrets if secret.id is not None} | {table}
        count = len(keys - {None})
        if not count:
            return
        yield Line("KMS", "keys", count, "", count * self._prices.keys)
        callers = sum(bool(function.grants) or id(function) in reading for function in self._backend.functions)
        calls = callers * _KEY_READS * HOURS if table else 0
        for load in loads:
            secrets = sum(secret.encryption_key is not None for secret in load.function.secrets)
            calls += self._environments(load) * secrets * _SECRET_READS * HOURS
        yield _tiered("KMS", "calls", calls, "", ((0, self._prices.key_calls),), self._free.key_calls)

    def _environments(self, load: _Load) -> int:
        busy = load.requests / SECONDS * self._warm_ms(load, None, load.function.memory) / 1000
        return max(1, ceil(busy))

    def _logs(self, requests: float, setting: Setting) -> Iterator[Line]:
        ingested = requests * self._assumptions.log_bytes / _GB
        price = ((0, self._prices.logs_ingested),)
        yield _tiered("CloudWatch Logs", "ingested", ingested, "GB", price, self._free.logs_ingested)
        days = setting.log_days or self._backend.operations.log_days_of(self._stage)
        stored = ingested * days / 30
        yield Line("CloudWatch Logs", "stored", stored, "GB", stored * self._prices.logs_stored)

    def _traces(self, loads: Iterable[_Load], setting: Setting) -> Iterator[Line]:
        """https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html: its sampling can't be set."""
        if self._backend.operations.tracing if setting.is_traced is None else setting.is_traced:
            traces = sum(min(load.requests, SECONDS) + max(0.0, load.requests - SECONDS) * 0.05 for load in loads)
            yield _tiered("X-Ray", "traces", traces, "", ((0, self._prices.traces),), self._free.traces)

    def _watching(self, setting: Setting) -> Iterator[Line]:
        """Alarms, those of auto-scaling too, the count of errors that each function logs, and the dashboards."""
        backend, prices, free = self._backend, self._prices, self._free
        has_alarms = backend.operations.has_alarms(self._stage) if setting.has_alarms is None else setting.has_alarms
        own = sum(len(alarm.metrics) for alarm in alarms.every(backend, self._stage)) if has_alarms else 0
        looked_at = own + self._scaling_alarms(setting)
        if looked_at:
            price = ((0, prices.alarm_metrics),)
            yield _tiered("CloudWatch", "metrics of alarms", looked_at, "", price, free.alarm_metrics)
        if has_alarms:
            logged = len(backend.functions)
            yield _tiered("CloudWatch", "metrics of logs", logged, "", ((0, prices.metrics),), free.metrics)
            yield _tiered("CloudWatch", "dashboards", _DASHBOARDS, "", ((0, prices.dashboards),), free.dashboards)

    def _scaling_alarms(self, setting: Setting) -> int:
        table, scaled = self._backend.table, 0
        if table is not None and self._is_table_provisioned(table, setting):
            scaled += _SCALING_ALARMS["table"] * 2 * (1 + len(table.indexes))
        for function in self._backend.functions:
            if function.provisioned and function.provisioned.maximum and setting.ready is None:
                scaled += _SCALING_ALARMS["function"]
        return scaled

    @staticmethod
    def _is_table_provisioned(table: Table, setting: Setting) -> bool:
        return table.capacity is not None if setting.is_table_provisioned is None else setting.is_table_provisioned

    def _network(self) -> Iterator[Line]:
        """The endpoint for secrets, in each zone. That for the table is free.

        https://aws.amazon.com/privatelink/pricing/
        """
        network = self._backend.network
        reads_secrets = any(function.secrets for function in self._backend.functions)
        if network is not None and not network.exists and reads_secrets:
            hours = network.zone_count * HOURS
            yield Line("VPC", "interface endpoint", hours, "h", hours * self._prices.endpoint_hours)


def gb_seconds(requests: float, ms: float, memory: float) -> float:
    """What Lambda bills duration in: `memory` in MB."""
    return requests * ms / 1000 * memory / 1024


def _settings(backend: Backend, stage: Stage, assumptions: Assumptions) -> Iterator[tuple[str, Setting]]:
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
        yield "no alarms and no dashboards (and releases all at once)", Setting(has_alarms=False)
    else:
        yield "alarms and dashboards, as prod has them", Setting(has_alarms=True)


def _tiered(
    resource: str, what: str, quantity: float, unit: str, tiers: tuple[tuple[float, float], ...], free: float = 0
) -> Line:
    return Line(resource, what, quantity, unit, charge(tiers, quantity, free=free))


def _reads(route: Route) -> bool:
    return route.method in ("GET", "HEAD")


def _cpus(memory: float) -> float:
    """The vCPUs that a handler, which runs in one thread, can use."""
    return min(1.0, memory / WHOLE_CPU)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:,.2f}".rstrip("0").rstrip(".")
