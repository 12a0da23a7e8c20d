"""The runtime gives a handler what AWS's runtime gives it, and reads its answer as AWS's does."""

import asyncio
import json
import os
import py_compile
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.local.bootstrap import RuntimeFault, encode
from taxiway.local.runtime_api import FunctionError, RuntimeApi

from .workers import PATIENCE, PROJECT, TRACE, function, on_uvloop, plan_of, running, write


class Point(NamedTuple):
    x: Any
    y: Any


numbers = st.integers() | st.floats(allow_nan=False) | st.decimals(allow_nan=False)
scalars = st.none() | st.booleans() | st.text() | st.text().map(str.encode) | numbers
keys = st.text() | st.text().map(str.encode)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner) | st.builds(Point, x=inner, y=inner)
    ),
    max_leaves=20,
)


@pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is built for Linux")
@given(value=values)
def test_an_answer_is_encoded_as_awslambdaric_encodes_it(value: Any) -> None:
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    theirs, _ = LambdaMarshaller().marshal_response([value])  # bytes as the whole answer are sent as they are
    assert json.loads(encode([value]), parse_float=Decimal) == json.loads(theirs, parse_float=Decimal)


def test_a_decimal_keeps_its_digits_and_text_like_a_number_stays_text() -> None:
    assert encode({"n": Decimal("19.90"), "t": "19.90"}) == b'{"n": 19.90, "t": "19.90"}'


def test_bytes_within_an_answer_are_text_and_named_tuples_are_objects() -> None:
    assert json.loads(encode({"body": b"caf\xc3\xa9", "at": [Point(1, (2, 3))]})) == {
        "body": "café",
        "at": [{"x": 1, "y": [2, 3]}],
    }
    with pytest.raises(RuntimeFault, match="Unable to marshal response: 'utf-8' codec can't decode"):
        encode({"body": b"\xff"})


@pytest.mark.parametrize("answer", [{1}, object(), {"a": [{1}]}, 1j])
def test_what_is_no_json_is_a_marshal_error(answer: object) -> None:
    with pytest.raises(RuntimeFault, match="Unable to marshal response: Object of type") as raised:
        encode(answer)
    assert raised.value.kind == "Runtime.MarshalError"


@on_uvloop
async def test_the_context_has_every_documented_attribute() -> None:
    async with running(function("handlers.whole_context", memory=256)) as started:
        context = await started.answer("whole-context")
    assert 0 < context.pop("remaining") <= PATIENCE * 1000
    assert len(context.pop("aws_request_id")) == 36
    assert context.pop("log_stream_name").partition("/[$LATEST]")[1]
    assert context == {
        "function_name": "tests-dev_whole-context",
        "function_version": "$LATEST",
        "invoked_function_arn": "arn:aws:lambda:eu-west-1:123456789012:function:tests-dev_whole-context",
        "memory_limit_in_mb": "256",
        "log_group_name": "/aws/lambda/tests-dev_whole-context",
        "client_context": None,
        "identity": [None, None],
        "trace": TRACE,
    }


@on_uvloop
async def test_a_function_has_lambdas_variables_and_its_own_and_none_of_the_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FROM_THE_SHELL", "1")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    planned = function("handlers.process", environment={"OF_THE_DECLARATION": "1", "BOTH": "declared"})
    variables = {"AWS_ACCESS_KEY_ID": "AKIA", "BOTH": "laptop"}
    async with running(planned, variables=lambda _: variables) as started:
        environment = (await started.answer("process"))["environment"]
    assert environment["OF_THE_DECLARATION"] == "1"
    assert environment["BOTH"] == "laptop"
    assert environment["_HANDLER"] == "handlers.process"
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}"
    environment.pop("LC_CTYPE", None)  # Python's own, where the machine lacks the locale of LANG
    assert environment.keys() == {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "BOTH",
        "HOME",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "OF_THE_DECLARATION",
        "PATH",
        "PYTHONUNBUFFERED",
        "TAXIWAY_STARTED_BY",
        "TZ",
    }


@on_uvloop
async def test_a_function_runs_in_the_project_with_nothing_to_read() -> None:
    async with running(function("handlers.process")) as started:
        process = await started.answer("process")
    assert process["directory"] == process["path"][0] == str(PROJECT)
    assert process["stdin"] == ""
    assert process["pid"] != os.getpid()


@on_uvloop
async def test_the_runtime_imports_little(tmp_path: Path) -> None:
    write(tmp_path, bare="import sys\ndef handler(event, context):\n    return list(sys.modules)")
    async with running(function("bare.handler"), project=tmp_path) as started:
        modules = set(await started.answer("handler"))
    heavy = {"asyncio", "ctypes", "email", "inspect", "logging", "psutil", "socket", "taxiway", "traceback", "typing"}
    assert not modules & heavy


@on_uvloop
async def test_an_edit_within_the_second_and_of_the_same_size_is_seen(tmp_path: Path) -> None:
    old, new = "VALUE = 'old'", "VALUE = 'new'"
    write(tmp_path, main="import part\ndef handler(event, context):\n    return part.VALUE", part=old)
    stamp = (1_700_000_000, 1_700_000_000)
    os.utime(tmp_path / "part.py", stamp)
    compiled = tmp_path / "__pycache__"
    async with running(function("main.handler"), project=tmp_path) as started:
        assert await started.answer("handler") == "old"
        assert not compiled.exists()
        py_compile.compile(str(tmp_path / "part.py"))
        assert list(compiled.iterdir())
        tmp_path.joinpath("part.py").write_text(new)
        os.utime(tmp_path / "part.py", stamp)
        await started.replace(plan_of(function("main.handler")))
        assert await started.answer("handler") == "new"


@on_uvloop
async def test_an_exception_is_logged_as_lambda_logs_it_and_reported_with_its_stack() -> None:
    async with running(function("handlers.raises")) as started:
        outcome = await started.call("raises", "no")
        lines = started.printed("stderr")
    assert outcome.failure == "error"
    assert outcome.detail.splitlines()[:3] == [
        "ValueError: no",
        "Traceback (most recent call last):",
        f'  File "{PROJECT}/handlers.py", line {_line_of("raise ValueError(event)")}, in raises',
    ]
    assert lines[0] == "[ERROR] ValueError: no"
    assert "KeyError: 'the cause'" in lines
    assert not [line for line in lines if "bootstrap" in line]


def _line_of(text: str) -> int:
    lines = PROJECT.joinpath("handlers.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@on_uvloop
async def test_an_exception_that_can_not_be_printed_is_an_error_like_others() -> None:
    async with running(function("handlers.raises_unprintable"), function("handlers.echo")) as started:
        outcome = await started.call("raises-unprintable")
        assert outcome.detail.startswith("UnprintableError: <exception str() failed>\n")
        assert (await started.call("raises-unprintable")).cold is False


@pytest.mark.parametrize("kind", ["set", "object", "circle", "nested"])
def test_an_answer_that_is_no_json_is_an_error(kind: str) -> None:
    @on_uvloop
    async def check() -> None:
        async with running(function("handlers.answers_no_json")) as started:
            outcome = await started.call("answers-no-json", kind)
            assert outcome.failure == "error"
            assert outcome.detail.startswith("Runtime.MarshalError: Unable to marshal response: ")
            assert (await started.call("answers-no-json", kind)).cold is False

    check()


@on_uvloop
async def test_an_event_that_is_no_json_is_an_error() -> None:
    async with running(function("handlers.echo")) as started:
        for event in (b"", b"{", b"\xff", b"[" * 100_000):
            outcome = await started.invoke("echo", event, trace_id=TRACE)
            assert outcome.failure == "error"
            assert outcome.detail.startswith("Runtime.UnmarshalError: Unable to unmarshal input: ")
        assert await started.answer("echo", 1) == 1


@on_uvloop
async def test_bytes_are_answered_as_they_are_and_numbers_exactly() -> None:
    async with running(function("handlers.answers_bytes"), function("handlers.answers_numbers")) as started:
        assert (await started.call("answers-bytes")).payload == b'{"as": "is"}'
        numbers = (await started.call("answers-numbers")).payload
        large = 2**70
        assert numbers == f'{{"price": 19.90, "large": {large}, "int": {large}, "text": "19.90"}}'.encode()


@on_uvloop
async def test_logging_has_lambdas_layout() -> None:
    async with running(function("handlers.logs")) as started:
        await started.call("logs", "x")
        [line] = started.printed("stdout")
    level, moment, request_id, message = line.split("\t")
    assert (level, message) == ("[WARNING]", "careful: x")
    assert moment.endswith("Z")
    assert len(request_id) == 36


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise ValueError('at import')", "ValueError: at import\nTraceback (most recent call last):\n"),
        ("import no_such_module", "Runtime.ImportModuleError: Unable to import module 'broken': No module named"),
        ("def handler(:", "Runtime.UserCodeSyntaxError: Syntax error in module 'broken': invalid syntax"),
        ("other = 1", "Runtime.HandlerNotFound: Handler 'handler' missing on module 'broken'"),
        ("from broken import handler", "Runtime.ImportModuleError: Unable to import module 'broken': cannot import"),
    ],
)
def test_a_module_that_can_not_be_imported_is_an_init_failure(tmp_path: Path, source: str, expected: str) -> None:
    @on_uvloop
    async def check() -> None:
        write(tmp_path, broken=source)
        async with running(function("broken.handler"), project=tmp_path) as started:
            for _ in range(2):
                outcome = await started.call("handler")
                assert (outcome.failure, outcome.cold) == ("init", True)
                assert outcome.detail.startswith(expected)
            assert started.printed("stderr")[0] == f"[ERROR] {outcome.detail.splitlines()[0]}"

    check()


@pytest.mark.parametrize("objects", [True, False])
def test_a_handler_that_closes_its_streams_goes_on(objects: bool) -> None:
    @on_uvloop
    async def check() -> None:
        async with running(function("handlers.closes_streams")) as started:
            assert await started.answer("closes-streams", {"objects": objects, "raise": False}) == "still here"
            assert started.printed() == ["before"]
        async with running(function("handlers.closes_streams")) as started:
            outcome = await started.call("closes-streams", {"objects": objects, "raise": True})
            assert outcome.detail.startswith("ValueError: \n")

    check()


@on_uvloop
async def test_the_runtime_ends_with_the_connection_to_its_api() -> None:
    async with running(function("handlers.echo")) as started:
        waiting = asyncio.Event()
        api = RuntimeApi(Waiting(waiting))
        variables = started.variables_of(plan_of(), function("handlers.echo"))
        process = await asyncio.create_subprocess_exec(
            *started.command(function("handlers.echo")),
            env=variables | {"AWS_LAMBDA_RUNTIME_API": await api.start()},
            stdin=asyncio.subprocess.DEVNULL,
        )
        await waiting.wait()
        await api.close()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 1


class Waiting:
    """Hears that a runtime waits for an event."""

    def __init__(self, event: asyncio.Event) -> None:
        self.on_next = event.set

    def on_init_error(self, error: FunctionError) -> None:
        raise AssertionError(error)

    def on_answer(self, answer: bytes | FunctionError) -> None:
        raise AssertionError(answer)
