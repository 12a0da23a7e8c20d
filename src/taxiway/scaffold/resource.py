"""The entity that a path stands for, where the project keeps it as `taxiway add entity` writes it."""

import ast
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import inspect

from taxiway.scaffold import naming


@dataclass(frozen=True)
class Resource:
    """An entity with a model, its data access, and the example of what a client sends to create one."""

    entity: str
    one: str
    many: str
    example: str | None
    """Python of a valid body of POST; None where none can be made up."""


def find(project: Path, segment: str, function: str) -> Resource | None:
    """The entity of the path segment `orders`, if its data access has `function`; the project has to be imported."""
    many = segment.replace("-", "_")
    access = project / "dal" / f"{many}.py"
    one = naming.singular(many)
    entity = naming.pascal(one)
    if not (project / "models" / f"{one}.py").is_file() or not access.is_file():
        return None
    tree = ast.parse(access.read_text(encoding="utf-8"))
    if function not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
        return None
    model = importlib.import_module(f"models.{one}")
    needed = [entity, *({"create": [f"New{entity}"], "update": [f"{entity}Changes"]}.get(function, []))]
    if not all(hasattr(model, name) for name in needed) or not hasattr(getattr(model, entity), "by_id"):
        return None
    new = cast(type[Any] | None, getattr(model, f"New{entity}", None))
    return Resource(entity, one, many, None if new is None else _example(new))


def _example(new: type[Any]) -> str | None:
    try:
        struct = cast(inspect.StructType, inspect.type_info(new))
        values = {field.encode_name: _value(field.type) for field in struct.fields if field.required}
        msgspec.convert(values, new)
    except (AttributeError, TypeError, ValueError, msgspec.ValidationError):
        return None
    return "{" + ", ".join(f"{json.dumps(name)}: {_python(value)}" for name, value in values.items()) + "}"


def _value(kind: inspect.Type) -> object:
    """A value of a type, as JSON has it. Raises TypeError where it takes more than a type to say."""
    match kind:
        case inspect.StrType(min_length=least):
            return "Example".ljust(least or 0, ".")
        case inspect.IntType(ge=at_least, gt=above):
            return at_least if at_least is not None else 3 if above is None else above + 1
        case inspect.FloatType() | inspect.DecimalType():
            return 4.5
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return "2026-01-31T12:00:00Z"
        case inspect.DateType():
            return "2026-01-31"
        case inspect.EnumType(cls=enum):
            return next(iter(enum)).value
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.UnionType(types=types):
            return _value(types[0])
        case _:
            raise TypeError(type(kind).__name__)


def _python(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
