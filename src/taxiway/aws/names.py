"""What everything is called on AWS, and which stack it is in: pure, and the same at every deploy.

Names carry the backend and the stage, so that two stages never collide in an account; those that all regions of an
account share carry the region too, so that neither does one stage in two of them. The rest of a name comes after a
`_`, which those two can't have: `items-dev_admin-login` is of the stage dev, `items-dev-admin_login` of dev-admin.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from taxiway.declare import Backend, DeclarationError, Function, JwtAuthorizer, Stage
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

# The most that a stack holds of one function, of one consumer, and of what every stage has however large it is (the
# nested stacks, the network, the domain and the CDN among it); a test compares them with real templates. Raising one of
# them moves functions of those who have large backends.
_PER_FUNCTION = 16
_PER_CONSUMER = 18
_THE_REST = 76

_NESTED_STACKS = 16
"""As many as the functions of a stack full of routes need, so that their number never has to change."""
_LARGEST_GROUP = 30
_LONGEST = 64
_LONGEST_SCALING = 256
"""https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"""


def stack(backend: Backend, stage: Stage) -> str:
    return f"{backend.name}-{stage.name}"


def own(backend: Backend, stage: Stage, what: str) -> str:
    """What the stage calls something that has a name of its own: `items-prod_alarms`. No other stage's begin so."""
    return f"{stack(backend, stage)}_{what}"


def in_account(backend: Backend, stage: Stage, what: str) -> str:
    """What the stage calls something whose name is one of the whole account: `items-prod_eu-west-1_service`.

    CloudWatch keeps dashboards so, and replaces one that is called alike; CloudFront refuses a second cache policy:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html,
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateCachePolicy.html. A firewall of a CDN is made
    by a stage in us-east-1 alone, and needs no region in its name.
    """
    return own(backend, stage, f"{stage.region}_{what}")


def functions(backend: Backend) -> tuple[Function, ...]:
    """Every function of the backend: those that answer requests, and those that consume changes."""
    return (*backend.functions, *(consumer.function for consumer in backend.consumers))


def group(backend: Backend, function: Function) -> int | None:
    """The nested stack that a function is in; None is the stage's own stack, which has as many as it can hold.

    Consumers are always in that: one that moved would be made anew, and be given all that its stream has once more. Of
    the others it follows from their names alone, and one function more moves two at most: docs/decisions/0013. Raises
    DeclarationError where there are more routes than a stack can hold.
    """
    held = _THE_REST + sum(_of_declared(backend).values())
    if held > STACK_LIMIT:
        listed = ", ".join(f"{count} of {what}" for what, count in _of_declared(backend).items() if count)
        raise DeclarationError(
            f"What the backend declares comes to {held} resources in one stack ({listed}, {_THE_REST} of all else); "
            f"a stack of CloudFormation holds {STACK_LIMIT}.",
            fix="let one route serve several paths (/files/{path+}), or make it two backends",
            where=backend.source,
        )
    every = frozenset(function.name for function in backend.functions)
    return _groups(every, (STACK_LIMIT - held) // _PER_FUNCTION).get(function.name)


def function(backend: Backend, stage: Stage, function: Function) -> str:
    """A function's name: `items-prod_create-item`, at most 64 characters.

    One in a nested stack has its number: `items-prod_7_create-item`; no function's own name begins with a digit. A
    function that moves is made anew under another name, and the old one removed after that: two stacks can't have one
    name at once.
    """
    number = group(backend, function)
    return _shortened(own(backend, stage, f"{number}_{function.name}" if number else function.name), _LONGEST)


def path(backend: Backend, stage: Stage) -> str:
    """What is the stage's alone and has a path begins with it: its roles, and its files in the bucket."""
    return f"{backend.name}/{stage.name}/"


def network_log(backend: Backend, stage: Stage) -> str:
    """What the stage's own network refuses; the prefix is that of `access_log`."""
    return f"/aws/vendedlogs/{own(backend, stage, 'network')}"


def log_group(backend: Backend, stage: Stage, which: Function) -> str:
    return f"/aws/lambda/{function(backend, stage, which)}"


def failures(backend: Backend, stage: Stage, which: Function) -> str:
    """The queue that names the changes which a consumer could not handle."""
    return f"{function(backend, stage, which)}-failures"


def scaling(backend: Backend, stage: Stage, index: str | None, way: str) -> str:
    """The policy by which what is read (`read`) or written of the table or an index of it is scaled."""
    return _shortened(f"{backend.table_name(stage)}-{index or 'table'}-{way}", _LONGEST_SCALING)


def construct(name: str) -> str:
    """What something that a declaration names is called in the CDK's tree, where `/` parts one from the next.

    `Default` is the CDK's word for the one that all beside it is about, and it builds no tree that has a `Resource`
    beside that; neither a function's name nor a secret's id has a `|`.
    """
    return "Default|" if name == "Default" else name.replace("/", "|")


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


def _of_declared(backend: Backend) -> dict[str, int]:
    """The resources that the stage's own stack has to hold for all that a declaration may have more and more of.

    They follow from the declaration and from no stage: what a stage leaves out has its place kept.
    """
    return {
        "routes": sum(2 if route.cache else 1 for route in backend.api.routes),
        "authorizers": _of_authorizers(backend),
        "secrets": _of_secrets(backend),
        "the table": _of_table(backend),
        "consumers": len(backend.consumers) * _PER_CONSUMER,
        "readers of alarms": len(backend.operations.emails),
    }


def _of_authorizers(backend: Backend) -> int:
    """A function that is asked has a permission too."""
    return sum(1 if isinstance(authorizer, JwtAuthorizer) else 2 for authorizer in backend.api.authorizers)


def _of_secrets(backend: Backend) -> int:
    """Those that the stack makes; one that is rotated has its schedule, and a permission for who does it."""
    return sum(3 if secret.rotation else 1 for secret in backend.secrets if secret.generate)


def _of_table(backend: Backend) -> int:
    """The table and the auto-scaling of its capacity and its indexes'."""
    table = backend.table
    return 1 + 4 * (1 + len(table.indexes)) if table and table.capacity else 1


@cache
def _groups(functions: frozenset[str], room: int) -> Mapping[str, int | None]:
    """Where functions are: each, in an order that is drawn by its name, in the first stack of its own list with room.

    All have the stage's own stack first, which takes `room`, and then the nested ones in an order drawn by the name.
    """
    left: dict[int | None, int] = {None: room} | dict.fromkeys(range(1, _NESTED_STACKS + 1), _LARGEST_GROUP)
    found: dict[str, int | None] = {}
    for name in sorted(functions, key=_drawn):
        nested = sorted(range(1, _NESTED_STACKS + 1), key=lambda number: _drawn(f"{number} {name}"))
        found[name] = next(number for number in (None, *nested) if left[number])
        left[found[name]] -= 1
    return found


def _shortened(name: str, longest: int) -> str:
    """A name that is too long is cut, and ends in a mark of what it was."""
    if len(name) <= longest:
        return name
    return f"{name[: longest - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def _drawn(text: str) -> bytes:
    return sha256(text.encode()).digest()


def tags(backend: Backend, stage: Stage) -> dict[str, str]:
    """Whose a stack is: two backends' names and stages can come to one name of a stack."""
    return {"taxiway:backend": backend.name, "taxiway:stage": stage.name}
