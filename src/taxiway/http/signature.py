"""A handler's signature read as parameters, without `inspect` (4 to 10 ms of every cold start)."""

import types
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct

from taxiway.http.context import Context
from taxiway.http.parameters import From, Name, Parameter, Source

_VARARGS, _VARKEYWORDS, COROUTINE = 0x04, 0x08, 0x80
"""Flags of a code object: https://docs.python.org/3/library/inspect.html#inspect-module-co-flags."""


class SignatureError(TypeError):
    """A handler's signature is not supported. The message names the handler, the parameter, the cause and the fix."""

    def __init__(self, function: Callable[..., Any], problem: str, *, fix: str, parameter: str | None = None) -> None:
        code = unwrap(function).__code__
        name = f"{function.__module__}.{function.__qualname__}"
        subject = f"Handler {name}" + (f", parameter {parameter!r}" if parameter else "")
        super().__init__(f"{code.co_filename}:{code.co_firstlineno}:\n{subject}: {problem}.\nFix: {fix}")


def unwrap(function: Any) -> Any:
    """The function that a decorator made with `functools.wraps` stands for, whose signature it promises to keep."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def read_signature(function: Callable[..., Any]) -> tuple[tuple[Parameter, ...], Any]:
    """The parameters of a handler and the type of its result. Raises SignatureError.

    A decorator with `functools.wraps` may add arguments of its own, which nothing shows. So a parameter of a decorated
    function must name its source: no value that a decorator vouches for is ever read from the request.
    """
    signed = unwrap(function)
    code = signed.__code__
    if code.co_flags & (_VARARGS | _VARKEYWORDS) or code.co_posonlyargcount:
        raise SignatureError(
            function, "it takes *args, **kwargs or positional-only arguments", fix="name each argument it takes"
        )
    hints = _hints(function, signed)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = names[: code.co_argcount]
    defaults = dict(zip(reversed(positional), reversed(signed.__defaults__ or ()), strict=False))
    defaults.update(signed.__kwdefaults__ or {})
    parameters = tuple(_parameter(function, name, hints, defaults.get(name, NODEFAULT)) for name in names)
    bodies = [parameter.name for parameter in parameters if parameter.source == "body"]
    if len(bodies) > 1:
        raise SignatureError(
            function,
            "it is a second body, and a request has only one",
            fix=f"make one struct of {' and '.join(bodies)}",
            parameter=bodies[1],
        )
    return parameters, hints.get("return", Any)


def _hints(function: Callable[..., Any], signed: Any) -> dict[str, Any]:
    try:
        return get_type_hints(signed, include_extras=True)
    except NameError as error:
        raise SignatureError(
            function,
            f"an annotation can't be read ({error})",
            fix="import its names at the top of the module, outside TYPE_CHECKING",
        ) from error


def _parameter(function: Callable[..., Any], name: str, hints: dict[str, Any], default: Any) -> Parameter:
    def refuse(problem: str, fix: str) -> NoReturn:
        raise SignatureError(function, problem, fix=fix, parameter=name)

    if name not in hints:
        refuse("it has no annotation", f"say where it comes from: {name}: Query[str], or a struct for the body")
    source, wire, bare = _split(hints[name])
    if source is None:
        if bare is Context:
            source = "context"
        elif _is_struct(bare):
            if hasattr(function, "__wrapped__"):
                refuse(
                    "its function is decorated, so it may be an argument that a decorator adds, but it would be read "
                    "from the client's JSON",
                    f"write {name}: Body[…] if the client sends it; otherwise get it inside the handler, and let the "
                    "decorator pass on only what it was called with",
                )
            source = "body"
        else:
            refuse(
                f"{bare!r} does not say where it comes from",
                "wrap it: Path[…], Query[…], Header[…], Cookie[…] or Body[…]",
            )
    if source == "header":
        wire = (wire or name.replace("_", "-")).lower()
    elif source == "if-match":
        wire = source
    return Parameter(
        name=name,
        source=source,
        wire=wire or name,
        type=bare,
        required=default is NODEFAULT,
        default=None if default is NODEFAULT else default,
    )


def _split(annotation: Any) -> tuple[Source | None, str | None, Any]:
    """An annotation's source, its name in the request, and what is left of it."""
    if get_origin(annotation) is not Annotated:
        return None, None, annotation
    source: Source | None = None
    wire: str | None = None
    kept: list[Any] = []
    for note in annotation.__metadata__:
        if isinstance(note, From):
            source = note.source
        elif isinstance(note, Name):
            wire = note.name
        else:
            kept.append(note)
    bare = annotation.__origin__
    return source, wire, Annotated[bare, *kept] if kept else bare


def _is_struct(type_: Any) -> bool:
    """Whether it is a struct, or a union of structs and None."""
    if get_origin(type_) in (Union, types.UnionType):
        return all(member is type(None) or _is_struct(member) for member in get_args(type_))
    return isinstance(origin := get_origin(type_) or type_, type) and issubclass(origin, Struct)
