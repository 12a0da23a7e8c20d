import enum
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta

from taxiway.http import Cookie, Header, Name, Path, Query, Response, handler


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


def take(annotation: Any, event: dict[str, Any]) -> Any:
    """What a handler with one parameter `value` of this annotation gets, or the errors of the problem."""
    taken: list[Any] = []

    def get(value):
        taken.append(value)

    get.__annotations__ = {"value": annotation}
    response = handler(get)(event, None)
    return taken[0] if taken else json.loads(response["body"])["errors"]


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (str, "null", "null"),
        (str | None, "null", "null"),
        (str, "", ""),
        (int, "-7", -7),
        (int | None, "7", 7),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (bool, "0", False),
        (Decimal, "0.10", Decimal("0.10")),
        (datetime, "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (date, "2026-01-02", date(2026, 1, 2)),
        (UUID, "c2b5e1e8-5a2f-4c1e-9d3c-7a1f6f2a9b10", UUID("c2b5e1e8-5a2f-4c1e-9d3c-7a1f6f2a9b10")),
        (Colour, "red", Colour.RED),
        (Level, "1", Level.LOW),
        (Literal["asc", "desc"], "desc", "desc"),
        (Annotated[int, Meta(ge=1, le=100)], "100", 100),
        (Annotated[str | None, Meta(max_length=3)], "abc", "abc"),
    ],
)
@pytest.mark.parametrize("source", [Path, Query, Header, Cookie])
def test_text_is_read_as_the_declared_type(make_event, source, type_, text, value):
    event = make_event(
        pathParameters={"value": text},
        queryStringParameters={"value": text},
        headers={"value": text},
        cookies=[f"other=1; {text}", f"value={text}"],
    )

    taken = take(source[type_], event)

    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("type_", "text", "detail"),
    [
        (int, "seven", "Expected `int`"),
        (int, "", "Expected `int`"),
        (int | None, "null", "Expected `int`"),
        (int, "9" * 5000, "Integer value out of range"),
        (bool, "yes", "Expected `bool`"),
        (float, "nan", "Expected a finite number"),
        (float, "-inf", "Expected a finite number"),
        (Decimal, "NaN", "Expected a finite number"),
        (Annotated[Decimal | None, Meta(title="price")], "Infinity", "Expected a finite number"),
        (Colour, "blue", "Invalid enum value 'blue'"),
        (UUID, "1", "Invalid UUID"),
        (Annotated[int, Meta(ge=1)], "0", "Expected `int` >= 1"),
        (Annotated[str, Meta(pattern="^a$")], "b", "Expected `str` matching regex '^a$'"),
    ],
)
def test_text_of_another_type_is_named(make_event, type_, text, detail):
    errors = take(Query[type_], make_event(queryStringParameters={"value": text}))

    assert errors == [{"name": "value", "detail": detail, "in": "query"}]


@pytest.mark.parametrize("source", [Path, Query, Header, Cookie])
def test_a_parameter_with_no_default_is_required(make_event, source):
    [error] = take(source[str], make_event())

    assert error["detail"] == "Missing required parameter"
    assert error["name"] == "value"


def test_a_parameter_that_is_left_out_has_its_default(make_event):
    @handler
    def get(limit: Query[int] = 20, since: Query[datetime | None] = None, *, order: Query[str] = "asc") -> list[Any]:
        return [limit, since, order]

    assert get(make_event(), None)["body"] == '[20,null,"asc"]'


def test_names_that_python_can_not_spell(make_event):
    @handler
    def get(
        since: Query[Annotated[int, Name("from"), Meta(ge=1)]],
        x_api_key: Header[str],
        trace: Header[Annotated[str, Name("X-Amzn-Trace-Id")]],
        session: Cookie[Annotated[str, Name("__Host-session")]],
    ) -> list[Any]:
        return [since, x_api_key, trace, session]

    event = make_event(
        queryStringParameters={"from": "3"},
        headers={"x-api-key": "k", "x-amzn-trace-id": "Root=1"},
        cookies=["__Host-session=abc=="],
    )

    assert [parameter.wire for parameter in get.parameters] == [
        "from",
        "x-api-key",
        "x-amzn-trace-id",
        "__Host-session",
    ]
    assert json.loads(get(event, None)["body"]) == [3, "k", "Root=1", "abc=="]


def test_a_list_takes_every_value_of_a_repeated_parameter_commas_and_all(make_event):
    event = make_event(
        rawQueryString="value=a%2Cb&other=1&value=c+d&value=", queryStringParameters={"value": "a,b,c d,", "other": "1"}
    )

    assert take(Query[list[str]], event) == ["a,b", "c d", ""]


def test_a_list_of_numbers_names_what_is_none(make_event):
    event = make_event(rawQueryString="value=1&value=2", queryStringParameters={"value": "1,2"})
    assert take(Query[list[int]], event) == [1, 2]

    event = make_event(rawQueryString="value=1&value=x", queryStringParameters={"value": "1,x"})
    assert take(Query[list[int]], event) == [{"name": "value", "detail": "Expected `int`", "in": "query"}]


def test_a_list_that_is_left_out_has_its_default(make_event):
    @handler
    def get(tags: Query[list[str] | None] = None, accept: Header[list[str]] = []) -> list[Any]:  # noqa: B006  never changed
        return [tags, accept]

    assert get(make_event(), None)["body"] == "[null,[]]"


def test_one_value_with_a_comma_is_one_value(make_event):
    event = make_event(rawQueryString="value=a%2Cb", queryStringParameters={"value": "a,b"})

    assert take(Query[str], event) == "a,b"


def test_a_repeated_parameter_where_one_is_expected_is_refused(make_event):
    event = make_event(rawQueryString="value=a&value=b", queryStringParameters={"value": "a,b"})

    assert take(Query[str], event) == [{"name": "value", "detail": "Expected one value, got several", "in": "query"}]


def test_a_header_of_several_values_is_split_at_the_commas(make_event):
    assert take(Header[list[str]], make_event(headers={"value": "a, b,,c "})) == ["a", "b", "c"]


def test_cookies_are_found_by_their_whole_name(make_event):
    @handler
    def get(session: Cookie[str | None] = None) -> Response[str]:
        return Response(session or "none", content_type="text/plain")

    assert get(make_event(cookies=["xsession=1", "sessions=2"]), None)["body"] == "none"
    assert get(make_event(cookies=["xsession=1", "session=2"]), None)["body"] == "2"
