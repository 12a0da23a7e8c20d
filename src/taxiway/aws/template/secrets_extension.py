"""The ARN of AWS's Parameters and Secrets extension for arm64, a layer in each region.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
"""

_LAYER = "AWS-Parameters-and-Secrets-Lambda-Extension-Arm64"

_OWNERS = {
    "af-south-1": ("317013901791", 1),
    "ap-east-1": ("768336418462", 1),
    "ap-northeast-1": ("133490724326", 4),
    "ap-northeast-2": ("738900069198", 1),
    "ap-south-1": ("176022468876", 4),
    "ap-southeast-1": ("044395824272", 4),
    "ap-southeast-2": ("665172237481", 4),
    "ap-southeast-3": ("490737872127", 1),
    "ca-central-1": ("200266452380", 1),
    "eu-central-1": ("187925254637", 4),
    "eu-north-1": ("427196147048", 1),
    "eu-south-1": ("325218067255", 1),
    "eu-west-1": ("015030872274", 4),
    "eu-west-2": ("133256977650", 4),
    "eu-west-3": ("780235371811", 1),
    "me-south-1": ("832021897121", 1),
    "sa-east-1": ("933737806257", 1),
    "us-east-1": ("177933569100", 4),
    "us-east-2": ("590474943231", 4),
    "us-west-1": ("997803712105", 1),
    "us-west-2": ("345057560386", 4),
}
"""The account of the layer, and the layer version that contains release 1.0.103 of the extension."""


def layer(region: str) -> str | None:
    """The ARN of the layer; None if the region has no such layer."""
    if region not in _OWNERS:
        return None
    account, version = _OWNERS[region]
    return f"arn:aws:lambda:{region}:{account}:layer:{_LAYER}:{version}"
