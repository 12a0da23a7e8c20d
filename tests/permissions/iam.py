"""How IAM reads a statement's conditions, as far as the policies of functions go.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Mapping, Sequence


def like(pattern: str, value: str) -> bool:
    """StringLike."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL))


def holds(condition: Mapping[str, Mapping[str, str | Sequence[str]]], context: Mapping[str, Sequence[str]]) -> bool:
    """Whether all of a condition is true of a request: `context` has the values of each key that it comes with."""
    return all(
        _OPERATORS[operator](expected, context.get(key, ()))
        for operator, keys in condition.items()
        for key, expected in keys.items()
    )


_OPERATORS = {
    # True of a request that has no such key, too.
    "ForAllValues:StringLike": lambda shapes, values: all(any(like(shape, v) for shape in shapes) for v in values),
    "ForAllValues:StringEquals": lambda allowed, values: all(value in allowed for value in values),
    "Null": lambda expected, values: expected == ("false" if values else "true"),
}
