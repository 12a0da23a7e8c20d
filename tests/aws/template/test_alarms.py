"""What is worth waking someone for: which alarms a stage has, when they go off, and what they say of themselves."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import of_the_template, packages, stage, with_everything
from tests.aws.reading import Template
from tests.aws.snapshot import path_of

from taxiway import Alarms, Backend, Function, HttpApi, Index, Operations, Stage, Table
from taxiway.aws.template import alarms
from taxiway.aws.template.alarms import Alarm
from taxiway.aws.template.synthesis import synthesize

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
    backend, at = of_the_template("prod")

    assert {alarm["AlarmName"] for alarm in deployed("prod")} == named(backend, at).keys()


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


def test_server_errors_are_a_percentage_of_the_answers() -> None:
    alarm = next(each for each in deployed("prod") if each["AlarmName"] == "items-prod.5xx")

    assert [query["MetricStat"]["Metric"]["MetricName"] for query in alarm["Metrics"][:2]] == ["5xx", "Count"]
    assert (alarm["Metrics"][2]["Expression"], alarm["Threshold"]) == ("100 * FILL(m1, 0) / m2", 5)


def test_a_release_is_rolled_back_by_the_failures_of_its_new_version_alone() -> None:
    template = Template.read(path_of("prod"))
    groups = template.of_type("CodeDeploy::DeploymentGroup")
    alarms_by_id = {key: each["Properties"] for key, each in template.resources.items() if "Alarm" in each["Type"]}
    for group in groups:
        for alarm in group["AlarmConfiguration"]["Alarms"]:
            failed, logged = (
                query["MetricStat"]["Metric"] for query in alarms_by_id[alarm["Name"]["Ref"]]["Metrics"][:2]
            )
            told = {each["Name"]: each["Value"] for each in failed["Dimensions"]}
            version = told["ExecutedVersion"]["Fn::GetAtt"][0]
            assert template.resources[version]["Type"] == "AWS::Lambda::Version"
            assert logged["Dimensions"] == [{"Name": "Version", "Value": told["ExecutedVersion"]}]
    aliases = [each for each in template.resources.values() if each["Type"] == "AWS::Lambda::Alias"]
    assert len(aliases) == len(groups) > 0
    for alias in aliases:  # whose update starts the release, by when the alarms are those of the new version
        assert any(key in alarms_by_id for key in alias["DependsOn"])


def test_a_deployment_at_once_is_stopped_by_no_alarm(tmp_path: Path) -> None:
    backend, at = of_the_template("prod")
    made = synthesize(backend, at, packages=packages(backend, tmp_path), directory=tmp_path / "a", at_once=True)
    template, gradual = Template.read(made.template.path), Template.read(path_of("prod"))

    assert template.resources.keys() - gradual.resources.keys() == set()
    for group in template.of_type("CodeDeploy::DeploymentGroup"):
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
        assert "AlarmConfiguration" not in group
        assert "DEPLOYMENT_STOP_ON_ALARM" not in group["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize(("alarms", "dashboards"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("release", ["canary-5m", "all-at-once"])
def test_alarms_dashboards_and_releases_are_had_without_each_other(
    alarms: bool, dashboards: bool, release: Any, tmp_path: Path
) -> None:
    backend = shop(Operations(alarms=alarms, dashboards=dashboards, release=release))
    at = stage("dev")
    made = synthesize(backend, at, packages=packages(backend, tmp_path), directory=tmp_path / "a")
    template = Template.read(made.template.path)

    assert bool(template.of_type("CloudWatch::Alarm")) == alarms
    assert bool(template.of_type("CloudWatch::Dashboard")) == dashboards
    assert bool(template.of_type("CodeDeploy::DeploymentGroup")) == (release != "all-at-once")


def test_the_line_of_an_uncaught_exception_which_lambda_counts_is_not_counted_again() -> None:
    """By the runtime's own client: it has no message, and every line that code logs has one."""
    from awslambdaric import bootstrap

    written: list[str] = []
    sink = type("Sink", (), {"log_error": staticmethod(lambda lines: written.extend(lines))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
        runtime = importlib.reload(bootstrap)
        runtime.log_error(runtime.make_error("broken", "ValueError", [], "1"), sink)
    importlib.reload(bootstrap)
    (line,) = map(json.loads, written)

    assert line["level"] == "ERROR"
    assert "message" not in line
    patterns = {each["FilterPattern"] for each in Template.read(path_of("prod")).of_type("Logs::MetricFilter")}
    assert patterns == {'{ $.level = "ERROR" && $.message = "*" }'}


def deployed(name: str) -> list[dict[str, Any]]:
    return Template.read(path_of(name)).of_type("CloudWatch::Alarm")


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
