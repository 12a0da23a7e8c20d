"""Two stages in one account: no name is that of two things, and who may deploy one reaches nothing of the other."""

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.aws.backends import ACCOUNT, BACKENDS, answer, bootstrapped, stage
from tests.aws.reading import Template
from tests.permissions.iam import like

from taxiway import (
    Backend,
    Capacity,
    Cdn,
    Firewall,
    Function,
    HttpApi,
    Index,
    Network,
    Operations,
    Provisioned,
    Secret,
    Stage,
    StreamConsumer,
    Table,
)
from taxiway.aws.template import alarms
from taxiway.aws.template.bootstrap_permissions import service_role
from taxiway.declare import bootstrap, names, placement
from taxiway.permissions.statements import Statement

FUNCTIONS = ("login", "admin-login", "eu_login", "changes-failures", "f" * 64)
WORDS = ("access", "admin", "alarms", "dev", "eu", "failures", "login", "network", "prod", "service", "1", "7")

called = st.lists(st.sampled_from(WORDS), max_size=2).map("-".join)
stages = st.builds(
    lambda first, rest: f"{first}-{rest}"[:20].rstrip("-"), st.sampled_from(("dev", "prod", "pr")), called
)
backends = st.sampled_from(("items", "items-dev", "items-prod-7", "it", "dev"))


def shop(
    name: str, at: str, functions: tuple[str, ...] = FUNCTIONS, region: str = "us-east-1"
) -> tuple[Backend, Stage]:
    """A backend whose stages have everything that has a name."""
    made = Secret(f"{name}/{at}", generate="key")
    below = Secret(f"{name}/{at}/below", variable="BELOW_ID")
    consumers = [StreamConsumer(answer, Function(name=each)) for each in ("changes", "changes-7")]
    table = Table(indexes=[Index("gsi1")], capacity=Capacity(read=(5, 10), write=(5, 10)), consumers=consumers)
    elsewhere = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/shared/1234"
    api = HttpApi(cdn=Cdn(firewall=Firewall(arn=None if region == "us-east-1" else elsewhere)))
    for function in functions:
        provisioned = Provisioned(minimum=1, maximum=2)
        api.get(f"/{function}", answer, function=Function(name=function, uses=[made], provisioned=provisioned))
    operations = Operations(alarms=True, release="canary-5m")
    backend = Backend(name, api=api, table=table, secrets=[made, below], network=Network(), operations=operations)
    return backend, stage(at, region)


def arns(backend: Backend, at: Stage) -> Iterator[str]:
    """The ARN of everything of a stage that has a name, once for each."""
    name, path = names.stack(backend, at), names.path(backend, at)
    yield names.arn(at, "cloudformation", f"stack/{name}/0f2c")
    yield f"arn:aws:iam::{at.account}:role/{path}{name}-loginRole0F2C-1XYZ"
    yield f"arn:aws:s3:::{names.asset_bucket(at)}/{path}0f2c.zip"
    yield names.arn(at, "logs", f"log-group:{names.access_log(backend, at)}")
    if backend.network is not None:
        yield names.arn(at, "logs", f"log-group:{names.network_log(backend, at)}")
    firewall = backend.cdn and backend.cdn.firewall
    if firewall is not None and firewall.arn is None:
        yield f"arn:aws:wafv2:us-east-1:{at.account}:global/webacl/{name}/0f2c"
    for secret in backend.secrets:
        yield names.arn(at, "secretsmanager", f"secret:{secret.id}-Ab12Cd")
    yield from _of_stacks(backend, at)
    yield from _of_functions(backend, at)
    if backend.table is not None:
        yield from _of_table(backend, at, backend.table)
    if backend.operations.has_alarms(at):
        yield names.arn(at, "sns", names.topic(backend, at))
        for view in ("service", "functions"):
            yield f"arn:aws:cloudwatch::{at.account}:dashboard/{names.in_account(backend, at, view)}"
        for alarm in alarms.every(backend, at):
            yield names.arn(at, "cloudwatch", f"alarm:{alarm.name}")


def _of_stacks(backend: Backend, at: Stage) -> Iterator[str]:
    name = names.stack(backend, at)
    for number in {placement.group(backend, function) for function in backend.functions}:
        if number is not None:
            nested = f"{name}-Functions{number}NestedStackFunctions{number}NestedStackResource0F2C-1XYZ"
            yield names.arn(at, "cloudformation", f"stack/{nested}/0f2c")
        if backend.operations.release_of(at) != "all-at-once":
            releases = names.releases(backend, at, number)
            yield names.arn(at, "codedeploy", f"application:{releases}")
            yield names.arn(at, "codedeploy", f"deploymentgroup:{releases}/{name}-loginRelease0F2C-1XYZ")


def _of_functions(backend: Backend, at: Stage) -> Iterator[str]:
    for function in backend.functions:
        name = names.function(backend, at, function)
        yield names.arn(at, "lambda", f"function:{name}")
        yield names.arn(at, "lambda", f"function:{name}:live")
        yield names.arn(at, "logs", f"log-group:{names.log_group(backend, at, function)}")
        if function.provisioned and function.provisioned.maximum:
            yield names.arn(at, "cloudwatch", f"alarm:TargetTracking-function:{name}:live-AlarmHigh-0f2c")
    for consumer in backend.table.consumers if backend.table else ():
        yield names.arn(at, "sqs", names.failures(backend, at, consumer.function))


def _of_table(backend: Backend, at: Stage, table: Table) -> Iterator[str]:
    name = backend.table_name(at)
    yield names.arn(at, "dynamodb", f"table/{name}")
    if table.capacity is not None:
        for scaled in (name, *(f"{name}/index/{index.name}" for index in table.indexes)):
            for kind in ("AlarmLow", "ProvisionedCapacityHigh"):
                yield names.arn(at, "cloudwatch", f"alarm:TargetTracking-table/{scaled}-{kind}-0f2c")


def reached(of: tuple[Backend, Stage], found: set[str], form: str | None = None) -> set[str]:
    """What of these a stage's service role may do something with, other than by an id that AWS generates."""
    backend, at = of
    bounded = bootstrapped(backend, at, form)
    path = names.path(backend, bootstrap.stages(bounded, at))
    called = (path.removesuffix("/").replace("/", "-"), path)
    patterns = {
        pattern
        for statement in service_role(bounded, at, "the boundary")
        for pattern in _patterns(statement)
        if any(each in pattern for each in called)
    }
    return {arn for arn in found if any(like(pattern, arn) for pattern in patterns)}


def _patterns(statement: Statement) -> list[str]:
    """A mapping to a stream has an id that Lambda generates, and a condition on its function."""
    return statement.get("Condition", {}).get("ArnLike", {}).get("lambda:FunctionArn", statement["Resource"])


def named(of: tuple[Backend, Stage]) -> set[str]:
    """The same ARNs, of which none is there twice: no two things of one stage have one name."""
    found = list(arns(*of))
    assert len(found) == len(set(found))
    return set(found)


def made(of: tuple[Backend, Stage]) -> set[str]:
    """Those that a deployment makes: a secret without `generate` exists before."""
    return {arn for arn in named(of) if ":secret:" not in arn}


@given(backends, stages, backends, stages)
@example("items", "dev", "items", "dev-admin")
@example("items", "prod", "items", "prod-7")
@example("items", "prod", "items", "prod-eu")
@example("items", "prod-7", "items-prod-7", "dev")
def test_no_name_is_that_of_two_stages_and_no_role_reaches_another_stage(
    one_backend: str, one_stage: str, other_backend: str, other_stage: str
) -> None:
    one, other = shop(one_backend, one_stage), shop(other_backend, other_stage)
    assume(names.stack(*one) != names.stack(*other))  # which tags tell apart

    assert not named(one) & named(other)
    for this, that in permutations((one, other)):
        assert reached(this, named(this)) == made(this)
        assert not reached(this, named(that))


@pytest.mark.parametrize(("at", "others"), [("prod", ("prod-7", "prod-1", "prod-16", "prod-eu")), ("dev-7", ("dev",))])
def test_nor_where_functions_are_in_nested_stacks(at: str, others: tuple[str, ...]) -> None:
    many = tuple(f"f{number}" for number in range(60))
    this = shop("items", at, many)
    assert any("Functions7" in arn for arn in named(this))

    for that in (shop("items", other, many) for other in others):
        assert not named(this) & named(that)
        assert not reached(this, named(that))
        assert not reached(that, named(this))


def test_the_role_for_stages_of_a_form_reaches_those_and_no_others() -> None:
    this = shop("items", "dev-1")

    for of_the_form in ("dev-1", "dev-admin", "dev-1-2"):
        assert reached(this, named(shop("items", of_the_form)), "dev-*") == made(shop("items", of_the_form))
    for another in ("prod", "prod-dev-1", "dev", "devel"):
        assert not reached(this, named(shop("items", another)), "dev-*")
    assert not reached(this, named(shop("item", "dev-1")), "dev-*")


def test_no_name_is_that_of_one_stage_in_two_regions_and_no_role_reaches_the_other_but_by_paths_of_the_account() -> (
    None
):
    """IAM has roles for all regions of an account: the suffixes of their names are CloudFormation's."""
    one, other = shop("items", "dev"), shop("items", "dev", region="eu-west-1")
    here, there = ({arn for arn in named(of) if ":iam:" not in arn} for of in (one, other))

    assert not here & there
    assert not reached(one, there)
    assert not reached(other, here)


def test_what_all_regions_of_an_account_share_has_the_region_in_its_name(assembly: Callable[[str], Path]) -> None:
    def shared(name: str) -> set[str]:
        template = Template.read(assembly(name) / "shop-prod.template.json")
        policies = template.of_type("CloudFront::CachePolicy")
        found = [policy["CachePolicyConfig"]["Name"] for policy in policies]
        return {*found, *(each["DashboardName"] for each in template.of_type("CloudWatch::Dashboard"))}

    in_us, in_europe = shared("everything"), shared("everything-in-europe")
    assert in_us == {f"shop-prod_us-east-1_{what}" for what in ("by-cache-control", "functions", "service")}
    assert in_europe == {name.replace("us-east-1", "eu-west-1") for name in in_us}


NOT_BY_NAME = {"AWS::ApiGatewayV2::Api", "AWS::Route53::RecordSet"}
"""What is reached by an id, or is called as the declaration says."""


@pytest.mark.parametrize("name", BACKENDS)
def test_these_are_the_names_in_the_templates(name: str, assembly: Callable[[str], Path]) -> None:
    backend, at = BACKENDS[name]()
    templates = [Template.read(path) for path in assembly(name).glob("*.template.json")]
    deployed = {called for template in templates for kind, called in template.names if kind not in NOT_BY_NAME}
    assert deployed

    found = list(arns(backend, at))
    for called in deployed:
        assert any(re.search(rf"[:/]{re.escape(called)}(-Ab12Cd|/0f2c)?$", arn) for arn in found), called
