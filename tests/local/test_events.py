"""A function gets the event that API Gateway documents as payload format 2.0."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from taxiway.local.events import encode_event
from taxiway.local.http1 import Request

from .serving import ServedGateway


@pytest.fixture
def api() -> Iterator[ServedGateway]:
    """A gateway whose function answers with its event."""
    with ServedGateway("ANY /items/{id}", "ANY /files/{path+}", "$default") as served:
        yield served
        assert served.problems == []


def event_of(api: ServedGateway, raw: bytes) -> Any:
    return json.loads(api.exchange(raw).partition(b"\r\n\r\n")[2])


def test_the_documented_example(api: ServedGateway) -> None:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    event = event_of(
        api,
        b"POST /my/path?parameter1=value1&parameter1=value2&parameter2=value HTTP/1.1\r\n"
        b"Host: id.execute-api.us-east-1.amazonaws.com\r\n"
        b"Cookie: cookie1; cookie2\r\n"
        b"Header1: value1\r\nHeader2: value1\r\nHeader2: value2\r\n"
        b"User-Agent: agent\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nHello from Lambda",
    )
    assert event["version"] == "2.0"
    assert event["routeKey"] == "$default"
    assert event["rawPath"] == "/my/path"
    assert event["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert event["cookies"] == ["cookie1", "cookie2"]
    assert event["headers"]["header1"] == "value1"
    assert event["headers"]["header2"] == "value1,value2"
    assert event["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert event["body"] == "Hello from Lambda"
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["accountId"] == "123456789012"
    assert context["apiId"] == "items"
    assert context["domainName"] == "id.execute-api.us-east-1.amazonaws.com"
    assert context["domainPrefix"] == "id"
    assert context["http"] == {
        "method": "POST",
        "path": "/my/path",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "agent",
    }
    assert context["routeKey"] == "$default"
    assert context["stage"] == "$default"
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["time"])
    assert isinstance(context["timeEpoch"], int)


def test_the_members_are_those_of_payload_2_and_absent_where_there_is_nothing(api: ServedGateway) -> None:
    event = api.request("GET", "/").json
    assert set(event) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }
    assert event["rawQueryString"] == ""
    assert set(event["requestContext"]) == {
        *("accountId", "apiId", "domainName", "domainPrefix", "http"),
        *("requestId", "routeKey", "stage", "time", "timeEpoch"),
    }


def test_the_headers_that_the_gateway_adds(api: ServedGateway) -> None:
    headers = api.request("GET", "/", headers={"User-Agent": "agent"}).json["headers"]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers.pop("x-amzn-trace-id"))
    assert headers == {
        "accept-encoding": "identity",
        "content-length": "0",
        "host": f"127.0.0.1:{api.port}",
        "user-agent": "agent",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": str(api.port),
        "x-forwarded-proto": "http",
    }


def test_a_trace_and_forwarders_before_the_gateway_are_kept(api: ServedGateway) -> None:
    trace = "Root=1-63441c4a-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
    sent = {"X-Amzn-Trace-Id": trace, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    headers = api.request("GET", "/", headers=sent).json["headers"]
    assert headers["x-amzn-trace-id"] == trace
    assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert api.invoker.invoked[-1][1] == trace


def test_a_trace_id_that_is_none_is_replaced(api: ServedGateway) -> None:
    headers = api.request("GET", "/", headers={"X-Amzn-Trace-Id": "nonsense"}).json["headers"]
    assert headers["x-amzn-trace-id"].startswith("Root=1-")


def test_what_concerns_the_connection_does_not_reach_the_function(api: ServedGateway) -> None:
    event = event_of(
        api,
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close, te\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\n"
        b"Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    )
    assert event["body"] == "ok"
    assert event["headers"]["content-length"] == "2"
    assert not {"connection", "keep-alive", "te", "trailer", "transfer-encoding"} & set(event["headers"])


def test_the_request_id_is_the_one_that_the_client_gets(api: ServedGateway) -> None:
    answer = api.request("GET", "/")
    assert answer.json["requestContext"]["requestId"] == answer.header("apigw-requestid")
    assert len(answer.header("apigw-requestid") or "") == 16
    assert api.entries[0].request_id == answer.header("apigw-requestid")


def test_no_two_requests_share_an_id(api: ServedGateway) -> None:
    assert len({api.request("GET", "/").header("apigw-requestid") for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("host", "domain", "prefix", "port"),
    [
        ("api.example.com", "api.example.com", "api", "80"),
        ("api.example.com:8443", "api.example.com", "api", "8443"),
        ("localhost:8000", "localhost", "localhost", "8000"),
        ("[::1]:8000", "[::1]", "[::1]", "8000"),
    ],
)
def test_the_domain_is_the_host_header(api: ServedGateway, host: str, domain: str, prefix: str, port: str) -> None:
    event = api.request("GET", "/", headers={"Host": host}).json
    assert event["requestContext"]["domainName"] == domain
    assert event["requestContext"]["domainPrefix"] == prefix
    assert event["headers"]["host"] == host
    assert event["headers"]["x-forwarded-port"] == port


def test_a_client_that_names_no_host_is_served(api: ServedGateway) -> None:
    event = event_of(api, b"GET / HTTP/1.0\r\n\r\n")
    assert event["requestContext"]["domainName"] == "localhost"
    assert event["requestContext"]["http"]["protocol"] == "HTTP/1.0"


def test_path_parameters_are_decoded(api: ServedGateway) -> None:
    event = api.request("GET", "/items/a%2Fb%20c+d%C3%A9").json
    assert event["pathParameters"] == {"id": "a/b c+dé"}
    assert event["routeKey"] == "ANY /items/{id}"
    assert event["requestContext"]["routeKey"] == "ANY /items/{id}"
    assert api.request("GET", "/files/a/b%2Fc").json["pathParameters"] == {"path": "a/b/c"}


def test_the_raw_path_is_decoded_and_the_raw_query_is_not(api: ServedGateway) -> None:
    # Seen on HTTP APIs: https://github.com/hotsock/voker/tree/main/vokerhttp/testdata (apigwv2-request.json)
    query = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty="
    event = api.request("POST", f"/capture/space%20value?{query}").json
    assert event["rawPath"] == "/capture/space value"
    assert event["requestContext"]["http"]["path"] == "/capture/space value"
    assert event["rawQueryString"] == query
    assert event["queryStringParameters"] == {
        "empty": "",
        "encodedPlus": "a+b",
        "literalPlus": "a b",
        "redirect": "https://example.com/a/b",
        "repeat": "one,two",
    }


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=1&a=&a=2", {"a": "1,,2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a;b=1", {"a;b": "1"}),
        ("%61=%62", {"a": "b"}),
        ("a=%FF", {"a": "\ufffd"}),
        ("a=%zz", {"a": "%zz"}),
        ("a=x?y", {"a": "x?y"}),
        ("&&", None),
        ("", None),
    ],
)
def test_query_parameters(api: ServedGateway, query: str, parameters: dict[str, str] | None) -> None:
    event = api.request("GET", f"/?{query}").json
    assert event.get("queryStringParameters") == parameters
    assert event["rawQueryString"] == query


def test_cookies_are_split_and_are_no_header(api: ServedGateway) -> None:
    event = event_of(api, b"GET / HTTP/1.1\r\nHost: x\r\nCookie: session=abc123; theme=dark;;\r\nCookie: a=b=c\r\n\r\n")
    assert event["cookies"] == ["session=abc123", "theme=dark", "a=b=c"]
    assert "cookie" not in event["headers"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html; charset=utf-8",
        "TEXT/CSV",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/xml",
        "application/javascript",
    ],
)
def test_text_arrives_as_text(api: ServedGateway, content_type: str) -> None:
    event = api.request("POST", "/", body="λ".encode(), headers={"Content-Type": content_type}).json
    assert (event["body"], event["isBase64Encoded"]) == ("λ", False)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "image/png",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "",
        None,
    ],
)
def test_everything_else_arrives_as_base64(api: ServedGateway, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    event = api.request("POST", "/", body=b"\x00\xffdata", headers=headers).json
    assert event["isBase64Encoded"] is True
    assert b64decode(event["body"]) == b"\x00\xffdata"


def test_text_that_is_not_utf8_arrives_as_base64_and_loses_nothing(api: ServedGateway) -> None:
    event = api.request("POST", "/", body=b'{"a": "\xff"}', headers={"Content-Type": "application/json"}).json
    assert event["isBase64Encoded"] is True
    assert b64decode(event["body"]) == b'{"a": "\xff"}'


def test_a_url_as_the_request_target_is_taken_apart(api: ServedGateway) -> None:
    event = event_of(api, b"GET http://x:1/items/7?a=1 HTTP/1.1\r\nHost: x:1\r\n\r\n")
    assert event["rawPath"] == "/items/7"
    assert event["pathParameters"] == {"id": "7"}
    assert event["rawQueryString"] == "a=1"
    assert event_of(api, b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n")["rawPath"] == "/"


def test_the_time_is_written_as_aws_writes_it() -> None:
    request = Request(method="GET", target="/", headers=[], body=b"", too_large=False, client="IP", protocol="HTTP/1.1")
    event = json.loads(
        encode_event(
            request,
            path="/",
            query="",
            route_key="$default",
            parameters={},
            account="123456789012",
            api="api-id",
            request_id="id",
            trace_id="Root=1-0-0",
            now=1584039838.39,
        )
    )
    assert event["requestContext"]["time"] == "12/Mar/2020:19:03:58 +0000"
    assert event["requestContext"]["timeEpoch"] == 1584039838390
