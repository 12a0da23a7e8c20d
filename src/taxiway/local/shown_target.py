"""A request's path and query string as the terminal shows them: values that look like secrets are masked."""

import re

_MASK = "***"

_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|api_?-?key|apikey|auth|signature|^sig$|^code$|session|credential|jwt|otp", re.IGNORECASE
)
# A JWT, an AWS access key, or a long run of letters and digits as random keys have them. Ids of 26 characters, such as
# ULIDs, and UUIDs are shorter or have another form, and stay readable.
_SECRET_VALUE = re.compile(r"eyJ[\w-]+\.[\w.-]+|(?:AKIA|ASIA)[A-Z0-9]{16}|(?=.*\d)(?=.*[A-Za-z])[\w+/=%.~-]{40,}")


def shown_target(path: str, query: str) -> str:
    """`/items?limit=2&token=***`."""
    return f"{path}?{'&'.join(map(_masked, query.split('&')))}" if query else path


def _masked(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    is_secret = bool(value) and (_SECRET_NAME.search(name) or _SECRET_VALUE.fullmatch(value))
    return f"{name}{equals}{_MASK}" if is_secret else parameter


def shortened(target: str, width: int) -> str:
    """A target of at most `width` characters: the middle of a longer one is left out, because its ends say most."""
    if len(target) <= width:
        return target
    end = width // 3
    return f"{target[: width - end - 1]}…{target[-end:]}"
