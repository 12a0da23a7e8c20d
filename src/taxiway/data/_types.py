"""Takes type annotations apart, as far as keys and encoding need it."""

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types that a value may have beside None and UNSET, out of Annotated and NewType: of `Id | None`, str."""
    if hasattr(annotation, "__supertype__"):
        return alternatives(annotation.__supertype__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin is Union or origin is UnionType:
        return tuple(part for member in get_args(annotation) for part in alternatives(member))
    if annotation in (NoneType, None, msgspec.UnsetType):
        return ()
    return (annotation,)


def is_optional(annotation: Any) -> bool:
    """Whether None is one of the values."""
    if hasattr(annotation, "__supertype__"):
        return is_optional(annotation.__supertype__)
    origin = get_origin(annotation)
    if origin is Literal:
        return None in get_args(annotation)
    if origin is Annotated:
        return is_optional(get_args(annotation)[0])
    if origin is Union or origin is UnionType:
        return any(is_optional(member) for member in get_args(annotation))
    return annotation in (NoneType, None, Any)


def only(annotation: Any) -> Any:
    """The one type beside None, its parameters dropped (`list[int]` is list, a Literal of strings is str), or Any."""
    types = alternatives(annotation)
    if len(types) != 1:
        return Any
    origin = get_origin(types[0])
    if origin is Literal:
        return str if all(isinstance(value, str) for value in choices(annotation)) else Any
    if isinstance(types[0], TypeVar):
        return Any
    return origin or types[0]


def choices(annotation: Any) -> frozenset[Any]:
    """The values beside None of a Literal; none of anything else."""
    types = alternatives(annotation)
    if len(types) != 1 or get_origin(types[0]) is not Literal:
        return frozenset()
    return frozenset(value for value in get_args(types[0]) if value is not None)


def constraints(annotation: Any) -> Iterator[msgspec.Meta]:
    """What is asked of a value as a whole: of `Annotated[int, Meta(ge=0)] | None`, that one."""
    if hasattr(annotation, "__supertype__"):
        yield from constraints(annotation.__supertype__)
        return
    origin = get_origin(annotation)
    if origin is Annotated:
        first, *rest = get_args(annotation)
        yield from constraints(first)
        yield from (each for each in rest if isinstance(each, msgspec.Meta))
    elif origin is Union or origin is UnionType:
        for member in get_args(annotation):
            yield from constraints(member)
