"""How large the environment variables of a function may be together, locally as on AWS."""

import json
from collections.abc import Mapping

from taxiway.declare.errors import refuse
from taxiway.declare.function import Function

_LARGEST = 4096
"""Bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def check_size(function: Function, variables: Mapping[str, str]) -> None:
    """Raise DeclarationError if Lambda would refuse the variables of the function as too large.

    Lambda measures the names and values as JSON, as it says where it refuses them:
    https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
    """
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if size > _LARGEST:
        largest = max(variables, key=lambda name: len(variables[name]))
        refuse(
            f"Function {function.name}: its environment has {size} bytes, and Lambda accepts {_LARGEST}. The largest "
            f"variable is {largest}.",
            fix="put what is large into a file beside the handler, or into a Secret",
            where=function.source,
        )
