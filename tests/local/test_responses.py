"""What a function answers becomes the response that API Gateway documents, or a 500 that says why in the log."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.local.invocation import Outcome
from taxiway.local.responses import MalformedResponse, function_response

from .serving import Answer, ServedGateway


def answer_to(value: Any, method: str = "GET") -> tuple[Answer, str]:
    """The response to a function that answers `value`, and what the entry says of it."""
    with ServedGateway("ANY /", function=lambda _: value) as api:
        answer = api.request(method, "/")
        assert api.problems == []
    assert answer.header("apigw-requestid")
    return answer, api.entries[0].detail


# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, format 2.0


def test_a_string_is_the_body() -> None:
    answer, _ = answer_to("Hello from Lambda!")
    assert (answer.status, answer.body) == (200, b"Hello from Lambda!")
    assert answer.header("content-type") == "application/json"


def test_an_object_with_no_status_code_is_the_body_as_it_was_written() -> None:
    answer, _ = answer_to(Outcome(payload=b'{ "message": "Hello from Lambda!" }'))
    assert (answer.status, answer.body) == (200, b'{ "message": "Hello from Lambda!" }')
    assert answer.header("content-type") == "application/json"


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], [1, {"statusCode": 201}], {}, {"body": "x"}, {"headers": 1}])
def test_any_other_json_is_the_body_too(value: Any) -> None:
    answer, _ = answer_to(value)
    assert (answer.status, answer.json) == (200, value)


def test_the_documented_format() -> None:
    answer, detail = answer_to(
        {
            "cookies": ["cookie1", "cookie2=x; Path=/; HttpOnly"],
            "isBase64Encoded": False,
            "statusCode": 201,
            "headers": {"headerName": "headerValue", "Content-Type": "application/json"},
            "body": "Hello from Lambda!",
        }
    )
    assert (answer.status, answer.body) == (201, b"Hello from Lambda!")
    assert answer.header("headername") == "headerValue"
    assert answer.header("content-type") == "application/json"
    assert answer.all("set-cookie") == ["cookie1", "cookie2=x; Path=/; HttpOnly"]
    assert detail == ""


def test_a_status_code_alone_is_enough() -> None:
    answer, _ = answer_to({"statusCode": 202})
    assert (answer.status, answer.body) == (202, b"")
    assert answer.header("content-type") is None
    assert answer.header("content-length") == "0"


def test_null_is_as_good_as_absent() -> None:
    answer, _ = answer_to({"statusCode": 200, "headers": None, "cookies": None, "body": None, "isBase64Encoded": None})
    assert (answer.status, answer.body) == (200, b"")


def test_members_that_are_not_of_the_format_are_ignored() -> None:
    answer, _ = answer_to({"statusCode": 200, "multiValueHeaders": {"a": ["1"]}, "other": 1, "body": "x"})
    assert (answer.status, answer.header("a")) == (200, None)


def test_a_body_with_no_content_type_is_plain_text() -> None:
    answer, _ = answer_to({"statusCode": 200, "body": "caf\u00e9"})
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.body == "café".encode()


def test_base64_is_decoded() -> None:
    answer, _ = answer_to({"statusCode": 200, "body": "AP+A", "isBase64Encoded": True})
    assert answer.body == b"\x00\xff\x80"


def test_numbers_and_booleans_as_header_values_are_written_out() -> None:
    headers = {"x-int": 7, "x-float": 1.5, "x-true": True, "x-false": False}
    answer, _ = answer_to({"statusCode": 200, "headers": headers})
    assert [answer.header(name) for name in headers] == ["7", "1.5", "true", "false"]


def test_a_set_cookie_header_stands_beside_the_cookies() -> None:
    answer, _ = answer_to({"statusCode": 200, "headers": {"Set-Cookie": "c=3"}, "cookies": ["a=1", "b=2"]})
    assert answer.all("set-cookie") == ["a=1", "b=2", "c=3"]


def test_of_a_header_in_two_spellings_the_last_one_counts() -> None:
    answer, _ = answer_to({"statusCode": 200, "headers": {"X-Name": "1", "x-name": "2"}})
    assert answer.header("x-name") == "2"


def test_headers_that_are_the_servers_own_are_dropped() -> None:
    headers = {
        "Content-Length": "99999",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        "Keep-Alive": "timeout=5",
        "Upgrade": "h2c",
        "TE": "trailers",
        "Trailer": "x",
        "Date": "then",
        "apigw-requestid": "forged",
    }
    answer, _ = answer_to({"statusCode": 200, "headers": headers, "body": "four"})
    assert answer.header("content-length") == "4"
    assert answer.header("date") != "then"
    assert answer.header("apigw-requestid") != "forged"
    assert {name.lower() for name, _ in answer.headers} == {"content-type", "content-length", "date", "apigw-requestid"}


def test_head_has_the_length_of_the_body_that_would_have_been() -> None:
    answer, _ = answer_to({"statusCode": 200, "body": "four"}, method="HEAD")
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "4")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_has_none(status: int) -> None:
    answer, _ = answer_to({"statusCode": status, "body": "not sent"})
    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"statusCode": "ok"}, "statusCode 'ok', which is not a number"),
        ({"statusCode": "2e2"}, "statusCode '2e2', which is not a number"),
        ({"statusCode": "600"}, "statusCode 600, which is not in 200 to 599"),
        ({"statusCode": None}, "Expected `int | str`, got `null` - at `$.statusCode`"),
        ({"statusCode": True}, "Expected `int | str`, got `bool` - at `$.statusCode`"),
        ({"statusCode": 0}, "statusCode 0, which is not in 200 to 599"),
        ({"statusCode": 100}, "statusCode 100"),
        ({"statusCode": 600}, "statusCode 600"),
        ({"statusCode": -200}, "statusCode -200"),
        ({"statusCode": 10**30}, "statusCode"),
        ({"statusCode": 200, "body": {"a": 1}}, "Expected `str | null`, got `object` - at `$.body`"),
        ({"statusCode": 200, "body": 1}, "at `$.body`"),
        ({"statusCode": 200, "body": "%%%", "isBase64Encoded": True}, "a body that is not base64"),
        ({"statusCode": 200, "body": "YWI", "isBase64Encoded": True}, "a body that is not base64"),
        ({"statusCode": 200, "body": "é", "isBase64Encoded": True}, "a body that is not base64"),
        ({"statusCode": 200, "isBase64Encoded": "yes"}, "at `$.isBase64Encoded`"),
        ({"statusCode": 200, "headers": []}, "at `$.headers`"),
        ({"statusCode": 200, "headers": {"x": ["1"]}}, "at `$.headers[...]`"),
        ({"statusCode": 200, "headers": {"x": None}}, "at `$.headers[...]`"),
        ({"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}}, "a line break or a control character"),
        ({"statusCode": 200, "headers": {"x": "\x00"}}, "a line break or a control character"),
        ({"statusCode": 200, "headers": {"x y": "1"}}, "not an HTTP header name: 'x y'"),
        ({"statusCode": 200, "headers": {"x\n": "1"}}, "not an HTTP header name"),
        ({"statusCode": 200, "headers": {"": "1"}}, "not an HTTP header name"),
        ({"statusCode": 200, "headers": {"é": "1"}}, "not an HTTP header name"),
        ({"statusCode": 200, "cookies": "a=1"}, "at `$.cookies`"),
        ({"statusCode": 200, "cookies": [1]}, "at `$.cookies[0]`"),
        ({"statusCode": 200, "cookies": ["a=1\nb=2"]}, "a line break or a control character"),
    ],
)
def test_a_malformed_answer_is_a_500_and_the_entry_says_why(value: Any, reason: str) -> None:
    answer, detail = answer_to(value)
    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
    assert reason in detail


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"{", b"{'a': 1}", b'"\xff"', b"\xff\x00", b"[1] 2", b"NaN", b'{"ratio": NaN}', b"plain text"),
        *(b'{"statusCode": 404, "body": NaN}', b"[" * 100_000, b'{"a":' * 100_000),
    ],
    ids=lambda payload: payload[:20],
)
def test_what_is_not_json_is_the_body_as_it_is(payload: bytes) -> None:
    answer, detail = answer_to(Outcome(payload=payload))
    assert (answer.status, answer.body, answer.header("content-type")) == (200, payload, "application/json")
    assert detail == ""


def test_a_status_code_may_be_text() -> None:
    answer, _ = answer_to({"statusCode": "404", "body": "x"})
    assert (answer.status, answer.body) == (404, b"x")


MEMBERS = st.sampled_from(["statusCode", "headers", "body", "cookies", "isBase64Encoded"])
SCALARS = st.none() | st.booleans() | st.integers(100, 700) | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text() | MEMBERS, inner))


def check_response_or_reason(payload: bytes) -> None:
    try:
        status = function_response(payload).status
    except MalformedResponse:
        return
    assert 200 <= status <= 599


@given(JSON)
def test_any_json_is_a_response_or_malformed(value: Any) -> None:
    check_response_or_reason(json.dumps(value).encode())


@given(st.binary())
def test_any_bytes_are_a_response_or_malformed(payload: bytes) -> None:
    check_response_or_reason(payload)
