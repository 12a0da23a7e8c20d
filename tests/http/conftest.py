"""The event that AWS documents, and others made by changing it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

MakeEvent: TypeAlias = Callable[..., dict[str, Any]]

_DOCUMENTED = Path(__file__).with_name("aws_event.json")


@pytest.fixture
def aws_event() -> dict[str, Any]:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    Its body and cookies are placeholders there; here they are JSON and `name=value`.
    """
    return json.loads(_DOCUMENTED.read_text())


@pytest.fixture
def make_event(aws_event: dict[str, Any]) -> MakeEvent:
    """The documented event with no body, query, cookies or path parameters but those given."""

    def make(body: str | None = None, *, headers: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        for member in ("body", "cookies", "queryStringParameters", "pathParameters"):
            aws_event.pop(member, None)
        event = aws_event | {"rawQueryString": "", "headers": {"content-type": "application/json"}} | members
        event["headers"] = event["headers"] | (headers or {})
        return event if body is None else event | {"body": body}

    return make
