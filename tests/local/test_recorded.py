"""The gateway answers and invokes as deployed HTTP APIs were recorded to.

AWS's .NET team deployed HTTP APIs with payload format 2.0 in April 2025, and keeps what they answered and which events
they sent beside its Lambda Test Tool, in aws/aws-lambda-dotnet: Tools/LambdaTestTool-v2/tests/
Amazon.Lambda.TestTool.UnitTests/Snapshots. The cases are written for this table; each names its recording.
docs/reference/gateway.md lists where Taxiway differs on purpose.
"""

import json
from base64 import b64encode
from typing import Any

import pytest

from taxiway.local.invocation import Outcome

from .serving import ServedGateway

ERROR = b'{"message":"Internal Server Error"}'
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
RAW = "MatchesDirectConversion"


def formatted(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("recording", "payload", "status", "content_type", "body"),
    [
        (f"{RAW}Valid_JSON_Object", b'{"city": "Oslo", "n": 3}', 200, JSON, b'{"city": "Oslo", "n": 3}'),
        (f"{RAW}Invalid_JSON_Partial_Object", b'{"city": "Oslo", "n":', 200, JSON, b'{"city": "Oslo", "n":'),
        (f"{RAW}JSON_Array", b"[3, 4]", 200, JSON, b"[3, 4]"),
        (f"{RAW}number", b"7", 200, JSON, b"7"),
        (f"{RAW}boolean", b"false", 200, JSON, b"false"),
        (f"{RAW}string", b"Good day", 200, JSON, b"Good day"),
        (f"{RAW}string_unescaped", b'"day"', 200, JSON, b"day"),
        (f"{RAW}string_spaces", b'"Good day"', 200, JSON, b"Good day"),
        (f"{RAW}json_special", b'"a \\"b\\" c"', 200, JSON, b'a "b" c'),
        (f"{RAW}empty_string", b'""', 200, JSON, b""),
        ("StatusCodeAsFloat", formatted(statusCode=201.5, body="x"), 500, JSON, ERROR),
        ("V2_HandlesZeroStatusCode", formatted(statusCode=0, body="x"), 500, JSON, ERROR),
        ("V2_SetsCorrectStatusCode", formatted(statusCode=201, body='{"a":1}'), 201, TEXT, b'{"a":1}'),
        ("V2_DefaultsToTextPlainContentType", formatted(statusCode=200, body="a"), 200, TEXT, b"a"),
        (
            "V2_SetsBodyBase64",
            formatted(statusCode=200, body=b64encode(b'{"a":1}').decode(), isBase64Encoded=True),
            *(200, TEXT, b'{"a":1}'),
        ),
        (
            "V2_SetsBodyNonBase64",
            formatted(statusCode=200, body='{"a":1}', isBase64Encoded=False),
            *(200, TEXT, b'{"a":1}'),
        ),
        (
            "V2_SimpleJsonResponse",
            formatted(statusCode=200, headers={"Content-Type": JSON}, body='{"a":1}'),
            *(200, JSON, b'{"a":1}'),
        ),
        (
            "V2_DoesNotOverrideExplicitValues",
            formatted(statusCode=201, headers={"Content-Type": "application/xml"}, body="<a/>"),
            *(201, "application/xml", b"<a/>"),
        ),
    ],
)
def test_an_answer_becomes_the_recorded_response(
    recording: str, payload: bytes, status: int, content_type: str, body: bytes
) -> None:
    with ServedGateway("ANY /", function=lambda _: Outcome(payload=payload)) as api:
        answer = api.request("GET", "/")
    assert (answer.status, answer.header("content-type"), answer.body) == (status, content_type, body), recording
    assert answer.header("content-length") == str(len(body))
    assert answer.header("apigw-requestid")


def test_headers_arrive_as_recorded() -> None:
    """V2_SetsHeaders, V2_HandlesHeadersCorrectly: a comma separates nothing, and the case of names is the client's."""
    headers = {"Content-Type": JSON, "X-Shop": "Oslo", "colours": "red,blue"}
    with ServedGateway("ANY /", function=lambda _: {"statusCode": 200, "headers": headers, "body": "{}"}) as api:
        answer = api.request("GET", "/")
    assert [answer.header(name) for name in ("content-type", "x-shop", "colours")] == [JSON, "Oslo", "red,blue"]
    assert {name.lower() for name, _ in answer.headers} == {
        *("content-type", "x-shop", "colours", "content-length", "date", "apigw-requestid"),
    }


ROUTES = ("POST /shops/{shop}/orders", "POST /shops/{shop}/orders/{order}", "POST /shops/{shop}/logo", "POST /find")


@pytest.mark.parametrize(
    ("recording", "target", "headers", "sent", "expected"),
    [
        (
            "V2_SimpleGetRequest",
            "/shops/7/orders?state=open&tag=a&tag=b",
            {"accept": "text/html, application/json", "Cookie": "session=1; theme=dark", "X-Shop-Name": "Oslo"},
            b"",
            {
                "routeKey": "POST /shops/{shop}/orders",
                "rawPath": "/shops/7/orders",
                "rawQueryString": "state=open&tag=a&tag=b",
                "queryStringParameters": {"state": "open", "tag": "a,b"},
                "pathParameters": {"shop": "7"},
                "cookies": ["session=1", "theme=dark"],
                "headers": {"accept": "text/html, application/json", "x-shop-name": "Oslo", "content-length": "0"},
                "isBase64Encoded": False,
            },
        ),
        (
            "V2_BinaryContent",
            "/shops/7/logo",
            {"content-type": "application/octet-stream"},
            bytes([9, 8, 7]),
            {
                "body": b64encode(bytes([9, 8, 7])).decode(),
                "isBase64Encoded": True,
                "pathParameters": {"shop": "7"},
                "headers": {"content-type": "application/octet-stream", "content-length": "3"},
            },
        ),
        (
            "V2_UrlEncodedQueryString",
            "/find?q=Good%20day&tag=F%23%20Code&tag=.NET%20Core",
            {},
            b"",
            {
                "rawQueryString": "q=Good%20day&tag=F%23%20Code&tag=.NET%20Core",
                "queryStringParameters": {"q": "Good day", "tag": "F# Code,.NET Core"},
            },
        ),
        (
            "V2_SpecialCharactersInPath",
            "/shops/***%20Oslo/orders/Summer%20Sale",
            {},
            b"",
            {
                "routeKey": "POST /shops/{shop}/orders/{order}",
                "rawPath": "/shops/*** Oslo/orders/Summer Sale",
                "pathParameters": {"shop": "*** Oslo", "order": "Summer Sale"},
            },
        ),
        (
            "V2_UnicodeCharactersInPath",
            "/shops/%E2%98%95%20Bar/orders/%F0%9F%98%8A",
            {},
            b"",
            {
                "rawPath": "/shops/\u2615 Bar/orders/\U0001f60a",
                "pathParameters": {"shop": "\u2615 Bar", "order": "\U0001f60a"},
            },
        ),
    ],
)
def test_a_request_becomes_the_recorded_event(
    recording: str, target: str, headers: dict[str, str], sent: bytes, expected: dict[str, Any]
) -> None:
    with ServedGateway(*ROUTES) as api:
        event = api.request("POST", target, sent, headers).json
    assert event["version"] == "2.0"
    seen = event.pop("headers")
    assert seen.items() >= expected.pop("headers", {}).items(), recording
    assert seen.keys() >= {"host", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    assert "cookie" not in seen
    assert event.items() >= expected.items(), recording
    http = event["requestContext"]["http"]
    assert (http["method"], http["path"], http["protocol"]) == ("POST", event["rawPath"], "HTTP/1.1")
    assert http["userAgent"] == ""
    assert event["requestContext"]["stage"] == "$default"
    absent = {"cookies", "queryStringParameters", "pathParameters", "body"} - expected.keys()
    assert not [name for name in absent if name in event and name != "pathParameters"], recording
