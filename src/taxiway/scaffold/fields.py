"""The fields of a new entity, as the command line names them: `name`, `price:Decimal`, `note:str?`."""

import keyword
import re
from dataclasses import dataclass

from taxiway.scaffold.errors import ScaffoldError

TYPES = {"str": '"Example"', "int": "3", "bool": "True", "Decimal": "4.5", "datetime": '"2026-01-31T12:00:00Z"'}
"""The types that a field can have, and an example of each as a client sends it, in Python."""

OWN = frozenset({"id", "created_at", "updated_at", "version", "by_id"})
"""The fields that every new entity has."""


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    optional: bool = False

    @property
    def annotation(self) -> str:
        """Its type in a model: a string has a length."""
        return "Text" if self.type == "str" else self.type

    @property
    def json_name(self) -> str:
        """Its name for a client: `unit_price` is `unitPrice`."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def example(self) -> str:
        return TYPES[self.type]


def parse(texts: list[str]) -> list[Field]:
    """The fields, required ones first; `name` alone if the command names no field. Raises ScaffoldError."""
    fields = [_parse(text) for text in texts or ["name"]]
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ScaffoldError(f"The field {name} is given twice.", fix="name each field once")
    return sorted(fields, key=lambda field: field.optional)


def _parse(text: str) -> Field:
    match = re.fullmatch(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)(?::(\w+))?(\?)?", text)
    if match is None or keyword.iskeyword(match[1]):
        raise ScaffoldError(f"Invalid field {text!r}.", fix="write it like name, price:Decimal or note:str?")
    name, kind = match[1], match[2] or "str"
    if name in OWN:
        raise ScaffoldError(f"The field {name} already exists: every entity has it.", fix="leave it out")
    if kind not in TYPES:
        raise ScaffoldError(f"Unknown type {kind!r} of the field {name}.", fix=f"use one of {', '.join(TYPES)}")
    return Field(name, kind, optional=match[3] is not None)
