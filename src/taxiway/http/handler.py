"""`@handler`: a typed function as the Lambda function of a route."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from taxiway import log
from taxiway.http.body import body_reader
from taxiway.http.context import Json, strings
from taxiway.http.parameters import Parameter
from taxiway.http.payload import request_event
from taxiway.http.preconditions import if_match_reader
from taxiway.http.problems import PROBLEM_JSON, BadRequest, FieldError, encode_problem, problem_of
from taxiway.http.responses import assemble, render
from taxiway.http.signature import COROUTINE, SignatureError, read_signature
from taxiway.http.text import text_reader

if TYPE_CHECKING:  # it brings in the table, which a handler without it may not need
    from taxiway.http.idempotency import Idempotency

P = ParamSpec("P")
R = TypeVar("R")


class Handler(Generic[P, R]):
    """A Lambda handler, `(event, context)` to a payload 2.0 response, around the typed function that it calls.

    Takes the function's name and module, so that it is imported and declared as the function would be.
    """

    def __init__(self, function: Callable[P, R], *, idempotency: "Idempotency | None" = None) -> None:
        if not hasattr(function, "__code__"):
            raise TypeError(f"@handler takes a function, not {function!r}")
        self.function = function
        """The function itself: what a unit test calls."""
        self.idempotency = idempotency
        self.parameters, self.returns = read_signature(function)
        self.path_parameters = tuple(each.wire for each in self.parameters if each.source == "path")
        self.__module__ = function.__module__
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__doc__ = function.__doc__
        self._readers = tuple((each.name, _reader(function, each)) for each in self.parameters)
        self._call: Callable[..., Any] = function
        if function.__code__.co_flags & COROUTINE:
            self._call = _synchronous(cast(Callable[..., Coroutine[Any, Any, Any]], function))

    def __call__(self, event: Json, context: Any) -> Json:
        event = request_event(event)
        invocation = log.begin(_request_id(event), context)
        try:
            errors: list[FieldError] = []
            arguments = {name: read(event, context, errors) for name, read in self._readers}
            key = None if self.idempotency is None else self.idempotency.key(event, errors)
            if errors:
                raise BadRequest(_summary(len(errors)), errors=errors)
            if self.idempotency is None or key is None:
                return render(self._call(**arguments), event)
            return self.idempotency.serve(key, partial(self._call, **arguments), event, context)
        except Exception as error:
            return _render_error(error, event)
        finally:
            log.end(invocation)

    def __repr__(self) -> str:
        return f"<handler {self.__module__}.{self.__qualname__}>"


@overload
def handler(function: Callable[P, R], /) -> Handler[P, R]: ...
@overload
def handler(*, idempotency: "Idempotency") -> Callable[[Callable[P, R]], Handler[P, R]]: ...
def handler(function: Any = None, /, *, idempotency: "Idempotency | None" = None) -> Any:
    """Serve a typed function as a Lambda handler. Raises SignatureError if its signature is not supported.

    The annotation of each parameter says where it comes from (`taxiway.http.parameters`); a struct without one is the
    JSON body. The result is the response: a struct, list, dict or str is 200 with JSON, bytes are sent as they are,
    None is 204, and a `Response` says more. `async def` works too.

    With `@handler(idempotency=…)` a client that sends an Idempotency-Key may send its request again, and it is carried
    out once (`taxiway.http.idempotency`).
    """
    return partial(Handler, idempotency=idempotency) if function is None else Handler(function)


def _reader(function: Callable[..., Any], parameter: Parameter) -> Callable[[Json, Any, list[FieldError]], Any]:
    """How an argument is read from the event and the context; a request's errors are added to the list."""
    if parameter.source == "event":
        return lambda event, _context, _errors: event
    if parameter.source == "context":
        return lambda _event, context, _errors: context
    if parameter.source == "if-match":
        return if_match_reader(parameter)
    try:
        read = body_reader(parameter) if parameter.source == "body" else text_reader(parameter)
    except (TypeError, NameError) as error:
        fix = "give it a type that its source can hold"
        raise SignatureError(function, str(error).rstrip("."), fix=fix, parameter=parameter.name) from error
    return lambda event, _context, errors: read(event, errors)


def _synchronous(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    from taxiway.http._loop import run

    def call(**arguments: Any) -> Any:
        return run(function(**arguments))

    return call


def _render_error(error: Exception, event: Json) -> Json:
    problem = problem_of(error, event.get("routeKey", ""))
    body = encode_problem(problem, instance=event.get("rawPath", ""), request_id=_request_id(event) or "")
    return assemble(problem.status, {**problem.headers, "content-type": PROBLEM_JSON}, body, event)


def _request_id(event: Json) -> str | None:
    return strings(event, "requestContext").get("requestId")


def _summary(count: int) -> str:
    return "The request has an error." if count == 1 else f"The request has {count} errors."
