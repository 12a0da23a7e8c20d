"""What an environment variable of a function may be called."""

import re

from taxiway.declare.errors import refuse

# https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
# Those that Lambda refuses, which are not all of AWS_*: settings of an SDK such as AWS_RETRY_MODE are a function's own.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_LAMBDA = (
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_FUNCTION_(NAME|MEMORY_SIZE|VERSION)"
    r"|AWS_LAMBDA_(INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|AWS_ACCESS_KEY(_ID)?"
    r"|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
    # Credentials under SnapStart: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-activate.html
    r"|AWS_CONTAINER_(CREDENTIALS_FULL_URI|AUTHORIZATION_TOKEN)"
)
_OURS = r"TABLE_NAME|TAXIWAY_.*"
_RESERVED = re.compile(f"{_LAMBDA}|{_OURS}")


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
