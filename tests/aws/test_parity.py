"""What goes to AWS is what the declaration says: the committed templates, read back, against `backend.py`."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from tests.aws.backends import of_the_template
from tests.aws.reading import Template
from tests.aws.snapshot import STAGES, path_of

from taxiway import Backend, Function, LambdaAuthorizer, Stage
from taxiway.declare import Route, names
from taxiway.permissions.function_policy import function_policy, leading_key, secret_arn

STALE = "the snapshot is of another declaration: run `make snapshot`"

Stated = tuple[Backend, Stage, Template]


@cache
def stated(stage: str) -> Stated:
    return (*of_the_template(stage), Template.read(path_of(stage)))


@pytest.fixture(params=STAGES)
def both(request: pytest.FixtureRequest) -> Stated:
    """The declaration of a stage, and its template."""
    return stated(request.param)


def functions(both: Stated) -> Iterator[tuple[Function, Any]]:
    backend, stage, template = both
    deployed = template.functions
    for function in backend.functions:
        yield function, deployed[names.function(backend, stage, function)]


def test_every_route_and_no_other_is_deployed_to_its_function(both: Stated) -> None:
    backend, stage, template = both
    declared = {route.key: names.function(backend, stage, route.function) for route in backend.routes}

    assert {route.key: route.function for route in template.routes.values()} == declared, STALE


def test_every_function_is_called_by_the_api_for_its_own_method_and_path_alone(both: Stated) -> None:
    for function, deployed in functions(both):
        (route,) = both[0].routes_of(function)
        assert deployed.invoked_by == f"*/{route.method}{route.path.replace('{id}', '*')}", STALE


def test_every_function_has_its_declared_size(both: Stated) -> None:
    assert len(both[2].functions) == len(both[0].functions), STALE
    for function, deployed in functions(both):
        assert (deployed.memory, deployed.timeout) == (function.memory, function.timeout)
        assert deployed.concurrency == function.concurrency
        assert deployed.provisioned == (function.provisioned and function.provisioned.minimum)


def test_every_function_runs_its_handler_on_the_newest_python_of_arm64(both: Stated) -> None:
    for function, deployed in functions(both):
        (route,) = both[0].routes_of(function)
        assert deployed.handler == route.handler_path
        assert (deployed.runtime, deployed.architectures) == ("python3.14", ["arm64"])


def test_every_function_has_its_declared_environment(both: Stated) -> None:
    backend, stage, _ = both
    for function, deployed in functions(both):
        assert deployed.environment == backend.environment_of(function, stage), STALE


def test_every_function_may_do_what_its_grants_say_and_nothing_else_with_the_table(both: Stated) -> None:
    backend, stage, _ = both
    table = f"arn:aws:dynamodb:{stage.region}:{stage.account}:table/{backend.table_name(stage)}"
    for function, deployed in functions(both):
        declared = {
            (f"dynamodb:{call}", table + (f"/index/{access.index}" if access.index else ""), access.partition_key)
            for grant in function.grants
            for access in grant.accesses
            for call in access.calls
        }
        allowed = {
            (action, resource, key)
            for statement in deployed.policy["Statement"]
            if statement["Action"][0].startswith("dynamodb:")
            for action in statement["Action"]
            for resource in statement["Resource"]
            for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        }
        assert allowed == {(call, where, leading_key(key)) for call, where, key in declared}, STALE


def test_every_function_may_read_its_secrets_and_write_its_log_and_that_is_all(both: Stated) -> None:
    backend, stage, _ = both
    for function, deployed in functions(both):
        others = {
            resource
            for statement in deployed.policy["Statement"]
            if not statement["Action"][0].startswith("dynamodb:")
            for resource in statement["Resource"]
        }
        secrets = {secret_arn(str(secret.id), stage) for secret in function.secrets}
        log = f"arn:aws:logs:{stage.region}:{stage.account}:log-group:/aws/lambda/{deployed.name}:log-stream:*"
        assert others == {*secrets, log}
        assert deployed.policy == function_policy(backend, function, stage)


def test_routes_have_their_declared_authorizers(both: Stated) -> None:
    def declared(route: Route) -> tuple[str, Any] | None:
        found = route.authorizer
        if isinstance(found, LambdaAuthorizer):
            return ("REQUEST", [*found.identity_sources, "$context.routeKey"])
        return found and ("JWT", list(found.audience))

    def deployed(properties: dict[str, Any] | None) -> tuple[str, Any] | None:
        if properties is None:
            return None
        return properties["AuthorizerType"], properties["IdentitySource"]

    backend, _, template = both
    found = {key: deployed(route.authorizer) for key, route in template.routes.items()}
    assert found == {route.key: declared(route) for route in backend.routes}, STALE


def test_the_authorizer_of_prod_is_the_function_that_the_stage_file_names() -> None:
    _, stage, template = stated("prod")
    arn = stage.required("AUTHORIZER_ARN")
    authorizer = template.one("ApiGatewayV2::Authorizer")

    assert authorizer["AuthorizerUri"].endswith(f"/functions/{arn}/invocations")
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"
    assert arn in [permission["FunctionName"] for permission in template.of_type("Lambda::Permission")]


def test_throttles_and_caches_are_the_declared_ones(both: Stated) -> None:
    backend, _, template = both
    declared = {r.key: (r.throttle and (r.throttle.rate, r.throttle.burst), r.cache) for r in backend.routes}

    assert {key: (route.throttle, route.cache) for key, route in template.routes.items()} == declared, STALE


def test_cors_is_the_declared_one(both: Stated) -> None:
    cors = both[0].api.cors
    assert cors
    assert both[2].cors == {
        "AllowOrigins": list(cors.origins),
        "AllowMethods": list(cors.methods),
        "AllowHeaders": list(cors.headers),
        "ExposeHeaders": list(cors.expose),
    }, STALE


def test_the_table_has_the_declared_keys_indexes_and_ttl(both: Stated) -> None:
    backend, stage, template = both
    declared = backend.table
    assert declared
    found = template.table["Properties"]

    def keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
        return tuple(key["AttributeName"] for key in schema)

    assert found["TableName"] == backend.table_name(stage)
    assert keys(found["KeySchema"]) == (declared.partition_key, declared.sort_key)
    assert {index["IndexName"]: keys(index["KeySchema"]) for index in found["GlobalSecondaryIndexes"]} == {
        index.name: (index.partition_key, index.sort_key) for index in declared.indexes
    }
    assert found["TimeToLiveSpecification"] == {"AttributeName": declared.ttl, "Enabled": True}
    assert "StreamSpecification" not in found


def test_the_access_log_is_json(both: Stated) -> None:
    settings = both[2].one("ApiGatewayV2::Stage")["AccessLogSettings"]

    assert {"requestId", "route", "status", "latency"} <= json.loads(settings["Format"]).keys()


def test_functions_log_as_json_and_are_not_traced(both: Stated) -> None:
    for properties in both[2].of_type("Lambda::Function"):
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"
        assert properties["TracingConfig"] == {"Mode": "PassThrough"}


def test_dev_costs_nothing_while_it_is_idle_and_can_be_thrown_away() -> None:
    _, _, template = stated("dev")

    assert template.table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert template.table["DeletionPolicy"] == "Delete"
    assert not template.of_type("CloudWatch::Alarm")
    assert all(f.provisioned is None and f.invoked_through is None for f in template.functions.values())
    assert {function.log_days for function in template.functions.values()} == {7}


def test_prod_keeps_its_data() -> None:
    _, _, template = stated("prod")
    table = template.table

    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert {function.log_days for function in template.functions.values()} == {90}


def test_prod_releases_a_function_by_canary_and_rolls_back_on_the_alarm_of_its_new_version() -> None:
    for function in stated("prod")[2].functions.values():
        assert function.invoked_through == "live"
        assert function.released_by == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert function.rolled_back_by == [f"{function.name}-release-errors"]


def test_prod_has_alarms_on_functions_api_and_table_and_all_of_them_tell_its_topic() -> None:
    _, _, template = stated("prod")
    alarms = {alarm["AlarmName"]: alarm for alarm in template.of_type("CloudWatch::Alarm")}
    functions = {
        f"{name}-{kind}"
        for name in template.functions
        for kind in ("errors", "release-errors", "throttles", "duration")
    }
    rest = {f"items-prod.{kind}" for kind in ("5xx", "latency", "table-throttles", "account-user-errors")}

    assert alarms.keys() == functions | rest
    assert {json.dumps(alarm["AlarmActions"]) for alarm in alarms.values()} == {'[{"Ref": "Alarms"}]'}
    assert template.one("SNS::Topic")["TopicName"] == "items-prod_alarms"


def test_an_error_that_a_handler_answers_with_500_counts_as_an_error_of_its_function() -> None:
    _, _, template = stated("prod")
    filters = {found["MetricTransformations"][0]["MetricName"] for found in template.of_type("Logs::MetricFilter")}

    assert filters == {f"{name}-{kind}" for name in template.functions for kind in ("errors", "release-errors")}
    for alarm in template.of_type("CloudWatch::Alarm"):
        if alarm["AlarmName"] in filters:
            metrics = {m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"] if "MetricStat" in m}
            assert metrics == {"Errors", alarm["AlarmName"]}


def test_no_role_of_any_kind_may_do_everything_of_a_service(both: Stated) -> None:
    for statement in both[2].policies:
        assert not [action for action in statement["Action"] if "*" in action]


def test_two_stages_never_collide_in_an_account() -> None:
    dev, prod = (stated(stage)[2].names for stage in STAGES)

    assert len(dev) > 20
    assert not dev & prod
