"""The Runtime API is Lambda's: to a client that speaks it badly, and to AWS's own."""

import asyncio
import http.client
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from taxiway.local.functions import handler_of
from taxiway.local.runtime_api import MAX_ANSWER, FunctionError, Invocation, RuntimeApi

from .workers import PATIENCE, TRACE, function, on_uvloop, running, write

PREFIX = "/2018-06-01/runtime"
INVOCATION = Invocation(
    request_id="id-1", event=b'{"a": 1}', arn="arn:aws:lambda", trace_id=TRACE, deadline=1542409706888
)


class Listener:
    """Notes what the runtime did."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.init_errors: list[FunctionError] = []
        self.answers: list[bytes | FunctionError] = []

    def on_next(self) -> None:
        self.ready.set()

    def on_init_error(self, error: FunctionError) -> None:
        self.init_errors.append(error)

    def on_answer(self, answer: bytes | FunctionError) -> None:
        self.answers.append(answer)


class Client:
    """A runtime, by hand."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=PATIENCE)

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        return await asyncio.to_thread(self._call, method, path, body, headers or {})

    def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.connection.request(method, PREFIX + path, body or None, headers)
        response = self.connection.getresponse()
        return response.status, dict(response.headers.items()), response.read()


def with_api(test: Callable[[RuntimeApi, Listener, Client], Awaitable[None]]) -> Callable[[], None]:
    @on_uvloop
    async def run() -> None:
        listener = Listener()
        api = RuntimeApi(listener)
        client = Client(await api.start())
        try:
            await test(api, listener, client)
        finally:
            client.connection.close()
            await api.close()

    run.__name__ = getattr(test, "__name__", "test")
    return run


async def take(api: RuntimeApi, listener: Listener, client: Client) -> tuple[int, dict[str, str], bytes]:
    """Ask for the next event, and deliver it."""
    asked = asyncio.create_task(client.call("GET", "/invocation/next"))
    await listener.ready.wait()
    api.deliver(INVOCATION)
    return await asked


@with_api
async def test_next_gives_the_event_with_lambdas_headers(api: RuntimeApi, listener: Listener, client: Client) -> None:
    status, headers, body = await take(api, listener, client)
    assert (status, body) == (200, b'{"a": 1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1542409706888"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:aws:lambda"
    assert headers["Lambda-Runtime-Trace-Id"] == TRACE
    assert not {
        name for name in headers if name in ("Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity")
    }


@with_api
async def test_an_answer_is_accepted_once(api: RuntimeApi, listener: Listener, client: Client) -> None:
    await take(api, listener, client)
    status, _, body = await client.call("POST", "/invocation/id-1/response", b'{"b": 2}')
    assert (status, json.loads(body)) == (202, {"status": "OK"})
    assert listener.answers == [b'{"b": 2}']
    status, _, body = await client.call("POST", "/invocation/id-1/response", b'{"b": 3}')
    assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
    assert listener.answers == [b'{"b": 2}']


@with_api
async def test_an_answer_to_another_request_is_refused(api: RuntimeApi, listener: Listener, client: Client) -> None:
    await take(api, listener, client)
    for path in ("/invocation/id-2/response", "/invocation/id-2/error"):
        status, _, body = await client.call("POST", path, b"{}")
        assert (status, json.loads(body)) == (
            400,
            {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"},
        )
    assert listener.answers == []


@with_api
async def test_an_error_carries_type_message_and_stack(api: RuntimeApi, listener: Listener, client: Client) -> None:
    await take(api, listener, client)
    posted = {"errorMessage": "no", "errorType": "ValueError", "requestId": "id-1", "stackTrace": ["  File x\n"]}
    status, _, _ = await client.call("POST", "/invocation/id-1/error", json.dumps(posted).encode())
    assert status == 202
    [error] = listener.answers
    assert error == FunctionError("ValueError", "no", ("  File x\n",))
    assert str(error) == "ValueError: no\nTraceback (most recent call last):\n  File x"


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"errorMessage": 1}', b'"text"'])
def test_any_error_body_is_an_error(body: bytes) -> None:
    @with_api
    async def post(api: RuntimeApi, listener: Listener, client: Client) -> None:
        await take(api, listener, client)
        headers = {"Lambda-Runtime-Function-Error-Type": "Function.Odd"}
        status, _, _ = await client.call("POST", "/invocation/id-1/error", body, headers)
        [error] = listener.answers
        assert status == 202
        assert isinstance(error, FunctionError)
        assert error.type == "Function.Odd"

    post()


@with_api
async def test_an_answer_of_6_mb_is_taken_and_one_byte_more_is_not(
    api: RuntimeApi, listener: Listener, client: Client
) -> None:
    await take(api, listener, client)
    status, _, _ = await client.call("POST", "/invocation/id-1/response", b"x" * MAX_ANSWER)
    assert status == 202
    listener.ready.clear()
    await take(api, listener, client)
    status, _, body = await client.call("POST", "/invocation/id-1/response", b"x" * (MAX_ANSWER + 1))
    assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
    small, large = listener.answers
    assert small == b"x" * MAX_ANSWER
    assert str(large) == (
        "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )


@with_api
async def test_an_init_error_is_taken_before_the_first_next_only(
    api: RuntimeApi, listener: Listener, client: Client
) -> None:
    posted = json.dumps({"errorMessage": "no", "errorType": "Runtime.ImportModuleError"}).encode()
    status, _, _ = await client.call("POST", "/init/error", posted)
    assert status == 202
    assert listener.init_errors == [FunctionError("Runtime.ImportModuleError", "no")]
    await take(api, listener, client)
    status, _, body = await client.call("POST", "/init/error", posted)
    assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")
    assert len(listener.init_errors) == 1


@with_api
async def test_a_runtime_that_drops_its_connection_while_it_waits_loses_no_event(
    api: RuntimeApi, listener: Listener, client: Client
) -> None:
    asked = asyncio.create_task(client.call("GET", "/invocation/next"))
    await listener.ready.wait()
    sock = client.connection.sock
    assert sock is not None
    sock.shutdown(2)
    with pytest.raises(http.client.HTTPException):
        await asked
    client.connection.close()
    listener.ready.clear()
    _, _, body = await take(api, listener, client)
    assert body == b'{"a": 1}'


@with_api
async def test_a_runtime_that_asks_again_gets_the_event_that_it_has_not_answered(
    api: RuntimeApi, listener: Listener, client: Client
) -> None:
    await take(api, listener, client)
    _, headers, _ = await client.call("GET", "/invocation/next")
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"


@with_api
async def test_what_is_no_resource_is_not_found(api: RuntimeApi, listener: Listener, client: Client) -> None:
    del api, listener
    for method, path in (("GET", "/elsewhere"), ("POST", "/invocation/next"), ("GET", "/invocation/id-1/response")):
        status, _, _ = await client.call(method, path)
        assert status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "evil.example:80"},
    ],
)
def test_a_web_page_gets_no_event_and_gives_no_answer(headers: dict[str, str]) -> None:
    @with_api
    async def ask(api: RuntimeApi, listener: Listener, client: Client) -> None:
        status, answered, body = await client.call("GET", "/invocation/next", headers=headers)
        assert (status, json.loads(body)["errorType"]) == (403, "AccessDenied")
        assert "access-control-allow-origin" not in {name.lower() for name in answered}
        assert not listener.ready.is_set()
        await take(api, listener, client)
        for path in ("/invocation/id-1/response", "/invocation/id-1/error", "/init/error"):
            status, _, _ = await client.call("POST", path, b"{}", headers)
            assert status == 403
        status, _, _ = await client.call("OPTIONS", "/invocation/next", headers=headers)
        assert status == 403
        assert (listener.answers, listener.init_errors) == ([], [])

    ask()


@with_api
async def test_while_one_waits_for_an_event_another_may_not(
    api: RuntimeApi, listener: Listener, client: Client
) -> None:
    first = asyncio.create_task(client.call("GET", "/invocation/next"))
    await listener.ready.wait()
    second = Client(f"127.0.0.1:{client.connection.port}")
    status, _, body = await second.call("GET", "/invocation/next")
    second.connection.close()
    assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")
    api.deliver(INVOCATION)
    assert (await first)[2] == INVOCATION.event


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which process holds a connection")
@on_uvloop
async def test_only_the_environments_own_processes_may_call() -> None:
    async with running(function("handlers.calls_runtime_api")) as started:
        answer = await started.answer("calls-runtime-api", {"n": 1})
        assert json.loads(answer["child"]) == {"n": 1}
        stranger = Client(answer["address"])
        for method, path in (("GET", "/invocation/next"), ("POST", "/init/error")):
            status, _, body = await stranger.call(method, path, b"{}" if method == "POST" else b"")
            stranger.connection.close()
            assert status == 403
            assert "own processes" in json.loads(body)["message"]
        assert json.loads((await started.answer("calls-runtime-api", {"n": 2}))["child"]) == {"n": 2}


# AWS's own runtime client, a wheel for Linux, against the same API.

aws_client = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is built for Linux")


def under_awslambdaric(planned: object) -> list[str]:
    return [sys.executable, "-m", "awslambdaric", handler_of(planned)]  # pyright: ignore[reportArgumentType]


@aws_client
@on_uvloop
async def test_awslambdaric_serves_events() -> None:
    functions = (function("handlers.echo"), function("handlers.whole_context"))
    async with running(*functions, command=under_awslambdaric) as started:
        assert await started.answer("echo", {"n": 1}) == {"n": 1}
        assert await started.answer("echo", {"n": "é"}) == {"n": "é"}
        context = await started.answer("whole-context")
        assert context["trace"] == TRACE
        assert context["function_name"] == "tests-dev_whole-context"
        assert 0 < context["remaining"] <= PATIENCE * 1000


@aws_client
@on_uvloop
async def test_awslambdaric_reports_errors() -> None:
    functions = (function("handlers.raises"), function("handlers.answers_no_json"))
    async with running(*functions, command=under_awslambdaric) as started:
        outcome = await started.call("raises", "no")
        assert outcome.failure == "error"
        assert outcome.detail.startswith("ValueError: no\nTraceback (most recent call last):\n")
        outcome = await started.call("answers-no-json", "set")
        assert outcome.detail == (
            "Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable"
        )


@aws_client
@on_uvloop
async def test_awslambdaric_reports_init_errors(tmp_path: Path) -> None:
    write(tmp_path, broken="raise ValueError('at import')", missing="import no_such_module")
    functions = (function("broken.handler", name="broken"), function("missing.handler", name="missing"))
    async with running(*functions, project=tmp_path, command=under_awslambdaric) as started:
        outcome = await started.call("broken")
        assert (outcome.failure, outcome.cold) == ("init", True)
        assert outcome.detail.startswith("ValueError: at import\n")
        outcome = await started.call("missing")
        assert outcome.detail.startswith("Runtime.ImportModuleError: Unable to import module 'missing'")
