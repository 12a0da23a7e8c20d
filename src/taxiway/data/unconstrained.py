"""Reads a value by its type alone, without the constraints (`Meta`) that its annotations put on what is written.

A constraint may be tightened after items were stored that no longer meet it. Those items can still be read: a struct
with constraints has a twin without them, which is read first, and of which the struct is then made.
"""

from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec
from msgspec.structs import fields

_COLLECTIONS = frozenset((list, tuple, set, frozenset))


class Unconstrained:
    """A struct without its constraints, at any depth."""

    def __init__(self, shape: type[Any]) -> None:
        self._originals: dict[type[Any], Any] = {}
        self._twins: dict[Any, Any] = {}
        self._twin = self._twin_of(shape)
        self._shape = shape

    def read(self, stored: Any) -> Any:
        """The struct. Raises msgspec.ValidationError where a value is not of its type, or `__post_init__` refuses."""
        found = msgspec.convert(stored, self._twin, str_keys=True)
        if self._twin is self._shape:
            return found
        try:
            return self._restored(found)
        except (ValueError, TypeError) as error:
            raise msgspec.ValidationError(str(error)) from error

    def _without(self, annotation: Any) -> Any:
        """A type without the constraints in it."""
        if hasattr(annotation, "__supertype__"):
            return self._without(annotation.__supertype__)
        origin: Any = get_origin(annotation)
        arguments = get_args(annotation)
        if origin is Annotated:
            return self._without(arguments[0])
        if origin is Union or origin is UnionType:
            return Union[(*map(self._without, arguments),)]
        if _is_struct(origin or annotation):
            return self._twin_of(annotation)
        if isinstance(origin, type) and arguments:
            bare = tuple(map(self._without, arguments))
            return annotation if bare == arguments else cast("Any", origin)[bare]
        return annotation

    def _twin_of(self, shape: Any) -> Any:
        """The struct without its constraints: itself where it has none."""
        if shape in self._twins:
            return self._twins[shape]
        self._twins[shape] = shape  # what it holds of its own kind is read as it is
        infos = fields(shape)
        types = [self._without(info.type) for info in infos]
        if all(bare is info.type or bare == info.type for bare, info in zip(types, infos, strict=True)):
            return shape
        original = get_origin(shape) or shape
        config = original.__struct_config__
        members = [
            (info.name, bare, msgspec.field(name=info.encode_name, **_default(info)))
            for info, bare in zip(infos, types, strict=True)
        ]
        twin = msgspec.defstruct(
            original.__name__,
            members,
            tag=config.tag,
            tag_field=config.tag_field,
            array_like=config.array_like,
            forbid_unknown_fields=config.forbid_unknown_fields,
            frozen=config.frozen,
            kw_only=True,
        )
        self._originals[twin] = original
        self._twins[shape] = twin
        return twin

    def _restored(self, value: Any) -> Any:
        """A value with each twin in it made the struct that it stands for."""
        kind: Any = value.__class__
        if kind in self._originals:
            members = {name: self._restored(getattr(value, name)) for name in kind.__struct_fields__}
            return self._originals[kind](**members)
        if kind is dict:
            return {self._restored(name): self._restored(member) for name, member in value.items()}
        if kind in _COLLECTIONS:
            return kind(map(self._restored, value))
        return value


def _default(info: Any) -> dict[str, Any]:
    if info.default is not msgspec.NODEFAULT:
        return {"default": info.default}
    return {} if info.default_factory is msgspec.NODEFAULT else {"default_factory": info.default_factory}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
