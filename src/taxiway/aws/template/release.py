"""Gradual releases on AWS: CodeDeploy moves an alias to new code, and back when an alarm of the function goes off."""

from collections.abc import Sequence

from taxiway.aws.template.cloudformation_types import codedeploy, iam
from taxiway.aws.template.deployment_configurations import DEPLOYMENT_CONFIGURATIONS
from taxiway.aws.template.stack_template import Resource, Scope, wait_for
from taxiway.declare import Backend, Function, Stage, bootstrap, names
from taxiway.declare.operations import Release
from taxiway.permissions.statements import trust


class Releases:
    """The application of CodeDeploy for the functions of one stack, and the role that it works with."""

    def __init__(
        self,
        scope: Scope,
        release: Release,
        number: int | None,
        functions: Sequence[Function],
        backend: Backend,
        stage: Stage,
    ) -> None:
        self._configuration = DEPLOYMENT_CONFIGURATIONS[release]
        self._is_gradual = release != "all-at-once"
        self._application = scope.add(
            codedeploy.Application,
            "Releases",
            ApplicationName=names.releases(backend, stage, number),
            ComputePlatform="Lambda",
        )
        arns = [names.arn(stage, "lambda", f"function:{names.function(backend, stage, each)}") for each in functions]
        self._role = scope.add(
            iam.Role,
            "ReleaseRole",
            Path=f"/{names.path(backend, stage)}",
            Description="Moves the aliases of functions to new code",
            AssumeRolePolicyDocument=trust("codedeploy.amazonaws.com"),
            PermissionsBoundary=bootstrap.boundary(backend, stage),
            Policies=[
                {
                    "PolicyName": "release",
                    "PolicyDocument": {
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
                            # CloudWatch shows the state of alarms only to who may see all of them.
                            {"Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": ["*"]},
                        ],
                    },
                }
            ],
        )

    def add(self, scope: Scope, alarms: Sequence[Resource], alias: Resource) -> None:
        """Let CodeDeploy move the alias of one function, and back when one of these alarms goes off.

        The alarms are those of the new version, so they must be changed before the alias is. CodeDeploy starts no
        deployment while one is in alarm, and a deployment that is released at once is stopped by none.
        """
        stopping = list(alarms) if self._is_gradual else []
        watched = {"Enabled": True, "Alarms": [{"Name": alarm.ref()} for alarm in stopping]}
        on_alarm = ["DEPLOYMENT_STOP_ON_ALARM"] if stopping else []
        group = scope.add(
            codedeploy.DeploymentGroup,
            "Release",
            ApplicationName=self._application.ref(),
            ServiceRoleArn=self._role.get_att("Arn"),
            DeploymentConfigName=self._configuration,
            DeploymentStyle={"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
            AlarmConfiguration=watched if stopping else None,
            AutoRollbackConfiguration={
                "Enabled": True,
                "Events": ["DEPLOYMENT_FAILURE", *on_alarm, "DEPLOYMENT_STOP_ON_REQUEST"],
            },
        )
        wait_for(alias, *alarms)
        # As plain JSON: troposphere's own class takes booleans where CloudFormation takes names.
        alias.UpdatePolicy = {
            "CodeDeployLambdaAliasUpdate": {
                "ApplicationName": self._application.ref(),
                "DeploymentGroupName": group.ref(),
            }
        }
