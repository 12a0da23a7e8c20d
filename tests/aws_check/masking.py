"""Removes from a report what a person would not publish: account ids, keys, tokens, and addresses of APIs."""

import re
from collections.abc import Iterable

_FORMS = (
    (re.compile(r"(?<![\w.])\d{12}(?!\w)"), "ACCOUNT"),
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA)[A-Z0-9]{12,}\b"), "KEY_ID"),
    (re.compile(r"\b[a-z0-9]{6,}(?=\.execute-api\.)"), "API"),
    (re.compile(r"\b[a-z0-9]{6,}(?=\.cloudfront\.net)"), "DISTRIBUTION"),
)


_SHORTEST = 16
"""Characters of a secret: an emulator's is a word, such as `test`."""


def masked(text: str, *, account: str, secrets: Iterable[str | None]) -> str:
    """The text without the account, without `secrets`, and without what looks like an id of an account or a key."""
    text = text.replace(account, "ACCOUNT")
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST:
            text = text.replace(secret, "SECRET")
    for form, word in _FORMS:
        text = form.sub(word, text)
    return text
