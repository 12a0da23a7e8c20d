"""What an environment variable of a function may be called."""

import re

from taxiway.declare.errors import refuse

# https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
# Lambda's own, which a function can't set or which mean something to it, and ours:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = re.compile(r"AWS_.*|LAMBDA_.*|_HANDLER|_X_AMZN_TRACE_ID|TABLE_NAME|TAXIWAY_.*")


def check_variable(name: str, owner: str, *, where: str) -> None:
    """Raise DeclarationError where what `owner` declares can't have an environment variable of this name."""
    if _RESERVED.fullmatch(name):
        refuse(f"{owner}: the environment variable {name} is reserved.", fix="give it another name", where=where)
    if not _NAME.fullmatch(name):
        refuse(
            f"{owner}: invalid name of an environment variable {name!r}.",
            fix="use two or more letters, digits and '_', beginning with a letter, as in LOG_LEVEL",
            where=where,
        )
