"""Functions on AWS: each with its role, its log group, and an alias where it is released by and by or kept started."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from aws_cdk import AssetHashType, CfnCodeDeployLambdaAliasUpdate, CfnUpdatePolicy, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk.region_info import RegionInfo
from constructs import Construct
from msgspec import Struct

from taxiway.aws.runtime import RUNTIME
from taxiway.aws.template import limits
from taxiway.aws.template.alarm_topic import AlarmTopic, watch_function
from taxiway.aws.template.code import Code
from taxiway.aws.template.construct_ids import construct_id
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.aws.template.network import PrivateNetwork
from taxiway.aws.template.release import Releases
from taxiway.aws.template.stream_consumers import add_stream_consumer
from taxiway.declare import Backend, DeclarationError, Function, Stage, StreamConsumer, names
from taxiway.permissions.function_policy import WILDCARDS, function_policy
from taxiway.permissions.invocation import invoked_by
from taxiway.permissions.statements import trust

_EXTENSION = "1.0.103"
"""The version of the Parameters and Secrets extension that the CDK's table of regions has."""

_LOG_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR"}


class Surroundings(Struct, frozen=True):
    """What a function refers to."""

    backend: Backend
    stage: Stage
    packages: Mapping[str, Code]
    stream_arn: str | None
    network: PrivateNetwork | None
    topic: AlarmTopic | None


class FunctionGroup:
    """The functions of one stack, which has a number where it is nested."""

    def __init__(
        self, scope: Construct, number: int | None, functions: Sequence[Function], around: Surroundings
    ) -> None:
        self._scope = Construct(scope, "Functions")  # whatever they are called, nothing else is beside them
        self._around = around
        self._releases: Releases | None = None
        release = around.backend.operations.release_of(around.stage)
        if release != "all-at-once":
            self._releases = Releases(scope, release, number, functions, around.backend, around.stage)

    def add(self, function: Function) -> "DeployedFunction":
        return DeployedFunction(self._scope, function, self._around, self._releases)


class DeployedFunction(Construct):
    """A function with all that belongs to it; its requests go to `invoked_arn`."""

    def __init__(self, scope: Construct, function: Function, around: Surroundings, releases: Releases | None) -> None:
        super().__init__(scope, construct_id(function.name))
        self.declared = function
        self.name = names.function(around.backend, around.stage, function)
        self._around = around
        self._integration: gateway.CfnIntegration | None = None
        self._permission: lambda_.CfnPermission | None = None
        self._log = self._add_log_group()
        self._function = self._add_function(self._add_role())
        alarms = (
            watch_function(self, around.backend, around.stage, function, self._log, around.topic)
            if around.topic
            else []
        )
        self.invoked_arn = self._function.attr_arn
        if releases is not None or function.provisioned is not None:
            alias = self._add_alias()
            self.invoked_arn = alias.ref
            if releases is not None:
                alias.cfn_options.update_policy = CfnUpdatePolicy(
                    code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                        application_name=releases.application, deployment_group_name=releases.add(self, alarms)
                    )
                )

    def consume(self, consumer: StreamConsumer) -> None:
        """Give it the changes of the table."""
        around = self._around
        if around.stream_arn is not None:
            add_stream_consumer(
                self, consumer, around.backend, around.stage, around.stream_arn, self.invoked_arn, around.topic
            )

    def integration(self, api_id: str) -> str:
        """The id of the integration through which the routes of the API call it, and which alone may."""
        if self._integration is None:
            self._integration = gateway.CfnIntegration(
                self,
                "Integration",
                api_id=api_id,
                integration_type="AWS_PROXY",
                integration_uri=self.invoked_arn,
                payload_format_version="2.0",
            )
            self.let_in(self._integration, api_id)
        return self._integration.ref

    def let_in(self, integration: gateway.CfnIntegration, api_id: str) -> None:
        """Nothing is sent through an integration before API Gateway may call what it names."""
        if self._permission is None:
            around = self._around
            self._permission = lambda_.CfnPermission(
                self,
                "Permission",
                action="lambda:InvokeFunction",
                function_name=self.invoked_arn,
                principal="apigateway.amazonaws.com",
                source_arn=names.arn(
                    around.stage,
                    "execute-api",
                    f"{api_id}/{invoked_by(around.backend.routes_of(self.declared))}",
                ),
            )
        integration.add_resource_dependency(self._permission)

    def _add_role(self) -> iam.CfnRole:
        document = function_policy(self._around.backend, self.declared, self._around.stage, self._around.stream_arn)
        role = iam.CfnRole(
            self,
            "Role",
            path=f"/{names.path(self._around.backend, self._around.stage)}",
            description=f"What {self.name} may do",
            assume_role_policy_document=trust("lambda.amazonaws.com"),
            policies=[iam.CfnRole.PolicyProperty(policy_name="function", policy_document=document)],
        )
        for statement in document["Statement"]:
            reason = "; ".join(dict.fromkeys(WILDCARDS.get(action, "") for action in statement["Action"]))
            for resource in statement["Resource"]:
                if "*" in resource:
                    acknowledge(role, f"{reason}.", f"AwsSolutions-IAM5[Resource::{resource}]")
        acknowledge(
            role,
            "Each wildcard is acknowledged by its own finding of AwsSolutions-IAM5.",
            "Serverless-LambdaStarPermissions",
        )
        return role

    def _add_log_group(self) -> logs.CfnLogGroup:
        group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=names.log_group(self._around.backend, self._around.stage, self.declared),
            retention_in_days=self._around.backend.operations.log_days_of(self._around.stage),
        )
        # Kept, it would be in the way of a function of the same name that is declared again later.
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group

    def _add_function(self, role: iam.CfnRole) -> lambda_.CfnFunction:
        declared, around = self.declared, self._around
        code = around.packages[declared.name]
        package = assets.Asset(
            self, "Package", path=str(code.path), asset_hash=code.digest, asset_hash_type=AssetHashType.CUSTOM
        )
        function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=self.name,
            role=role.attr_arn,
            code=lambda_.CfnFunction.CodeProperty(s3_bucket=package.s3_bucket_name, s3_key=package.s3_object_key),
            handler=code.handler,
            runtime=RUNTIME,
            architectures=["arm64"],
            memory_size=declared.memory,
            timeout=declared.timeout,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=self._variables()),
            layers=self._layers() or None,
            reserved_concurrent_executions=declared.concurrency,
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(
                mode="Active" if around.backend.operations.tracing else "PassThrough"
            ),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(
                log_group=self._log.ref,
                log_format="JSON",
                application_log_level=self._log_level(),
                system_log_level="INFO",
            ),
            vpc_config=lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=around.network.subnets, security_group_ids=around.network.security_groups
            )
            if around.network and around.network.in_use
            else None,
        )
        acknowledge(
            function,
            "An API calls it and waits, or a stream that has a queue for failures: it is never called asynchronously.",
            "Serverless-LambdaDLQ",
            "Serverless-LambdaAsyncFailureDestination",
        )
        if not around.backend.operations.tracing:
            acknowledge(function, "The declaration turns tracing off.", "Serverless-LambdaTracing")
        return function

    def _variables(self) -> dict[str, str]:
        around = self._around
        return limits.environment(around.backend, self.declared, around.stage, around.packages[self.declared.name])

    def _log_level(self) -> str:
        """Lambda drops lines under its level, so it has to let through what LOG_LEVEL asks the function to write."""
        return _LOG_LEVELS.get(self.declared.environment.get("LOG_LEVEL", "").upper(), "INFO")

    def _layers(self) -> list[str]:
        """The Parameters and Secrets extension, for a function that reads a secret.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
        """
        if not self.declared.secrets:
            return []
        region = self._around.stage.region
        layer = RegionInfo.get(region).params_and_secrets_lambda_layer_arn(_EXTENSION, "arm64")
        if layer is None:
            raise DeclarationError(
                f"Function {self.declared.name} uses a secret, and {region} has no extension for arm64 that reads it.",
                fix="use another region, or take the secret out of its uses",
                where=self.declared.source,
            )
        return [layer]

    def _add_alias(self) -> lambda_.CfnAlias:
        """The alias of the newest version; a version is published whenever code or configuration change."""
        version = lambda_.CfnVersion(self, f"Version{self._fingerprint()}", function_name=self._function.ref)
        provisioned = self.declared.provisioned
        alias = lambda_.CfnAlias(
            self,
            "Alias",
            name=names.ALIAS,
            function_name=self._function.ref,
            function_version=version.attr_version,
            provisioned_concurrency_config=provisioned
            and lambda_.CfnAlias.ProvisionedConcurrencyConfigurationProperty(
                provisioned_concurrent_executions=provisioned.minimum
            ),
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
            *(self._layers(), self._log_level(), around.backend.operations.tracing, where),
        ]
        return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:12]

    def _scale(self, alias: lambda_.CfnAlias, least: int, most: int, target: float) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html#managing-provisioned-concurency"""
        scalable = scaling.CfnScalableTarget(
            self,
            "Provisioned",
            service_namespace="lambda",
            resource_id=f"function:{self.name}:{names.ALIAS}",
            scalable_dimension="lambda:function:ProvisionedConcurrency",
            min_capacity=least,
            max_capacity=most,
        )
        scalable.add_resource_dependency(alias)
        scaling.CfnScalingPolicy(
            self,
            "Scaling",
            policy_name=f"{self.name}-provisioned",
            policy_type="TargetTrackingScaling",
            scaling_target_id=scalable.ref,
            target_tracking_scaling_policy_configuration=_Tracking(
                target_value=target,
                predefined_metric_specification=scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="LambdaProvisionedConcurrencyUtilization"
                ),
            ),
        )


_Tracking = scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty
