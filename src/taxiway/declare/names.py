"""What everything of a stage is called on AWS: pure, and the same at every deployment.

Names carry the backend and the stage, so that two stages never collide in an account; those that all regions of an
account share carry the region too, so that neither does one stage in two of them. The rest of a name comes after a
`_`, which those two can't have: `items-dev_admin-login` is of the stage dev, `items-dev-admin_login` of dev-admin.
"""

from hashlib import sha256

from taxiway.declare import placement
from taxiway.declare.backend import Backend
from taxiway.declare.function import Function
from taxiway.declare.stage import Stage

ALIAS = "live"
"""The alias of a function that requests go to, where it has one."""

_LONGEST = 64
_LONGEST_SCALING = 256
"""https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"""


def stack(backend: Backend, stage: Stage) -> str:
    return f"{backend.name}-{stage.name}"


def own(backend: Backend, stage: Stage, what: str) -> str:
    """What the stage calls something that has a name of its own: `items-prod_alarms`. No other stage's begin so."""
    return f"{stack(backend, stage)}_{what}"


def in_account(backend: Backend, stage: Stage, what: str) -> str:
    """The name of a resource that is unique in the whole account: `items-prod_eu-west-1_service`.

    CloudWatch replaces a dashboard with the same name in another region; CloudFront refuses such a cache policy:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html,
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateCachePolicy.html. A firewall of a CDN is made
    by a stage in us-east-1 alone, and needs no region in its name.
    """
    return own(backend, stage, f"{stage.region}_{what}")


def function(backend: Backend, stage: Stage, function: Function) -> str:
    """A function's name: `items-prod_create-item`, at most 64 characters.

    In a nested stack, it contains the number of the stack: `items-prod_7_create-item`; no function's own name begins
    with a digit. A function that moves gets a new name, and the old one is deleted later, because two stacks can't have
    the same name at once.
    """
    number = placement.group(backend, function)
    return _shortened(own(backend, stage, f"{number}_{function.name}" if number else function.name), _LONGEST)


def path(backend: Backend, stage: Stage) -> str:
    """The path prefix of the stage's roles, and of its files in the bucket."""
    return f"{backend.name}/{stage.name}/"


def network_log(backend: Backend, stage: Stage) -> str:
    """The log group of the traffic that the stage's network rejects; the prefix is that of `access_log`."""
    return f"/aws/vendedlogs/{own(backend, stage, 'network')}"


def log_group(backend: Backend, stage: Stage, which: Function) -> str:
    return f"/aws/lambda/{function(backend, stage, which)}"


def failures(backend: Backend, stage: Stage, which: Function) -> str:
    """The queue that names the changes which a consumer could not handle."""
    return f"{function(backend, stage, which)}-failures"


def scaling(backend: Backend, stage: Stage, index: str | None, way: str) -> str:
    """The policy by which what is read (`read`) or written of the table or an index of it is scaled."""
    return _shortened(f"{backend.table_name(stage)}-{index or 'table'}-{way}", _LONGEST_SCALING)


def access_log(backend: Backend, stage: Stage) -> str:
    """With this prefix API Gateway needs no room in the account's one resource policy of CloudWatch Logs."""
    return f"/aws/vendedlogs/{own(backend, stage, 'access')}"


def releases(backend: Backend, stage: Stage, number: int | None) -> str:
    """The application of CodeDeploy for the functions of one stack, by the number of the stack where it is nested."""
    return own(backend, stage, str(number)) if number else stack(backend, stage)


def topic(backend: Backend, stage: Stage) -> str:
    """What the stage's alarms are sent to."""
    return own(backend, stage, "alarms")


def asset_bucket(stage: Stage) -> str:
    """The bucket of an account and region that packages and nested templates are uploaded to."""
    return f"taxiway-{stage.account}-{stage.region}"


def arn(stage: Stage, service: str, resource: str, *, account: bool = True) -> str:
    """`arn:aws:dynamodb:eu-west-1:123456789012:table/items-prod`."""
    return f"arn:{partition(stage.region)}:{service}:{stage.region}:{stage.account if account else ''}:{resource}"


def partition(region: str) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _shortened(name: str, longest: int) -> str:
    """A name that is too long is cut, and ends in a mark of what it was."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def tags(backend: Backend, stage: Stage) -> dict[str, str]:
    """The tags that say which stage owns a stack: names of two backends and stages can give the same stack name."""
    return {"taxiway:backend": backend.name, "taxiway:stage": stage.name}
