"""What an environment variable of a function may be called."""

import re

# https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
# Lambda's own, which a function can't set or which mean something to it, and ours:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = re.compile(r"AWS_.*|LAMBDA_.*|_HANDLER|_X_AMZN_TRACE_ID|TABLE_NAME|TAXIWAY_.*")


def refused(name: str) -> tuple[str, str] | None:
    """Why a variable can't be called so, and what to do; None where it can."""
    if _RESERVED.fullmatch(name):
        return f"the environment variable {name} is reserved", "give it another name"
    if not _NAME.fullmatch(name):
        return (
            f"{name!r} is not a name for an environment variable",
            "use two or more letters, digits and '_', beginning with a letter, as in LOG_LEVEL",
        )
    return None
