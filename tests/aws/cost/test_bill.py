"""A bill adds up as AWS adds up its own examples, and every knob moves it the way that it should."""

from typing import Any

import pytest

from taxiway.aws.cost.assumptions import Assumptions
from taxiway.aws.cost.bill import Bill, bill
from taxiway.aws.cost.durations import Measured, read_durations
from taxiway.aws.cost.function_lines import gb_seconds
from taxiway.aws.cost.prices import charge, free_tier, prices_of
from taxiway.aws.cost.quantities import quantity
from taxiway.aws.cost.report import report
from taxiway.data import Entity, key, pattern, unique
from taxiway.declare import Backend, DeclarationError, Function, HttpApi, Index, Secret, Stage, Table, allow
from taxiway.declare.edge import Cdn, Firewall
from taxiway.declare.function import Provisioned
from taxiway.declare.network import Network
from taxiway.declare.operations import Operations
from taxiway.declare.table import Capacity, StreamConsumer
from taxiway.local.gateway import Entry
from taxiway.local.terminal import Console

DEV = Stage(name="dev", local=True, variables={"AWS_REGION": "us-east-1"})
PROD = Stage(name="prod", local=True, variables={"AWS_REGION": "eu-west-1"})
WARM = Assumptions(cold_share=0)
A_SECOND = 730 * 3600
"""As many in a month as are one each second."""


class Item(Entity):
    id: str
    category: str

    @key(pk="ITEM#{id}", sk="ITEM")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="CATEGORY#{category}", sk="{id}")
    def by_category(self, category: str) -> None: ...


def handle(event: object, context: object) -> None: ...


def alone(memory: int = 1536) -> Backend:
    """One function and no table, as in AWS's examples of Lambda."""
    api = HttpApi()
    api.get("/", handle, memory=memory)
    return Backend("tests", api=api)


def stored() -> Backend:
    """A route of each kind."""
    secret = Secret("tests")
    api = HttpApi()
    uses = {
        "read": [allow.get(Item)],
        "find": [allow.query(Item.by_category), secret],
        "make": [allow.put(Item)],
        "drop": [allow.delete(Item)],
    }
    for name, used in uses.items():
        function = Function(name=name, memory=512, uses=used)
        route = api.get if name in ("read", "find") else api.post
        route(f"/{name}", handle, function=function)
    return Backend("tests", api=api, table=Table(indexes=[Index("gsi1")], ttl="expiresAt"), secrets=[secret])


def cents(amount: float) -> float:
    return round(amount, 2)


def of(bill: Bill, resource: str, what: str | None = None) -> float:
    return sum(line.usd for line in bill.lines if line.resource == resource and what in (None, line.what))


def amount(bill: Bill, resource: str, what: str) -> float:
    return next(line.quantity for line in bill.lines if (line.resource, line.what) == (resource, what))


# AWS's own examples, at https://aws.amazon.com/lambda/pricing/ (prices of us-east-1, x86).


def test_the_mobile_application_backend_of_aws() -> None:
    """3 million requests of 120 ms with 1536 MB, in the free tier: $2.33 + $0.40."""
    measured = {"handle": Measured(120, "lambda")}
    month = bill(
        alone(),
        DEV,
        requests=3e6,
        read_ratio=1,
        durations=measured,
        assumptions=WARM,
        architecture="x86_64",
        free_tier=True,
    )
    assert cents(of(month, "Lambda", "duration")) == 2.33
    assert cents(of(month, "Lambda", "requests")) == 0.40
    assert cents(of(month, "Lambda")) == 2.73


def test_the_streaming_telemetry_of_aws() -> None:
    """7.44 million requests of 2 s with 1 GB, nothing free: $1.49 + $248.00."""
    measured = {"handle": Measured(2000, "lambda")}
    month = bill(
        alone(1024), DEV, requests=7.44e6, read_ratio=1, durations=measured, assumptions=WARM, architecture="x86_64"
    )
    assert cents(of(month, "Lambda", "requests")) == 1.49
    assert cents(of(month, "Lambda", "duration")) == 248.00
    assert cents(of(month, "Lambda")) == 249.49


def test_the_cyber_monday_of_aws() -> None:
    """7 environments of 4 GB ready for 24 hours, and 2 million requests of 280 ms: $10.08 + $21.78 + $0.40."""
    prices = prices_of("us-east-1")
    ready = 7 * 4096 / 1024 * 24 * 3600 * prices.provisioned_gb_seconds["x86_64"]
    running = gb_seconds(2e6, 280, 4096) * prices.provisioned_running_gb_seconds["x86_64"]
    assert (cents(ready), cents(running), cents(2e6 * prices.function_requests)) == (10.08, 21.78, 0.40)


def test_the_application_launch_of_aws() -> None:
    """100 environments of 1536 MB ready for 8 hours; 3 million requests, of which 500,000 run in them: $19.96."""
    prices = prices_of("us-east-1")
    ready = 100 * 1536 / 1024 * 8 * 3600 * prices.provisioned_gb_seconds["x86_64"]
    requests = charge(((0, prices.function_requests),), 3e6, free=free_tier().function_requests)
    running = gb_seconds(500_000, 100, 1536) * prices.provisioned_running_gb_seconds["x86_64"]
    rest = charge(prices.function_gb_seconds["x86_64"], gb_seconds(2.5e6, 120, 1536), free=free_tier().gb_seconds)
    assert [cents(part) for part in (ready, requests, running, rest)] == [18.00, 0.40, 0.73, 0.83]
    assert cents(ready + requests + running + rest) == 19.96


# What is counted.


def test_requests_are_priced_by_tiers() -> None:
    tiers = prices_of("us-east-1").api_requests
    assert cents(charge(tiers, 216e6)) == 216.00
    assert cents(charge(tiers, 400e6)) == 300 + 90
    assert charge(tiers, 1e6, free=2e6) == 0


def test_reads_are_shared_by_the_reading_routes_and_the_rest_by_the_others() -> None:
    month = bill(stored(), DEV, requests=10e6, read_ratio=0.8)
    # 4M gets of half a unit, 4M queries of 20 KB in an index: 2.5 units.
    assert amount(month, "DynamoDB", "reads") == pytest.approx(4e6 * 0.5 + 4e6 * 2.5)
    # 1M creations and 1M deletions, each of the table's item and of the index's.
    assert amount(month, "DynamoDB", "writes") == pytest.approx(1e6 * 2 + 1e6 * 2)
    assert cents(of(month, "DynamoDB", "writes")) == 4 * 0.625 == cents(2.5)
    assert amount(month, "API Gateway", "requests") == amount(month, "Lambda", "requests") == pytest.approx(10e6)


def test_an_item_is_counted_by_the_kilobyte() -> None:
    small, large = (
        bill(stored(), DEV, requests=1e6, read_ratio=0.5, assumptions=Assumptions(item_size=size, page=1))
        for size in (1024, 4097)
    )
    assert amount(large, "DynamoDB", "writes") == 5 * amount(small, "DynamoDB", "writes")
    assert amount(large, "DynamoDB", "reads") == 2 * amount(small, "DynamoDB", "reads")


class Member(Entity):
    id: str
    email: str = unique()

    @key(pk="MEMBER#{id}", sk="MEMBER")
    def by_id(self, id: str) -> None: ...


@pytest.mark.parametrize(
    ("uses", "units"),
    [
        ([allow.put(Item)], 2),  # in the table and its index
        (
            [allow.put(Item), allow.idempotency_records()],
            1 + 2 + 2 + 1,
        ),  # the claim, the record and the item together, the index
        ([allow.put(Member)], 2 + 2),  # the item and its sentinel together
        ([allow.put(Member), allow.idempotency_records()], 1 + 2 + 2 + 2),
        ([allow.update(Member)], 1),
        ([allow.delete(Member)], 2 + 2),
        ([allow.check(Item), allow.put(Item)], 1 + 2),  # a check writes to no index
    ],
)
def test_what_is_written_together_costs_twice(uses: list[Any], units: int) -> None:
    api = HttpApi()
    api.post("/", handle, uses=uses)
    backend = Backend("tests", api=api, table=Table(indexes=[Index("gsi1")]))
    assert amount(bill(backend, DEV, requests=1000, read_ratio=0), "DynamoDB", "writes") == units * 1000


def test_routes_that_share_a_function_cost_the_table_what_they_would_apart() -> None:
    api, shared = (
        HttpApi(),
        Function(
            name="all", uses=[allow.get(Item), allow.query(Item.by_category), allow.put(Item), allow.update(Item)]
        ),
    )
    for name in ("read", "find"):
        api.get(f"/{name}", handle, function=shared)
    for name in ("make", "change"):
        api.post(f"/{name}", handle, function=shared)
    together = Backend("tests", api=api, table=Table(indexes=[Index("gsi1")]))
    api = HttpApi()
    for name, used in (("read", allow.get(Item)), ("find", allow.query(Item.by_category))):
        api.get(f"/{name}", handle, function=Function(name=name, uses=[used]))
    for name, used in (("make", allow.put(Item)), ("change", allow.update(Item))):
        api.post(f"/{name}", handle, function=Function(name=name, uses=[used]))
    apart = Backend("tests", api=api, table=Table(indexes=[Index("gsi1")]))
    one, other = (bill(backend, DEV, requests=1e6, read_ratio=0.7) for backend in (together, apart))
    assert of(one, "DynamoDB") == pytest.approx(of(other, "DynamoDB"))


def test_routes_of_one_kind_have_every_request() -> None:
    month = bill(alone(), DEV, requests=1e6, read_ratio=0.2)
    assert amount(month, "Lambda", "requests") == 1e6


def test_recovery_to_a_point_in_time_is_for_production() -> None:
    backups = [line for line in bill(stored(), PROD, requests=1, read_ratio=1).lines if line.what.startswith("point")]
    assert len(backups) == 1
    assert not [line for line in bill(stored(), DEV, requests=1, read_ratio=1).lines if line.what.startswith("point")]


def test_what_is_free_is_free_only_when_asked_for() -> None:
    full = bill(stored(), DEV, requests=1e6, read_ratio=0.8)
    free = bill(stored(), DEV, requests=1e6, read_ratio=0.8, free_tier=True)
    assert of(full, "Lambda") > 0 == of(free, "Lambda")
    assert of(full, "CloudWatch Logs", "ingested") > 0 == of(free, "CloudWatch Logs", "ingested")
    assert free.total < full.total


def test_a_little_capacity_and_a_little_cdn_are_free_too() -> None:
    api = HttpApi(cdn=Cdn())
    api.get("/", handle, uses=[allow.get(Item)])
    table = Table(capacity=Capacity(read=(25, 50), write=(30, 50)))
    free = bill(Backend("tests", api=api, table=table), DEV, requests=5e6, read_ratio=1, free_tier=True)
    assert of(free, "CloudFront") == of(free, "DynamoDB", "read capacity") == 0
    assert of(free, "DynamoDB", "write capacity") == pytest.approx(5 * 730 * 0.00065)


def in_region(region: str) -> Stage:
    return Stage(name="dev", local=True, variables={"AWS_REGION": region})


@pytest.mark.parametrize(
    ("region", "nearest"), [("eu-north-1", "eu-west-1"), ("af-south-1", "eu-west-1"), ("ap-south-1", "us-east-1")]
)
def test_a_region_with_unknown_prices_costs_what_the_nearest_known_one_does_and_the_bill_says_so(
    region: str, nearest: str
) -> None:
    month, known = (bill(alone(), in_region(each), requests=1e6, read_ratio=1) for each in (region, nearest))

    assert month.total == known.total
    said = f"The prices of {region} are unknown: these are of {nearest}, the nearest known region."
    assert said in report(month)
    assert not any("are unknown" in line for line in report(known))


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_a_region_whose_prices_are_not_comparable_is_refused_by_name(region: str) -> None:
    with pytest.raises(DeclarationError, match=f"The prices of {region} are unknown"):
        bill(alone(), in_region(region), requests=1, read_ratio=1)


# What is declared.


def one(
    *, table: Table | None = None, cdn: Cdn | None = None, operations: Operations | None = None, **options: Any
) -> Backend:
    """A reading route with these options."""
    api = HttpApi(cdn=cdn)
    api.get("/", handle, **options)
    return Backend("tests", api=api, table=table, operations=operations or Operations())


def test_declared_environments_are_kept_ready_for_the_whole_month() -> None:
    kept = bill(one(memory=1024, provisioned=Provisioned(minimum=3)), DEV, requests=1e6, read_ratio=1)
    assert amount(kept, "Lambda", "kept ready") == 3 * 730 * 3600
    assert of(kept, "Lambda", "duration") == 0 < of(kept, "Lambda", "duration there")
    none = bill(one(memory=1024), DEV, requests=1e6, read_ratio=1)
    assert kept.total + knob(kept, "no provisioned concurrency") == pytest.approx(none.total)


def test_declared_capacity_is_paid_by_the_hour_between_its_bounds() -> None:
    indexes = [Index("gsi1")]
    table = Table(indexes=indexes, capacity=Capacity(read=(5, 20), write=(2, 4), target=50))
    idle = bill(one(table=table, uses=[allow.get(Item)]), DEV, requests=1, read_ratio=1)
    assert (amount(idle, "DynamoDB", "read capacity"), amount(idle, "DynamoDB", "write capacity")) == (10, 4)
    # 12 reads a second of half a unit, of which half of the capacity is kept in use: 12, and the least of the index.
    some = bill(one(table=table, uses=[allow.get(Item)]), DEV, requests=12 * A_SECOND, read_ratio=1)
    assert amount(some, "DynamoDB", "read capacity") == 12 + 5
    on_demand = bill(one(table=Table(indexes=indexes), uses=[allow.get(Item)]), DEV, requests=1, read_ratio=1)
    assert idle.total + knob(idle, "on demand") == pytest.approx(on_demand.total)


def test_the_traffic_of_a_table_needs_no_capacity_of_its_index() -> None:
    """30 gets a second: 15 units, at 70% of 22. The index, which nobody reads, has the 5 that it has at least."""
    table = Table(indexes=[Index("gsi1")], capacity=Capacity(read=(5, 100), write=(1, 1)))
    month = bill(one(table=table, uses=[allow.get(Item)]), DEV, requests=30 * A_SECOND, read_ratio=1)
    assert amount(month, "DynamoDB", "read capacity") == 22 + 5
    assert cents(of(month, "DynamoDB", "read capacity")) == cents(27 * 730 * 0.00013) == 2.56


def test_each_index_is_provisioned_for_the_queries_that_read_it() -> None:
    """4 queries a second of 20 KB: 10 units, at 50% of 20 of gsi1; the table and gsi2 have 2 at least."""
    capacity = Capacity(read=(2, 100), write=(1, 1), target=50)
    table = Table(indexes=[Index("gsi1"), Index("gsi2")], capacity=capacity)
    month = bill(one(table=table, uses=[allow.query(Item.by_category)]), DEV, requests=4 * A_SECOND, read_ratio=1)
    assert amount(month, "DynamoDB", "read capacity") == 2 + 20 + 2


def test_a_write_is_provisioned_in_the_table_and_in_the_indexes_that_have_the_item() -> None:
    """7 items a second of 3 KB, each with its Idempotency-Key.

    Of the table: the claim, and twice 3 KB for the record and for the item. 13 units are 91 a second, at 70% of 130.
    Of gsi1, which has the item: 3 units, 21 a second, at 70% of 30. Of gsi2, which hasn't: the 4 at least.
    """
    table = Table(indexes=[Index("gsi1"), Index("gsi2")], capacity=Capacity(read=(1, 1), write=(4, 500)))
    backend = one(table=table, uses=[allow.put(Item), allow.idempotency_records()])
    size = Assumptions(item_size=3 * 1024)
    month = bill(backend, DEV, requests=7 * A_SECOND, read_ratio=0, assumptions=size)
    assert amount(month, "DynamoDB", "write capacity") == 130 + 30 + 4
    assert of(month, "DynamoDB", "write capacity") == pytest.approx(164 * 730 * 0.00065)


def test_a_table_and_each_index_stop_at_the_most_that_is_declared() -> None:
    table = Table(indexes=[Index("gsi1")], capacity=Capacity(read=(1, 10), write=(1, 10)))
    month = bill(one(table=table, uses=[allow.get(Item), allow.put(Item)]), DEV, requests=1000 * A_SECOND, read_ratio=1)
    assert amount(month, "DynamoDB", "read capacity") == 10 + 1
    assert amount(month, "DynamoDB", "write capacity") == 10 + 10


def test_a_table_that_would_be_provisioned_has_a_capacity_in_each_index_too() -> None:
    """10 gets a second: 5 units, at 50% of 10, and the index's 1; nothing is written, so there is 1 of each."""
    month = bill(
        one(table=Table(indexes=[Index("gsi1")]), uses=[allow.get(Item)]), DEV, requests=10 * A_SECOND, read_ratio=1
    )
    provisioned = 11 * 730 * 0.00013 + 2 * 730 * 0.00065
    alarms = 4 * 4 * 0.10  # of auto-scaling, for each capacity
    now = of(month, "DynamoDB", "reads")
    assert knob(month, "a provisioned table") == pytest.approx(provisioned + alarms - now)


def test_a_declared_cdn_keeps_the_reads_of_routes_that_declare_a_cache() -> None:
    cached = bill(one(cdn=Cdn(), cache=60), DEV, requests=1e6, read_ratio=1, assumptions=Assumptions(cached_share=0.8))
    assert amount(cached, "API Gateway", "requests") == pytest.approx(0.2e6)
    assert amount(cached, "CloudFront", "requests") == 1e6
    passing = bill(one(cdn=Cdn(firewall=Firewall())), DEV, requests=1e6, read_ratio=1)
    assert amount(passing, "API Gateway", "requests") == 1e6
    assert of(passing, "WAF") == pytest.approx(5 + 3 * 1 + 0.6)


def test_operations_say_how_long_logs_are_kept_and_whether_functions_are_traced() -> None:
    kept = bill(one(operations=Operations(log_days=90, tracing=False)), DEV, requests=1e6, read_ratio=1)
    assert amount(kept, "CloudWatch Logs", "stored") == pytest.approx(3 * amount(kept, "CloudWatch Logs", "ingested"))
    assert of(kept, "X-Ray") == 0


def test_of_each_function_one_request_a_second_and_a_twentieth_of_the_others_are_traced() -> None:
    seconds = 730 * 3600
    month = bill(one(operations=Operations(tracing=True)), DEV, requests=11 * seconds, read_ratio=1)
    assert amount(month, "X-Ray", "traces") == pytest.approx(1.5 * seconds)


def watched(**options: Any) -> Backend:
    return one(operations=Operations(alarms=True, dashboards=True), **options)


def test_alarms_are_paid_by_the_metrics_that_they_look_at_and_dashboards_by_their_number() -> None:
    month = bill(watched(table=Table(indexes=[Index("gsi1")]), uses=[allow.get(Item)]), DEV, requests=1e6, read_ratio=1)
    # Of the function: errors by two metrics, throttles, duration. Of the API three; of the table four, and user errors.
    assert amount(month, "CloudWatch", "metrics of alarms") == 4 + 3 + 5
    assert of(month, "CloudWatch", "metrics of alarms") == pytest.approx(1.20)
    assert of(month, "CloudWatch", "metrics of logs") == pytest.approx(0.30)
    assert of(month, "CloudWatch", "dashboards") == 6
    assert knob(month, "no alarms") == pytest.approx(6 - of(month, "CloudWatch"))

    none = bill(one(), DEV, requests=1e6, read_ratio=1)
    assert of(none, "CloudWatch") == 0
    assert knob(none, "alarms, as prod has") == pytest.approx(0.7 + 0.3)


def test_ten_metrics_and_the_dashboards_are_free_in_the_free_tier() -> None:
    month = bill(watched(), DEV, requests=1e6, read_ratio=1, free_tier=True)
    assert of(month, "CloudWatch") == 0


def test_auto_scaling_makes_alarms_of_its_own() -> None:
    table = Table(indexes=[Index("gsi1")], capacity=Capacity(read=(5, 20), write=(5, 20)))
    scaled = one(table=table, uses=[allow.get(Item)], provisioned=Provisioned(minimum=1, maximum=2))
    month = bill(scaled, DEV, requests=1e6, read_ratio=1)
    assert amount(month, "CloudWatch", "metrics of alarms") == 2 * 2 * 4 + 2
    assert knob(month, "a table on demand") < -of(month, "DynamoDB", "read capacity") - 1.5


class Summary(Entity):
    id: str
    day: str

    @key(pk="SUMMARY#{id}", sk="SUMMARY")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="DAY#{day}", sk="{id}")
    def by_day(self, day: str) -> None: ...


def consumed(batch: int = 100, **options: Any) -> Backend:
    """A route that writes an item with each request, and a consumer that writes another of its own."""
    consumer = StreamConsumer(
        handle, Function(name="changes", memory=512, uses=[allow.put(Summary)], **options), batch=batch
    )
    api = HttpApi()
    api.post("/", handle, uses=[allow.put(Item)])
    return Backend("tests", api=api, table=Table(indexes=[Index("gsi1")], consumers=[consumer]))


def test_a_consumer_gets_few_changes_one_by_one_and_many_in_batches() -> None:
    few = bill(consumed(), DEV, requests=1e6, read_ratio=0)
    assert amount(few, "Lambda", "requests") == pytest.approx(2e6)
    assert amount(few, "DynamoDB", "writes") == pytest.approx(4e6)  # each change is an item, and one of the index
    assert amount(few, "API Gateway", "requests") == 1e6

    polls = 4 * 730 * 3600
    many = bill(consumed(), DEV, requests=1e9, read_ratio=0)
    assert amount(many, "Lambda", "requests") == pytest.approx(1e9 + polls)
    small = bill(consumed(batch=10), DEV, requests=1e9, read_ratio=0)
    assert amount(small, "Lambda", "requests") == pytest.approx(1e9 + 1e8)
    # A batch waits for the calls of all its changes, so that batches save requests, and little of the duration.
    assert amount(small, "Lambda", "duration") == pytest.approx(amount(many, "Lambda", "duration"), rel=0.05)


def test_reading_its_stream_costs_a_consumer_nothing() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CostOptimization_StreamsUsage.html"""
    month = bill(consumed(), DEV, requests=1e6, read_ratio=0)
    assert amount(month, "DynamoDB", "reads") == 0
    idle = bill(consumed(provisioned=Provisioned(minimum=1)), DEV, requests=0, read_ratio=1)
    assert amount(idle, "Lambda", "requests") == 0
    assert amount(idle, "Lambda", "kept ready") == 730 * 3600 * 0.5


def test_a_consumer_can_be_measured() -> None:
    measured = {"changes": Measured(50, "lambda"), "handle": Measured(1, "lambda")}
    month = bill(consumed(), DEV, requests=1e6, read_ratio=0, durations=measured, assumptions=WARM)
    assert amount(month, "Lambda", "duration") == pytest.approx(gb_seconds(1e6, 50, 512) + gb_seconds(1e6, 1, 1024))
    assert not month.notes[0].startswith("Not measured")


def test_keys_of_ones_own_are_paid_by_the_month_and_the_call() -> None:
    key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234"
    secret = Secret("tests", encryption_key=key_arn)
    api = HttpApi()
    api.get("/", handle, uses=[allow.get(Item), secret])
    table = Table(indexes=[Index("gsi1")], encryption_key=key_arn)
    month = bill(Backend("tests", api=api, table=table, secrets=[secret]), DEV, requests=1000, read_ratio=1)
    assert (amount(month, "KMS", "keys"), of(month, "KMS", "keys")) == (1, 1.0)
    assert amount(month, "KMS", "calls") == 12 * 730 + amount(month, "Secrets Manager", "calls")
    assert of(bill(stored(), DEV, requests=1, read_ratio=1), "KMS") == 0


@pytest.mark.parametrize(("stage", "hour"), [(DEV, 0.01), (PROD, 0.011)])
def test_a_networks_endpoint_for_secrets_is_paid_by_the_hour_and_zone(stage: Stage, hour: float) -> None:
    secret = Secret("tests")

    def inside(network: Network, uses: list[Any]) -> Bill:
        api = HttpApi()
        api.get("/", handle, uses=uses)
        backend = Backend("tests", api=api, secrets=[secret], network=network)
        return bill(backend, stage, requests=1, read_ratio=1)

    assert of(inside(Network(zones=3), [secret]), "VPC") == pytest.approx(3 * 730 * hour)
    named = Network(zones=[f"{stage.region}a", f"{stage.region}b", f"{stage.region}c"])
    assert of(inside(named, [secret]), "VPC") == pytest.approx(3 * 730 * hour)
    assert of(inside(Network(), []), "VPC") == 0
    existing = Network(subnets=["subnet-01234567"], security_groups=["sg-01234567"])
    assert of(inside(existing, [secret]), "VPC") == 0


# Durations.


def test_durations_are_read_from_what_the_laptop_prints(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    for path, ms, cold in (("/items", 90.0, True), ("/items/a b", 3.0, False), ("/items", 5.0, False)):
        console.request(
            Entry(method="GET", path=path, status=200, duration_ms=ms, function="get-item", cold=cold, request_id="r-1")
        )
    console.request(Entry(method="GET", path="/no", status=404, duration_ms=1.0, request_id="r-2"))
    console.output("get-item", "200 words", "stdout")
    assert read_durations(capsys.readouterr().out) == {"get-item": Measured(4.0, "local")}


def test_durations_are_read_from_json() -> None:
    assert read_durations('{"get-item": 7.4}') == {"get-item": Measured(7.4, "lambda")}


@pytest.mark.parametrize("text", ["", "nothing of the kind", '{"get-item": "fast"}', "{"])
def test_durations_that_are_none_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="durations"):
        read_durations(text)


def test_a_duration_of_a_function_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(DeclarationError, match="durations name other, which the backend does not declare"):
        bill(alone(), DEV, requests=1, read_ratio=1, durations={"other": Measured(1, "lambda")})


def test_a_function_with_less_cpu_computes_for_longer_and_waits_as_long() -> None:
    """Measured on a laptop: 2 ms of a whole CPU. With 1769/4 MB that is 8 ms, and 5 ms for the table stay 5 ms."""
    api = HttpApi()
    api.get("/", handle, memory=442, uses=[allow.get(Item)])
    backend = Backend("tests", api=api, table=Table(indexes=[Index("gsi1")]))
    measured = {"handle": Measured(2, "local")}
    month = bill(backend, DEV, requests=1e6, read_ratio=1, durations=measured, assumptions=WARM)
    assert amount(month, "Lambda", "duration") == pytest.approx(gb_seconds(1e6, 14, 442))


def test_what_was_not_measured_is_named() -> None:
    month = bill(stored(), DEV, requests=1e6, read_ratio=0.5, durations={"read": Measured(6, "lambda")})
    assert month.notes[0] == "Assumed, because they were not measured: the durations of find, make, drop."


# Knobs and the report.


def knob(month: Bill, words: str) -> float:
    return next(knob.usd for knob in month.knobs if words in knob.what)


def test_each_knob_moves_the_bill_its_own_way() -> None:
    busy = bill(stored(), PROD, requests=100e6, read_ratio=0.9)
    assert knob(busy, "provisioned table") < 0
    assert knob(busy, "kept for 7 days") < 0 < knob(busy, "kept for 365 days")
    assert knob(busy, "kept ready") > 0
    idle = bill(stored(), DEV, requests=1000, read_ratio=0.9)
    assert knob(idle, "provisioned table") > 0
    assert knob(idle, "kept ready") > 9


def test_memory_costs_nothing_where_all_the_time_is_computing() -> None:
    """Twice the memory is half the time while there is less than one CPU, and twice the price above it."""
    measured = {"handle": Measured(1000, "lambda")}
    slow = bill(alone(512), DEV, requests=1e6, read_ratio=1, durations=measured, assumptions=WARM)
    assert knob(slow, "twice the memory") == pytest.approx(0, abs=0.05)
    fast = bill(alone(4096), DEV, requests=1e6, read_ratio=1, durations=measured, assumptions=WARM)
    assert knob(fast, "twice the memory") == pytest.approx(of(fast, "Lambda", "duration"))


def test_a_cache_takes_its_reads_from_everything_behind_it() -> None:
    busy = bill(stored(), DEV, requests=100e6, read_ratio=1.0, assumptions=Assumptions(cached_share=0.99))
    saved = of(busy, "API Gateway") + of(busy, "Lambda") + of(busy, "DynamoDB", "reads") + of(busy, "CloudWatch Logs")
    traced = of(busy, "X-Ray") - of(bill(stored(), DEV, requests=1e6, read_ratio=1.0), "X-Ray")
    requests = 100e6 * prices_of("us-east-1").cdn_requests
    transfer = amount(busy, "Data transfer", "out") * (0.085 - 0.09)
    assert knob(busy, "CloudFront") == pytest.approx(-0.99 * saved - traced + requests + transfer, rel=0.01)


def test_a_report_is_the_bill_with_its_knobs_assumptions_and_sources() -> None:
    month = bill(stored(), PROD, requests=10e6, read_ratio=0.8)
    text = "\n".join(report(month))
    assert f"{month.total:,.2f}" in text
    assert all(line.what in text for line in month.lines)
    assert all(knob.what in text for knob in month.knobs)
    assert all(source.url in text for source in month.prices.sources)
    assert "an item has 1,024 bytes" in text
    assert "2026-10-04" in text


@pytest.mark.parametrize(
    ("text", "number"),
    [("10M", 10_000_000), ("250000", 250_000), ("1.5k", 1500), ("2B", 2_000_000_000), ("2KB", 2048), ("1 MB", 1 << 20)],
)
def test_quantities_are_written_short(text: str, number: int) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "many", "-1", "10X", "1e6"])
def test_what_is_no_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid quantity"):
        quantity(text)
