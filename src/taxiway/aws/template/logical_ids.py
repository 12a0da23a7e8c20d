"""Logical ids: the names of resources in a template, which consist of letters and digits."""

import re
from hashlib import md5

_PLAIN = re.compile(r"[A-Za-z0-9]+")
_OTHER = re.compile(r"[^A-Za-z0-9]")
_LONGEST = 240
"""Of 255, without the hash: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html"""


def logical_id(*path: str) -> str:
    """`Table`, or `FunctionsgetitemRole1A2B3C4D` for a path of several parts, some of which the declaration names.

    It ends in a hash of the whole path, so that `get-item` and `getitem` get different ids.
    """
    if len(path) == 1 and _PLAIN.fullmatch(path[0]):
        return path[0]
    whole = "/".join(part.replace("/", "|") for part in path)
    digest = md5(whole.encode(), usedforsecurity=False).hexdigest()[:8].upper()
    return _OTHER.sub("", whole)[:_LONGEST] + digest
