"""The resource types and functions of CloudFormation that templates use. The only module that imports troposphere."""

# pyright: reportMissingTypeStubs=false
# troposphere has type annotations, but no py.typed.

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
    """A function with `LogFormat` in its LoggingConfig, which troposphere 4.11 confuses with another type's."""

    props = {**awslambda.Function.props, "LoggingConfig": (_Logging, False)}  # noqa: RUF012  as above
