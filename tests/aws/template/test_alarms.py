"""What is worth waking someone for: which alarms a stage has, when they go off, and what they say of themselves."""

from tests.aws.backends import of_the_template, with_everything
from tests.aws.reading import Template
from tests.aws.snapshot import path_of

from taxiway import Alarms, Backend, Function, HttpApi, Index, Operations, Stage, Table
from taxiway.aws.template import alarms
from taxiway.aws.template.alarms import Alarm

PROD = Stage(name="prod", local=True)


def answer(event: object, context: object) -> None: ...


def shop(operations: Operations, table: Table | None = None) -> Backend:
    api = HttpApi()
    api.get("/slow", answer, function=Function(name="slow", timeout=20))
    api.get("/quick", answer, function=Function(name="quick", timeout=2))
    return Backend("shop", api=api, table=table, operations=operations)


def named(backend: Backend, stage: Stage = PROD) -> dict[str, Alarm]:
    return {alarm.name: alarm for alarm in alarms.every(backend, stage)}


def test_those_of_prod_are_those_in_its_template() -> None:
    backend, stage = of_the_template("prod")

    deployed = Template.read(path_of("prod")).of_type("CloudWatch::Alarm")
    assert {alarm["AlarmName"] for alarm in deployed} == named(backend, stage).keys()


def test_a_function_is_near_its_timeout_at_four_fifths_of_its_own() -> None:
    found = named(shop(Operations()))

    assert found["shop-prod_slow-duration"].threshold == 16_000
    assert found["shop-prod_quick-duration"].threshold == 1_600


def test_thresholds_are_the_declared_ones() -> None:
    chosen = Alarms(errors=3, server_errors=50, latency=800, refused=100)
    found = named(shop(Operations(alarms=chosen), Table()))

    assert found["shop-prod_quick-errors"].threshold == 3
    assert found["shop-prod.5xx"].threshold == 50
    assert (found["shop-prod.latency"].threshold, "takes 0.8 s" in found["shop-prod.latency"].description) == (
        800,
        True,
    )
    assert found["shop-prod.account-user-errors"].threshold == 100


def test_a_consumer_has_an_alarm_on_how_far_it_is_behind_and_one_on_its_queue() -> None:
    found = named(*with_everything())

    behind = found["shop-prod_changes-behind"]
    assert (behind.threshold, behind.metrics[0].name, behind.metrics[0].statistic) == (
        300_000,
        "IteratorAge",
        "Maximum",
    )
    assert found["shop-prod_changes-failures"].metrics[0].dimensions == {"QueueName": "shop-prod_changes-failures"}
    assert not [name for name in found if name.endswith(("orders-behind", "orders-failures"))]


def test_the_refused_requests_of_dynamodb_are_said_to_be_the_accounts() -> None:
    found = named(shop(Operations(), Table()))["shop-prod.account-user-errors"]

    assert found.metrics[0].dimensions == {}
    assert "all tables of the account in us-east-1" in found.description
    assert "shop-prod.account-user-errors" not in named(shop(Operations()))


def test_throttles_of_many_indexes_are_shared_out_over_alarms_that_cloudwatch_takes() -> None:
    found = named(shop(Operations(), Table(indexes=[Index(f"gsi{number}") for number in range(1, 10)])))

    throttles = [alarm for name, alarm in found.items() if "table-throttles" in name]
    assert [len(alarm.metrics) for alarm in throttles] == [10, 10]
    assert len({alarm.id for alarm in throttles}) == 2
