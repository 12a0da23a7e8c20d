"""Releases by and by on AWS: CodeDeploy moves an alias to new code, and back when an alarm of the function goes off."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from taxiway.aws.template.deployment_configurations import DEPLOYMENT_CONFIGURATIONS
from taxiway.aws.template.nag_suppressions import acknowledge
from taxiway.declare import Backend, Function, Stage, names
from taxiway.declare.operations import Release
from taxiway.permissions.statements import trust


class Releases:
    """The application of CodeDeploy for the functions of one stack, and the role that it works with."""

    def __init__(
        self,
        scope: Construct,
        release: Release,
        number: int | None,
        functions: Sequence[Function],
        backend: Backend,
        stage: Stage,
    ) -> None:
        self._configuration = DEPLOYMENT_CONFIGURATIONS[release]
        self._application = codedeploy.CfnApplication(
            scope, "Releases", application_name=names.releases(backend, stage, number), compute_platform="Lambda"
        )
        arns = [names.arn(stage, "lambda", f"function:{names.function(backend, stage, each)}") for each in functions]
        self._role = iam.CfnRole(
            scope,
            "ReleaseRole",
            path=f"/{names.path(backend, stage)}",
            description="Moves the aliases of functions to new code",
            assume_role_policy_document=trust("codedeploy.amazonaws.com"),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="release",
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": [
                                    "lambda:GetAlias",
                                    "lambda:GetProvisionedConcurrencyConfig",
                                    "lambda:UpdateAlias",
                                ],
                                "Resource": [*arns, *(f"{arn}:{names.ALIAS}" for arn in arns)],
                            },
                            {"Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": ["*"]},
                        ],
                    },
                )
            ],
        )
        acknowledge(
            self._role,
            "CloudWatch shows the state of alarms only to who may see all of them.",
            "AwsSolutions-IAM5[Resource::*]",
        )

    @property
    def application(self) -> str:
        return self._application.ref

    def add(self, scope: Construct, alarms: Sequence[cloudwatch.CfnAlarm]) -> str:
        """A deployment group for one function, rolled back by these alarms; returns its name."""
        group = codedeploy.CfnDeploymentGroup(
            scope,
            "Release",
            application_name=self.application,
            service_role_arn=self._role.attr_arn,
            deployment_config_name=self._configuration,
            deployment_style=codedeploy.CfnDeploymentGroup.DeploymentStyleProperty(
                deployment_type="BLUE_GREEN", deployment_option="WITH_TRAFFIC_CONTROL"
            ),
            alarm_configuration=codedeploy.CfnDeploymentGroup.AlarmConfigurationProperty(
                enabled=True, alarms=[codedeploy.CfnDeploymentGroup.AlarmProperty(name=alarm.ref) for alarm in alarms]
            ),
            auto_rollback_configuration=codedeploy.CfnDeploymentGroup.AutoRollbackConfigurationProperty(
                enabled=True,
                events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
            ),
        )
        return group.ref
