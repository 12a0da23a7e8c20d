"""CloudFormation's types of resources and its functions, as troposphere has them: the one place that imports it."""

# pyright: reportMissingTypeStubs=false
# troposphere is annotated, and has no py.typed.

from troposphere import (
    AWS_URL_SUFFIX,
    AWSHelperFn,
    AWSObject,
    AWSProperty,
    Cidr,
    GetAtt,
    GetAZs,
    Join,
    Output,
    Parameter,
    Ref,
    Select,
    Template,
    apigatewayv2,
    applicationautoscaling,
    awslambda,
    cloudformation,
    cloudfront,
    cloudwatch,
    codedeploy,
    dynamodb,
    ec2,
    iam,
    logs,
    route53,
    secretsmanager,
    sns,
    sqs,
    wafv2,
)

__all__ = [
    "AWS_URL_SUFFIX",
    "AWSHelperFn",
    "AWSObject",
    "Cidr",
    "GetAZs",
    "GetAtt",
    "Join",
    "LambdaFunction",
    "Output",
    "Parameter",
    "Ref",
    "Select",
    "Template",
    "apigatewayv2",
    "applicationautoscaling",
    "awslambda",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "codedeploy",
    "dynamodb",
    "ec2",
    "iam",
    "logs",
    "route53",
    "secretsmanager",
    "sns",
    "sqs",
    "wafv2",
]


class _Logging(AWSProperty):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-loggingconfig.html"""

    props = {  # noqa: RUF012  as troposphere's own classes have it
        "ApplicationLogLevel": (str, False),
        "LogFormat": (str, False),
        "LogGroup": (str, False),
        "SystemLogLevel": (str, False),
    }


class LambdaFunction(awslambda.Function):
    """A function whose LoggingConfig has LogFormat: in troposphere 4.11 another resource's has taken its place."""

    props = {**awslambda.Function.props, "LoggingConfig": (_Logging, False)}  # noqa: RUF012  as above
