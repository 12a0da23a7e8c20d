"""A handler serves requests in payload format 2.0, whatever the case of their headers, and refuses other events."""

from typing import Any

import pytest
from msgspec import Struct

from taxiway.http import Body, Event, Header, IfMatch, UnsupportedEventError, handler


class Item(Struct):
    name: str


@handler
def show(body: Body[Item | None] = None, x_name: Header[str] = "") -> dict[str, Any]:
    return {"body": body and body.name, "name": x_name}


@handler
def take_all(event: Event, if_match: IfMatch = None) -> dict[str, Any]:
    return {"version": if_match, "names": sorted(event["headers"])}


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_the_names_of_headers_have_no_case(make_event, spell):
    event = make_event('{"name": "ink"}')
    event["headers"] = {
        spell(name): value for name, value in {"content-type": "application/json", "x-name": "a"}.items()
    }

    assert show(event, None)["body"] == '{"body":"ink","name":"a"}'
    event["headers"] = {spell("if-match"): '"3"', spell("accept"): "*/*"}
    assert take_all(event, None)["body"] == '{"version":3,"names":["accept","if-match"]}'


def test_one_header_in_two_spellings_has_both_values(make_event):
    assert show(make_event(headers={"X-Name": "a", "x-name": "b"}), None)["body"] == '{"body":null,"name":"a,b"}'


def test_the_event_itself_is_not_changed(make_event):
    event = make_event(headers={"X-Name": "a"})
    before = {**event, "headers": dict(event["headers"])}

    show(event, None)

    assert event == before


@pytest.mark.parametrize(
    "names",
    [
        ("Header1", "Header2", "Content-Type"),  # aws-lambda-go, events/testdata/apigw-v2-request-iam.json
        ("header1", "header2", "content-type"),  # Powertools for Python, tests/events/apiGatewayProxyV2Event.json
        ("HEADER1", "header2", "CONTENT-TYPE"),
    ],
)
@pytest.mark.parametrize(
    "authorizer", [None, {"jwt": {"claims": {"sub": "1"}}}, {"lambda": {"key": "value"}}, {"iam": {}}]
)
def test_sample_events_of_others_are_served(aws_event, names, authorizer):
    """They differ in the case of headers, and in which authorizer let the request through."""

    @handler
    def take(body: Item, header1: Header[str], header2: Header[list[str]]) -> list[Any]:
        return [body.name, header1, header2]

    event = aws_event | {"headers": dict(zip(names, ["value1", "a,b", "application/json"], strict=True))}
    event["requestContext"] = event["requestContext"] | {"authorizer": authorizer}
    event["body"] = '{\r\n\t"name": "ink"\r\n}'

    assert take(event, None)["body"] == '["ink","value1",["a","b"]]'


def test_headers_may_be_null(make_event):
    event = make_event()
    event["headers"] = None

    assert show(event, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"version": "1.0", "httpMethod": "GET", "requestContext": {}}, "an event of payload format 1.0"),
        ({"httpMethod": "GET", "resource": "/", "requestContext": {"stage": "x"}}, "a request of a REST API"),
        ({"httpMethod": "GET", "requestContext": {"elb": {}}}, "a request of an Application Load Balancer"),
        ({"requestContext": {"connectionId": "a", "eventType": "CONNECT"}}, "an event of a WebSocket API"),
        ({"version": "1", "triggerSource": "PreSignUp_SignUp"}, r"an event of Cognito \(PreSignUp_SignUp\)"),
        ({"version": "0", "detail-type": "Scheduled Event"}, r"an event of EventBridge \(Scheduled Event\)"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "records of aws:sqs"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "records of aws:sns"),
        ({"Records": []}, "records of another service"),
        ({"version": "2.0", "type": "REQUEST", "routeArn": "arn:…"}, "the request of a Lambda authorizer"),
        ({"type": "TOKEN", "methodArn": "arn:…"}, "the request of a Lambda authorizer in format 1.0"),
        ({"version": "3.0"}, "an event of version '3.0'"),
        ({}, "an event without a version"),
        ([1], "a list, which is not an event of API Gateway"),
        (None, "a NoneType, which is not an event of API Gateway"),
    ],
)
def test_any_other_event_is_refused_by_name(event, name):
    """The invocation fails: an answer with a status code would mean something else to what sent the event."""
    with pytest.raises(UnsupportedEventError, match=f"payload format 2.0, but was invoked with {name}\\.\nFix: "):
        show(event, None)
