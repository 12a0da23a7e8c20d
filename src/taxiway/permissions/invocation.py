"""Which requests of an API may call a function."""

import re
from collections.abc import Sequence
from os.path import commonprefix

from taxiway.declare.api import Route

_FIELD = re.compile(r"\{[^{}]*\}")


def invoked_by(routes: Sequence[Route]) -> str:
    """The requests that a function is called for, as an ARN of the API ends: `*/GET/items/*` for `GET /items/{id}`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html, and for `$default`
    https://github.com/aws/serverless-application-model/issues/1860. A function has one such pattern, since all that may
    call it has to fit into 20 KB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): that of
    several routes is the narrowest that fits each.
    """
    if any(route.path == "$default" for route in routes):
        return "*/$default" if len(routes) == 1 else "*/*"
    methods = {"*" if route.method == "ANY" else route.method for route in routes}
    paths = {_FIELD.sub("*", route.path) for route in routes}
    method = methods.pop() if len(methods) == 1 else "*"
    start = commonprefix([*paths])  # noqa: RUF071  a pattern may end within a segment
    return f"*/{method}{start}" + ("*" if len(paths) > 1 else "")
