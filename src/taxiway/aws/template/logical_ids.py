"""What CloudFormation calls a resource in its template: letters and digits alone, whatever the declaration calls it."""

import re
from hashlib import md5

_PLAIN = re.compile(r"[A-Za-z0-9]+")
_OTHER = re.compile(r"[^A-Za-z0-9]")
_LONGEST = 240
"""Of 255, before the mark: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html"""


def logical_id(*path: str) -> str:
    """`Table`, and `FunctionsgetitemRole1A2B3C4D` for what has a declared name in its path.

    The mark at the end is of the whole path: `get-item` and `getitem` differ in nothing else.
    """
    if len(path) == 1 and _PLAIN.fullmatch(path[0]):
        return path[0]
    whole = "/".join(part.replace("/", "|") for part in path)
    mark = md5(whole.encode(), usedforsecurity=False).hexdigest()[:8].upper()
    return _OTHER.sub("", whole)[:_LONGEST] + mark
