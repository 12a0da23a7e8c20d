"""CodeDeploy's own names of the ways to release."""

from taxiway.declare.operations import Release

DEPLOYMENT_CONFIGURATIONS: dict[Release, str] = {
    "all-at-once": "CodeDeployDefault.LambdaAllAtOnce",
    "canary-5m": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    "canary-10m": "CodeDeployDefault.LambdaCanary10Percent10Minutes",
    "canary-15m": "CodeDeployDefault.LambdaCanary10Percent15Minutes",
    "canary-30m": "CodeDeployDefault.LambdaCanary10Percent30Minutes",
    "linear-1m": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
    "linear-2m": "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes",
    "linear-3m": "CodeDeployDefault.LambdaLinear10PercentEvery3Minutes",
    "linear-10m": "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes",
}
"""https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html"""
