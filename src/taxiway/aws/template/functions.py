"""Functions on AWS: each with its role, its log group, and an alias where it is released gradually or kept started."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct

from taxiway.aws.runtime import RUNTIME
from taxiway.aws.template import limits
from taxiway.aws.template.alarm_topic import AlarmTopic, watch_function, watch_release
from taxiway.aws.template.assembly import package_key
from taxiway.aws.template.cloudformation_types import (
    LambdaFunction,
    apigatewayv2,
    applicationautoscaling,
    awslambda,
    iam,
    logs,
)
from taxiway.aws.template.code import Code
from taxiway.aws.template.network import PrivateNetwork
from taxiway.aws.template.release import Releases
from taxiway.aws.template.stack_template import Resource, Scope, Value, joined
from taxiway.aws.template.stream_consumers import add_stream_consumer
from taxiway.declare import Backend, Function, Provisioned, Stage, StreamConsumer, bootstrap, names
from taxiway.permissions.function_policy import function_policy
from taxiway.permissions.invocation import invoked_by
from taxiway.permissions.statements import trust

_LOG_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR"}


class Surroundings(Struct, frozen=True):
    """What a function refers to."""

    backend: Backend
    stage: Stage
    packages: Mapping[str, Code]
    stream_arn: Value | None
    network: PrivateNetwork | None
    topic: AlarmTopic | None
    at_once: bool
    """Whether this deployment releases at once, whatever the declaration says."""


class FunctionGroup:
    """The functions of one stack, which has a number where it is nested."""

    def __init__(self, scope: Scope, number: int | None, functions: Sequence[Function], around: Surroundings) -> None:
        self._scope = scope.within("Functions")  # whatever they are called, nothing else is beside them
        self._around = around
        self._releases: Releases | None = None
        release = around.backend.operations.release_of(around.stage)
        if release != "all-at-once":
            how = "all-at-once" if around.at_once else release
            self._releases = Releases(scope, how, number, functions, around.backend, around.stage)

    def add(self, function: Function) -> "DeployedFunction":
        return DeployedFunction(self._scope.within(function.name), function, self._around, self._releases)


class DeployedFunction:
    """A function with all that belongs to it; its requests go to `invoked_arn`."""

    def __init__(self, scope: Scope, function: Function, around: Surroundings, releases: Releases | None) -> None:
        self.declared = function
        self.name = names.function(around.backend, around.stage, function)
        self._scope = scope
        self._around = around
        self._integration: Resource | None = None
        self._permission: Resource | None = None
        self._log = self._add_log_group()
        self._function = self._add_function(self._add_role())
        if around.topic is not None:
            watch_function(scope, around.backend, around.stage, function, self._log, around.topic)
        self.invoked_arn: Value = self._function.get_att("Arn")
        if releases is not None or function.provisioned is not None:
            version = self._add_version()
            alias = self._add_alias(version, function.provisioned)
            self.invoked_arn = alias.ref()
            if releases is not None:
                releases.add(scope, self._watch_release(version), alias)

    def consume(self, consumer: StreamConsumer) -> None:
        """Give it the changes of the table."""
        around = self._around
        if around.stream_arn is not None:
            add_stream_consumer(
                self._scope, consumer, around.backend, around.stage, around.stream_arn, self.invoked_arn, around.topic
            )

    def integration(self, api_id: Value) -> Value:
        """The id of the integration through which the routes of the API call it, but for those that have their own."""
        if self._integration is None:
            self._integration = self.integrate(api_id, self._scope, "Integration")
        return self._scope.stack.gives(f"{self._integration.title}Id", self._integration.ref())

    def integrate(self, api_id: Value, scope: Scope, name: str, **properties: Any) -> Resource:
        """Add an integration that calls the function. It waits for API Gateway's permission to call it.

        An integration in another stack refers to an output, which exists once the function's whole stack does.
        """
        stack, permission = self._scope.stack, self._let_in(api_id)
        is_beside = scope.stack is stack
        return scope.add(
            apigatewayv2.Integration,
            name,
            after=[permission] if is_beside else [],
            ApiId=scope.stack.takes("Api", api_id),
            IntegrationType="AWS_PROXY",
            IntegrationUri=self.invoked_arn if is_beside else stack.gives(f"{permission.title}For", self.invoked_arn),
            PayloadFormatVersion="2.0",
            **properties,
        )

    def _let_in(self, api_id: Value) -> Resource:
        if self._permission is None:
            around = self._around
            called_for = invoked_by(around.backend.routes_of(self.declared))
            self._permission = self._scope.add(
                awslambda.Permission,
                "Permission",
                Action="lambda:InvokeFunction",
                FunctionName=self.invoked_arn,
                Principal="apigateway.amazonaws.com",
                SourceArn=joined(
                    names.arn(around.stage, "execute-api", ""),
                    self._scope.stack.takes("Api", api_id),
                    f"/{called_for}",
                ),
            )
        return self._permission

    def _add_role(self) -> Resource:
        around = self._around
        return self._scope.add(
            iam.Role,
            "Role",
            Path=f"/{names.path(around.backend, around.stage)}",
            Description=f"What {self.name} may do",
            AssumeRolePolicyDocument=trust("lambda.amazonaws.com"),
            PermissionsBoundary=bootstrap.boundary(around.backend, around.stage),
            Policies=[
                {
                    "PolicyName": "function",
                    "PolicyDocument": function_policy(around.backend, self.declared, around.stage, around.stream_arn),
                }
            ],
        )

    def _add_log_group(self) -> Resource:
        return self._scope.add(
            logs.LogGroup,
            "Log",
            kept=False,  # kept, it would be in the way of a function of the same name that is declared again later
            LogGroupName=names.log_group(self._around.backend, self._around.stage, self.declared),
            RetentionInDays=self._around.backend.operations.log_days_of(self._around.stage),
        )

    def _add_function(self, role: Resource) -> Resource:
        declared, around = self.declared, self._around
        code = around.packages[declared.name]
        return self._scope.add(
            LambdaFunction,
            "Function",
            FunctionName=self.name,
            Role=role.get_att("Arn"),
            Code={
                "S3Bucket": names.asset_bucket(around.stage),
                "S3Key": package_key(around.backend, around.stage, code.digest),
            },
            Handler=code.handler,
            Runtime=RUNTIME,
            Architectures=["arm64"],
            MemorySize=declared.memory,
            Timeout=declared.timeout,
            Environment={"Variables": self._variables()},
            ReservedConcurrentExecutions=declared.concurrency,
            TracingConfig={"Mode": "Active" if around.backend.operations.tracing else "PassThrough"},
            LoggingConfig={
                "LogGroup": self._log.ref(),
                "LogFormat": "JSON",
                "ApplicationLogLevel": self._log_level(),
                "SystemLogLevel": "INFO",
            },
            VpcConfig=around.network.configuration(self._scope.stack) if around.network else None,
        )

    def _variables(self) -> dict[str, str]:
        around = self._around
        return limits.environment(around.backend, self.declared, around.stage, around.packages[self.declared.name])

    def _log_level(self) -> str:
        """Lambda drops lines under its level, so it has to let through what LOG_LEVEL asks the function to write."""
        return _LOG_LEVELS.get(self.declared.environment.get("LOG_LEVEL", "").upper(), "INFO")

    def _watch_release(self, version: Resource) -> list[Resource]:
        around = self._around
        if around.topic is None:
            return []
        number = version.get_att("Version")
        return watch_release(self._scope, around.backend, around.stage, self.declared, self._log, around.topic, number)

    def _add_version(self) -> Resource:
        """A version is published whenever code or configuration change."""
        return self._scope.add(awslambda.Version, f"Version{self._fingerprint()}", FunctionName=self._function.ref())

    def _add_alias(self, version: Resource, provisioned: Provisioned | None) -> Resource:
        """The alias of the newest version."""
        function = self._function.ref()
        started = {"ProvisionedConcurrentExecutions": provisioned.minimum} if provisioned else None
        alias = self._scope.add(
            awslambda.Alias,
            "Alias",
            Name=names.ALIAS,
            FunctionName=function,
            FunctionVersion=version.get_att("Version"),
            ProvisionedConcurrencyConfig=started,
        )
        if provisioned and provisioned.maximum:
            self._scale(alias, provisioned.minimum, provisioned.maximum, provisioned.target)
        return alias

    def _fingerprint(self) -> str:
        """Changes with what the function is given and nothing else: Lambda publishes no two versions of the same."""
        around, declared = self._around, self.declared
        code = around.packages[declared.name]
        network = around.backend.network
        where = (
            [network.cidr, network.zones, *network.subnets, *network.security_groups]
            if network and network.in_use
            else None
        )
        configuration = [
            *(code.digest, code.handler, RUNTIME, declared.memory, declared.timeout, self._variables()),
            *(self._log_level(), around.backend.operations.tracing, where),
        ]
        return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:12]

    def _scale(self, alias: Resource, least: int, most: int, target: float) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html#managing-provisioned-concurency"""
        scalable = self._scope.add(
            applicationautoscaling.ScalableTarget,
            "Provisioned",
            after=[alias],
            ServiceNamespace="lambda",
            ResourceId=f"function:{self.name}:{names.ALIAS}",
            ScalableDimension="lambda:function:ProvisionedConcurrency",
            MinCapacity=least,
            MaxCapacity=most,
        )
        self._scope.add(
            applicationautoscaling.ScalingPolicy,
            "Scaling",
            PolicyName=f"{self.name}-provisioned",
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=scalable.ref(),
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": target,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
            },
        )
