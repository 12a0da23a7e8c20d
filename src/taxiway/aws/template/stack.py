"""The stack of a stage: every resource of the backend, each made by the module that is named for it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import assert_never

from taxiway.aws.template import alarms
from taxiway.aws.template.alarm_topic import AlarmTopic
from taxiway.aws.template.api import Api
from taxiway.aws.template.assembly import template_key
from taxiway.aws.template.cloudformation_types import cloudformation
from taxiway.aws.template.code import Code
from taxiway.aws.template.dashboards import add_dashboards
from taxiway.aws.template.edge import add_cdn, add_domain
from taxiway.aws.template.functions import DeployedFunction, FunctionGroup, Surroundings
from taxiway.aws.template.network import PrivateNetwork
from taxiway.aws.template.secrets import add_secret
from taxiway.aws.template.stack_template import URL_SUFFIX, Scope, StackTemplate, Value, joined
from taxiway.aws.template.table import add_table
from taxiway.declare import Backend, Function, Route, Stage, StreamConsumer, Trigger, names, placement


def build(backend: Backend, stage: Stage, packages: Mapping[str, Code], *, at_once: bool = False) -> dict[str, str]:
    """The JSON of the stage's template, and then of its nested stacks, by name."""
    name = names.stack(backend, stage)
    own = StackTemplate(description=f"The stage {stage.name} of the backend {backend.name}")
    nested = _fill(Scope(own), backend, stage, packages, at_once=at_once)
    texts = {template.name: str(template) for template in nested}
    for template in nested:
        _nest(Scope(own), template, template_key(backend, stage, texts[template.name]), stage)
    return {name: str(own), **{f"{name}.{called}": text for called, text in texts.items()}}


def _nest(scope: Scope, template: StackTemplate, key: str, stage: Stage) -> None:
    host = (f"https://s3.{stage.region}.", URL_SUFFIX)
    scope.add(
        cloudformation.Stack,
        template.name,
        kept=False,
        Parameters=template.arguments or None,
        TemplateURL=joined(*host, f"/{names.asset_bucket(stage)}/{key}"),
    )


def _fill(
    scope: Scope, backend: Backend, stage: Stage, packages: Mapping[str, Code], *, at_once: bool
) -> list[StackTemplate]:
    """Add all resources of a stage; returns the nested stacks."""
    topic = AlarmTopic(scope, backend, stage) if backend.operations.has_alarms(stage) else None
    table = add_table(scope, backend, stage)
    for secret in backend.secrets:
        add_secret(scope, secret, backend, stage)
    api = Api(scope, backend.api, backend, stage) if backend.api else None
    surroundings = Surroundings(
        backend=backend,
        stage=stage,
        packages=packages,
        stream_arn=table.get_att("StreamArn") if table and backend.table and backend.table.consumers else None,
        network=PrivateNetwork(scope, backend.network, backend, stage) if backend.network else None,
        topic=topic,
        at_once=at_once,
    )
    nested = _add_functions(scope, surroundings, api)
    distribution: Value | None = None
    if api is not None:
        api.complete()
        distribution = _publish(scope, backend, stage, api)
    if topic is not None:
        of_api = alarms.of_api(backend, stage, api.id) if api else ()
        topic.tell(scope, (*of_api, *alarms.of_table(backend, stage)))
    if backend.operations.dashboards:
        add_dashboards(scope, backend, stage, api.id if api else None, distribution)
    if table is not None:
        scope.stack.output("TableName", table.ref())
    return nested


def _add_functions(scope: Scope, around: Surroundings, api: Api | None) -> list[StackTemplate]:
    """Add each function to its stack, with its triggers; returns the nested stacks."""
    backend = around.backend
    groups: dict[int | None, list[Function]] = defaultdict(list)
    for function in backend.functions:
        groups[placement.group(backend, function)].append(function)
    nested: list[StackTemplate] = []
    for number, functions in groups.items():
        if number is not None:
            nested.append(StackTemplate(nested_as=f"Functions{number}"))
        group = FunctionGroup(scope if number is None else Scope(nested[-1]), number, functions, around)
        for function in functions:
            deployed = group.add(function)
            for trigger in backend.triggers_of(function):
                _connect(trigger, deployed, api)
    return nested


def _connect(trigger: Trigger, deployed: DeployedFunction, api: Api | None) -> None:
    """Let a trigger invoke its function."""
    match trigger:
        case Route():
            if api is not None:
                api.add_route(trigger, deployed)
        case StreamConsumer():
            deployed.consume(trigger)
        case _:
            assert_never(trigger)


def _publish(scope: Scope, backend: Backend, stage: Stage, api: Api) -> Value | None:
    """Put the domain and the CDN in front of the API, and say where it answers; returns the CDN's id."""
    declared, output = api.declared, scope.stack.output
    url, domain, distribution = api.url, None, None
    if declared.domain is not None:
        domain = add_domain(scope, declared.domain, declared.cdn.client_certificate if declared.cdn else None, api)
        url = f"https://{declared.domain.name}"
    if declared.has_default_endpoint:
        output("ApiUrl", api.url, "The API's own address")
    if declared.cdn is not None:
        url, distribution = add_cdn(scope, backend, stage, declared.cdn, api, domain)
    output("Url", url, "Where the API answers")
    return distribution
