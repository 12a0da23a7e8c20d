"""The event of a request, in the one form that handlers read: payload format 2.0, with header names in lower case.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any, cast

from taxiway.http.context import Json


class UnsupportedEventError(TypeError):
    """A handler was invoked with an event that is not a request in payload format 2.0."""


def request_event(event: Json) -> Json:
    """The event, with its header names in lower case. Raises UnsupportedEventError for any other kind of event.

    Header names are case-insensitive (https://www.rfc-editor.org/rfc/rfc9110#section-5.1). API Gateway writes them in
    lower case, and then the event is returned as it is; events of tests and of other tools may not.
    """
    try:
        is_request = event["version"] == "2.0" and "routeArn" not in event
    except (TypeError, LookupError):
        is_request = False
    if not is_request:
        raise UnsupportedEventError(
            f"@handler serves requests of an HTTP API in payload format 2.0, but was invoked with {_name(event)}.\n"
            "Fix: invoke it by a route of an HTTP API with payload format 2.0; in a test, give the event "
            '"version": "2.0"'
        )
    headers = event.get("headers")
    if headers:
        for name in headers:
            if not name.islower():
                return event | {"headers": _in_lower_case(headers)}
    return event


def _in_lower_case(headers: dict[str, str]) -> dict[str, str]:
    """A header in several spellings is one header with several values, as API Gateway joins them."""
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        lowered[key] = f"{lowered[key]},{value}" if key in lowered else value
    return lowered


def _name(event: Any) -> str:
    """What an event is, by the members that its kind alone has."""
    if not isinstance(event, dict):
        return f"a {type(event).__name__}, which is not an event of API Gateway"
    members = cast(Json, event)
    for member, name in (
        ("routeArn", "the request of a Lambda authorizer"),
        ("methodArn", "the request of a Lambda authorizer in format 1.0"),
        ("triggerSource", f"an event of Cognito ({members.get('triggerSource')})"),
        ("detail-type", f"an event of EventBridge ({members.get('detail-type')})"),
        ("Records", f"records of {_source(members.get('Records'))}"),
    ):
        if member in members:
            return name
    context: Any = members.get("requestContext")
    if isinstance(context, dict):
        if "connectionId" in context:
            return "an event of a WebSocket API"
        if "elb" in context:
            return "a request of an Application Load Balancer"
    if members.get("version") == "1.0":
        return "an event of payload format 1.0"
    if "httpMethod" in members:
        return "a request of a REST API"
    if "version" in members:
        return f"an event of version {members['version']!r}"
    return "an event without a version"


def _source(records: Any) -> str:
    """The service that records come from; SNS spells the member in its own way."""
    try:
        first: Any = records[0]
        return str(first.get("eventSource") or first["EventSource"])
    except (TypeError, LookupError, AttributeError):
        return "another service"
