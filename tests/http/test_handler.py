import asyncio
import functools
import json
import threading
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from msgspec import json as msgspec_json

from taxiway.http import (
    Body,
    Context,
    Cookie,
    Created,
    Event,
    Header,
    NotFound,
    Path,
    ProblemDetails,
    Query,
    SignatureError,
    handler,
)


class Tag(Struct, forbid_unknown_fields=True):
    key: str
    weight: float = 1.0


class NewItem(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=20)]
    unit_price: Decimal | None = None
    tags: list[Tag] = []
    extra: dict[str, int] = {}


class Item(Struct, rename="camel"):
    id: str
    name: str
    unit_price: Decimal | None


class LambdaContext:
    aws_request_id = "lambda-1"
    function_name = "create-item"


@handler
def create_item(body: NewItem, idempotency_key: Header[str | None] = None) -> Created[Item]:
    """Create an item."""
    return Created(Item("1", body.name, body.unit_price), location=f"/items/{idempotency_key or 1}")


def test_the_documented_event_reaches_every_kind_of_parameter(aws_event):
    class Message(Struct):
        message: str

    @handler
    def take(
        body: Message,
        parameter1: Path[str],
        parameter2: Query[str],
        header1: Header[str],
        cookie2: Cookie[str],
        event: Event,
        context: Context,
    ) -> list[str]:
        http = event["requestContext"]["http"]
        return [body.message, parameter1, parameter2, header1, cookie2, http["method"], context.function_name]

    response = take(aws_event, LambdaContext())

    assert response["statusCode"] == 200
    assert response["headers"] == {"content-type": "application/json"}
    assert json.loads(response["body"]) == [
        "Hello from Lambda",
        "value1",
        "value",
        "value1",
        "two=2",
        "POST",
        "create-item",
    ]


def test_a_handler_is_imported_and_described_as_its_function():
    assert (create_item.__module__, create_item.__qualname__) == (__name__, "create_item")
    assert create_item.__name__ == "create_item"
    assert create_item.__doc__ == "Create an item."
    assert create_item.returns == Created[Item]
    assert [(p.name, p.source, p.wire, p.required) for p in create_item.parameters] == [
        ("body", "body", "body", True),
        ("idempotency_key", "header", "idempotency-key", False),
    ]
    assert repr(create_item) == f"<handler {__name__}.create_item>"


def test_path_parameters_are_named_for_the_declaration():
    @handler
    def get(user: Path[str], item: Path[int], limit: Query[int] = 20) -> None: ...

    assert get.path_parameters == ("user", "item")


def test_the_function_itself_stays_callable():
    created = create_item.function(NewItem(name="lamp"))

    assert created.body == Item("1", "lamp", None)
    assert created.headers == {"location": "/items/1"}


def test_decimals_arrive_and_leave_with_every_digit(make_event):
    price = "12345678901234567890123456789.012345678"

    response = create_item(make_event(f'{{"name": "lamp", "unitPrice": {price}}}'), None)

    assert f'"unitPrice":{price}' in response["body"]


def test_faults_of_parameters_and_of_the_body_are_reported_together(make_event):
    @handler
    def update(id: Path[int], body: NewItem, limit: Query[Annotated[int, Meta(le=100)]] = 20) -> None: ...

    response = update(
        make_event('{"name": ""}', pathParameters={"id": "x"}, queryStringParameters={"limit": "1000"}), None
    )

    assert response["statusCode"] == 400
    assert json.loads(response["body"])["errors"] == [
        {"name": "id", "detail": "Expected `int`", "in": "path"},
        {"pointer": "/name", "detail": "Expected `str` of length >= 1", "in": "body"},
        {"name": "limit", "detail": "Expected `int` <= 100", "in": "query"},
    ]


def test_a_problem_raised_deep_below_is_answered_with_its_status(make_event):
    @handler
    def get(id: Path[str]) -> None:
        raise NotFound(f"There is no item {id!r}.")

    response = get(make_event(pathParameters={"id": "7"}), None)
    problem = json.loads(response["body"])

    assert response["statusCode"] == 404
    assert response["headers"]["content-type"] == "application/problem+json"
    assert problem.pop("timestamp").endswith("Z")
    assert problem == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no item '7'.",
        "instance": "/my/path",
        "errors": [],
        "error": "Not Found",
        "requestId": "id",
    }


def test_an_unexpected_exception_tells_the_client_nothing_and_the_log_everything(make_event, capsys):
    @handler
    def fail() -> None:
        raise RuntimeError("password is hunter2")

    response = fail(make_event(), LambdaContext())
    line = json.loads(capsys.readouterr().out)

    assert response["statusCode"] == 500
    assert "hunter2" not in response["body"]
    assert "RuntimeError" not in response["body"]
    assert line["level"] == "ERROR"
    assert line["requestId"] == json.loads(response["body"])["requestId"] == "id"
    assert line["awsRequestId"] == "lambda-1"
    assert line["route"] == "$default"
    assert line["exception"]["type"] == "builtins.RuntimeError"
    assert "hunter2" in line["exception"]["stack"]
    assert "raise RuntimeError" in line["exception"]["stack"]


def test_a_result_that_is_no_json_is_a_500_and_logged(make_event, capsys):
    @handler
    def strange() -> object:
        return object()

    assert strange(make_event(), None)["statusCode"] == 500
    assert "Encoding objects of type object is unsupported" in capsys.readouterr().out


def test_an_event_with_little_in_it_is_answered(capsys):
    assert create_item({"version": "2.0"}, None)["statusCode"] == 400
    assert capsys.readouterr().out == ""


def test_a_path_with_half_a_surrogate_pair_still_gets_its_problem(make_event):
    response = create_item(make_event("{}", rawPath="/\ud800"), None)

    assert json.loads(response["body"])["instance"] == "/\ud800"
    response["body"].encode()


def shouting(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs).upper()

    return wrapper


def test_decorators_beneath_keep_the_signature(make_event):
    @handler
    @shouting
    def greet(name: Query[str], body: Body[Tag | None] = None) -> str:
        return f"hello {name} {body.key if body else ''}"

    event = make_event('{"key": "ada"}', queryStringParameters={"name": "lady"})
    assert greet(event, None)["body"] == '"HELLO LADY ADA"'


def test_what_a_decorator_may_add_is_never_read_from_the_body():
    """`who` looks like a body. A client could send it, and would be who it says it is."""

    class Caller(Struct):
        name: str

    def with_caller(function):
        @functools.wraps(function)
        def wrapper(**arguments):
            arguments.setdefault("who", Caller("from the token"))
            return function(**arguments)

        return wrapper

    with pytest.raises(SignatureError, match="'who': its function is decorated") as refusal:

        @handler
        @with_caller
        def show(who: Caller) -> str:
            return who.name

    assert "Fix: write who: Body[…] if the client sends it; otherwise get it inside" in str(refusal.value)
    with pytest.raises(SignatureError, match="its function is decorated"):

        @handler
        @with_caller
        def show_perhaps(who: Caller | None = None) -> str:
            return who.name if who else ""


def test_async_handlers_share_one_loop_between_invocations(make_event):
    loops = []

    @handler
    async def greet(name: Query[str] = "you") -> dict[str, str]:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return {"hello": name}

    assert greet(make_event(), None)["body"] == '{"hello":"you"}'
    assert greet(make_event(queryStringParameters={"name": "ada"}), None)["body"] == '{"hello":"ada"}'
    assert loops[0] is loops[1]


def test_async_handlers_run_in_threads_of_their_own(make_event, capsys):
    from taxiway import log

    @handler
    async def greet() -> str:
        await asyncio.sleep(0)
        log.info("greeting")
        return threading.current_thread().name

    answers: list[Any] = []
    event = make_event()
    threads = [threading.Thread(target=lambda: answers.append(greet(event, None)["body"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == sorted(f'"{thread.name}"' for thread in threads)
    assert [json.loads(line)["requestId"] for line in capsys.readouterr().out.splitlines()] == ["id"] * 4


def test_an_async_handler_that_raises_is_a_problem_too(make_event):
    @handler
    async def get() -> None:
        raise NotFound("gone")

    assert get(make_event(), None)["statusCode"] == 404


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("NaN") | st.just("-Infinity"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["name", "unitPrice", "tags", "extra", "key"]), inner)
    ),
    max_leaves=20,
)


def _assert_answered(response: dict[str, Any]) -> None:
    assert response["statusCode"] in (201, 400)
    if response["statusCode"] == 400:
        problem = msgspec_json.decode(response["body"], type=ProblemDetails)
        assert problem.errors
        for error in problem.errors:
            assert error.in_ == "body"
            assert isinstance(error.pointer, str)
            assert error.pointer == "" or error.pointer.startswith("/")


@given(value=json_values)
def test_no_json_body_is_a_500(make_event, value):
    _assert_answered(create_item(make_event(json.dumps(value)), None))


@given(body=st.text(st.characters(), min_size=1))
def test_no_text_body_is_a_500(make_event, body):
    _assert_answered(create_item(make_event(body), None))


@given(body=st.text("{}[]:,\"\\u0019eEnaif.- '", min_size=1))
def test_nothing_that_looks_like_json_is_a_500(make_event, body):
    _assert_answered(create_item(make_event('{"name":' + body), None))
