import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from taxiway import log


class LambdaContext:
    aws_request_id = "lambda-1"
    function_name = "create-item"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for variable in ("LOG_LEVEL", "AWS_LAMBDA_FUNCTION_NAME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def lines(capsys):
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object(lines):
    log.info("item\ncreated", id="1", price=Decimal("1.10"), tags=["a"])

    [line] = lines()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {"level": "INFO", "message": "item\ncreated", "id": "1", "price": 1.1, "tags": ["a"]}


def test_levels_below_the_chosen_one_are_not_written(lines, monkeypatch):
    def write_all():
        log.debug("a")
        log.info("b")
        log.warning("c")
        log.error("d")
        return "".join(line["message"] for line in lines())

    written = [write_all()]
    for level in ("DEBUG", "warn", "WARNING", "ERROR", "nonsense"):
        monkeypatch.setenv("LOG_LEVEL", level)
        written.append(write_all())

    assert written == ["bcd", "abcd", "cd", "cd", "d", "bcd"]


def test_lines_name_the_function_and_the_invocation(lines, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "items")
    log.info("before")
    token = log.begin("gateway-1", LambdaContext())
    log.info("during")
    log.end(token)
    log.info("after")

    before, during, after = lines()
    assert before["function"] == after["function"] == "items"
    assert "requestId" not in before
    assert "requestId" not in after
    assert (during["function"], during["requestId"], during["awsRequestId"]) == ("create-item", "gateway-1", "lambda-1")


def test_an_exception_brings_its_stack(lines):
    try:
        raise KeyError("x")
    except KeyError as error:
        log.exception("failed", order=7)
        handled = error
    log.exception("failed again", handled)

    first, second = lines()
    assert first["order"] == 7
    assert first["level"] == "ERROR"
    assert first["exception"] == second["exception"]
    assert first["exception"]["type"] == "builtins.KeyError"
    assert 'raise KeyError("x")' in first["exception"]["stack"]


def test_a_field_can_not_hide_one_of_the_lines_own(lines):
    log.info("sold", level="gold", message="hello", requestId="x")

    [line] = lines()
    assert (line["level"], line["message"]) == ("INFO", "sold")
    assert (line["level_"], line["message_"], line["requestId_"]) == ("gold", "hello", "x")


class Broken:
    def __repr__(self):
        raise RuntimeError("no")


def test_any_value_can_be_logged(lines):
    cycle: list[object] = []
    cycle.append(cycle)

    log.info("object", value=LambdaContext)
    log.info("broken", value=Broken())
    log.info("cycle", value=cycle)
    log.info("surrogate", value="\ud800", other=1)
    log.info("keys", value={(1, 2): 3})
    log.info("numbers", value=[Decimal("NaN"), float("inf")])

    values = [line["value"] for line in lines()]
    assert "LambdaContext" in values[0]
    assert "Broken object" in values[1]
    assert values[2:] == ["[[...]]", r"'\ud800'", {"(1, 2)": 3}, [None, None]]
