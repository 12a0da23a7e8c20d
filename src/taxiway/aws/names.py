"""What everything is called on AWS, and which stack it is in: pure, and the same at every deploy.

Names carry the backend and the stage, so that two stages never collide in an account.
"""

from collections import Counter
from functools import cache
from hashlib import sha256

from taxiway.declare import Backend, DeclarationError, Function, Stage
from taxiway.declare.operations import Release

STACK_LIMIT = 500
"""Resources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

RUNTIME = "python3.14"
"""The newest of https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

ALIAS = "live"
"""The alias of a function that requests go to, where it has one."""

RELEASES: dict[Release, str] = {
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

# The most that the stacks hold of one function, and of everything else; a test compares them with real templates.
_PER_FUNCTION = 16
_THE_REST = 80

_LARGEST_GROUP = 30
_LONGEST = 64


def stack(backend: Backend, stage: Stage) -> str:
    return f"{backend.name}-{stage.name}"


def functions(backend: Backend) -> tuple[Function, ...]:
    """Every function of the backend: those that answer requests, and those that consume changes."""
    return (*backend.functions, *(consumer.function for consumer in backend.consumers))


def group(backend: Backend, function: Function) -> int | None:
    """The nested stack that a function is in; None is the stage's own stack, which holds them all while they fit.

    It follows from the functions' names alone, so that nothing moves when they are declared in another order.
    Raises DeclarationError where there are more routes than a stack can hold.
    """
    held = _THE_REST + _of_routes(backend) + _of_table(backend)
    if held > STACK_LIMIT:
        raise DeclarationError(
            f"The backend's {len(backend.api.routes)} routes and what belongs to them come to {held} resources; "
            f"a stack of CloudFormation holds {STACK_LIMIT}.",
            fix="let one route serve several paths (/files/{path+}), or make it two backends",
            where=backend.source,
        )
    if held + len(functions(backend)) * _PER_FUNCTION <= STACK_LIMIT:
        return None
    every = tuple(function.name for function in functions(backend))
    return _bucket(function.name, _buckets(every)) + 1


def function(backend: Backend, stage: Stage, function: Function) -> str:
    """A function's name: `items-prod-create-item`, at most 64 characters.

    It ends in the number of its nested stack where it is in one: a function that moves is made anew under another
    name, and the old one removed after that. Two stacks can't have one name at once.
    """
    number = group(backend, function)
    name = f"{stack(backend, stage)}-{function.name}" + (f"-{number}" if number else "")
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def path(backend: Backend, stage: Stage) -> str:
    """What is the stage's alone and has a path begins with it: the roles of its functions, its files in the bucket."""
    return f"{backend.name}/{stage.name}/"


def log_group(backend: Backend, stage: Stage, which: Function) -> str:
    return f"/aws/lambda/{function(backend, stage, which)}"


def failures(backend: Backend, stage: Stage, which: Function) -> str:
    """The queue that names the changes which a consumer could not handle."""
    return f"{function(backend, stage, which)}-failures"


def access_log(backend: Backend, stage: Stage) -> str:
    """With this prefix API Gateway needs no room in the account's one resource policy of CloudWatch Logs."""
    return f"/aws/vendedlogs/{stack(backend, stage)}-access"


def releases(backend: Backend, stage: Stage, number: int | None) -> str:
    """The application of CodeDeploy for the functions of one stack, by the number of the stack where it is nested."""
    return stack(backend, stage) + (f"-{number}" if number else "")


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


def _of_routes(backend: Backend) -> int:
    return sum(2 if route.cache else 1 for route in backend.api.routes)


def _of_table(backend: Backend) -> int:
    """The table and the auto-scaling of its capacity and its indexes'."""
    table = backend.table
    return 1 + 4 * (1 + len(table.indexes)) if table and table.capacity else 1


def _bucket(name: str, buckets: int) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:4]) % buckets


@cache
def _buckets(functions: tuple[str, ...]) -> int:
    """How many nested stacks these functions need: a power of two, so that a backend that grows seldom moves any."""
    buckets = 2
    while max(Counter(_bucket(name, buckets) for name in functions).values()) > _LARGEST_GROUP:
        buckets *= 2
    return buckets


def tags(backend: Backend, stage: Stage) -> dict[str, str]:
    """Whose a stack is: two backends' names and stages can come to one name of a stack."""
    return {"taxiway:backend": backend.name, "taxiway:stage": stage.name}
