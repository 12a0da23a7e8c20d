"""The stack of a stage: every resource of the backend, each made by the module that is named for it."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from aws_cdk import App, CfnOutput, CliCredentialsStackSynthesizer, Environment, NestedStack, Stack
from constructs import Construct

from taxiway.aws.template import alarms
from taxiway.aws.template.alarm_topic import AlarmTopic
from taxiway.aws.template.api import Api
from taxiway.aws.template.code import Code
from taxiway.aws.template.dashboards import add_dashboards
from taxiway.aws.template.edge import add_cdn, add_domain
from taxiway.aws.template.functions import DeployedFunction, FunctionGroup, Surroundings
from taxiway.aws.template.network import PrivateNetwork
from taxiway.aws.template.secrets import add_secret
from taxiway.aws.template.table import add_table
from taxiway.declare import Backend, Function, Route, Stage, StreamConsumer, Trigger, names, placement


def build(backend: Backend, stage: Stage, packages: Mapping[str, Code], directory: Path) -> App:
    """The app with the stage's stack, which will be synthesized into `directory`."""
    app = App(outdir=str(directory), analytics_reporting=False)
    stack = Stack(
        app,
        names.stack(backend, stage),
        stack_name=names.stack(backend, stage),
        description=f"The stage {stage.name} of the backend {backend.name}",
        env=Environment(account=stage.account, region=stage.region),
        # With the caller's own credentials: no roles that may do everything wait in the account for a deploy.
        # Each stage has its files for itself, so that who may write those of one may not write those of another.
        synthesizer=CliCredentialsStackSynthesizer(
            file_assets_bucket_name=names.asset_bucket(stage), bucket_prefix=names.path(backend, stage)
        ),
        termination_protection=backend.operations.is_protected(stage),
        tags=names.tags(backend, stage),
    )
    _fill(stack, backend, stage, packages)
    return app


def _fill(stack: Stack, backend: Backend, stage: Stage, packages: Mapping[str, Code]) -> None:
    topic = AlarmTopic(stack, backend, stage) if backend.operations.has_alarms(stage) else None
    table = add_table(stack, backend, stage)
    secrets = Construct(stack, "Secrets")
    for secret in backend.secrets:
        add_secret(secrets, secret, backend, stage)
    network = PrivateNetwork(stack, backend.network, backend, stage) if backend.network else None
    api = Api(stack, backend.api, backend, stage) if backend.api else None
    surroundings = Surroundings(
        backend=backend,
        stage=stage,
        packages=packages,
        stream_arn=table.attr_stream_arn if table and backend.table and backend.table.consumers else None,
        network=network,
        topic=topic,
    )
    groups: dict[int | None, list[Function]] = defaultdict(list)
    for function in backend.functions:
        groups[placement.group(backend, function)].append(function)
    for number, functions in groups.items():
        scope: Construct = stack if number is None else NestedStack(stack, f"Functions{number}")
        group = FunctionGroup(scope, number, functions, surroundings)
        for function in functions:
            deployed = group.add(function)
            for trigger in backend.triggers_of(function):
                _connect(trigger, deployed, api)
    distribution = None
    if api is not None:
        api.complete()
        distribution = _publish(stack, backend, stage, api)
    if topic is not None:
        of_api = alarms.of_api(backend, stage, api.id) if api else ()
        topic.tell(stack, (*of_api, *alarms.of_table(backend, stage)))
        add_dashboards(stack, backend, stage, api.id if api else None, distribution)
    if table is not None:
        CfnOutput(stack, "TableName", value=table.ref)


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


def _publish(stack: Stack, backend: Backend, stage: Stage, api: Api) -> str | None:
    """Put the domain and the CDN in front of the API, and say where it answers; returns the CDN's id."""
    url, domain, distribution = api.url, None, None
    if api.declared.domain is not None:
        asks_for = api.declared.cdn.client_certificate if api.declared.cdn else None
        url, domain = add_domain(stack, api.declared.domain, asks_for, api)
    if api.declared.has_default_endpoint:
        CfnOutput(stack, "ApiUrl", value=api.url, description="The API's own address")
    if api.declared.cdn is not None:
        url, distribution = add_cdn(stack, backend, stage, api.declared.cdn, api, domain)
    CfnOutput(stack, "Url", value=url, description="Where the API answers")
    return distribution
