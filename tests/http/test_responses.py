import base64
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct

from taxiway.http import Accepted, Created, NoContent, Response, delete_cookie, handler, set_cookie
from taxiway.http.compression import MINIMUM
from taxiway.http.responses import render


class Item(Struct, rename="camel"):
    unit_price: Decimal
    created_at: datetime


def answer(result: Any, accept_encoding: str | None = None) -> dict[str, Any]:
    headers = {} if accept_encoding is None else {"accept-encoding": accept_encoding}
    return render(result, {"headers": headers})


def test_a_struct_is_json_under_its_own_names():
    response = answer(Item(Decimal("1.10"), datetime(2026, 1, 2, tzinfo=UTC)))

    assert response == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"unitPrice":1.10,"createdAt":"2026-01-02T00:00:00Z"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("result", "body"), [([1], "[1]"), ({"a": None}, '{"a":null}'), ("é", '"é"'), (0, "0"), (False, "false")]
)
def test_other_results_are_json_too(result, body):
    assert answer(result)["body"] == body


def test_what_is_no_number_is_null():
    result = [Decimal("NaN"), Decimal("-Infinity"), float("nan"), Decimal("1.10"), "NaN"]

    assert answer(result)["body"] == '[null,null,null,1.10,"NaN"]'


@pytest.mark.parametrize("result", [None, NoContent(), Response(status=204), Response({"a": 1}, status=204)])
def test_nothing_is_no_content(result):
    assert answer(result) == {"statusCode": 204, "headers": {}, "body": "", "isBase64Encoded": False}


def test_not_modified_has_no_body_and_keeps_its_headers():
    response = answer(Response({"a": 1}, status=304, headers={"ETag": '"1"'}))

    assert response == {"statusCode": 304, "headers": {"etag": '"1"'}, "body": "", "isBase64Encoded": False}


def test_created_says_where():
    response = answer(Created({"id": 1}, location="/items/1", headers={"ETag": '"1"'}))

    assert response["statusCode"] == 201
    assert response["headers"] == {"location": "/items/1", "etag": '"1"', "content-type": "application/json"}


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("/items/a b", "/items/a%20b"),
        ("/items/é?x=1#top", "/items/%C3%A9?x=1#top"),
        ("/items/a%20b", "/items/a%20b"),
        ("/items/\r\nset-cookie: a=b", "/items/%0D%0Aset-cookie:%20a=b"),
        ("https://example.com/items/1", "https://example.com/items/1"),
    ],
)
def test_a_location_holds_only_what_a_url_may(location, uri):
    assert Created({}, location=location).headers["location"] == uri


def test_accepted_is_202():
    assert answer(Accepted({"job": 1}))["statusCode"] == 202


def test_text_of_another_type_is_sent_as_it_is():
    response = answer(Response("<p>né</p>", content_type="text/html"))

    assert response["headers"]["content-type"] == "text/html; charset=utf-8"
    assert response["body"] == "<p>né</p>"


def test_a_content_type_among_the_headers_holds():
    response = answer(Response("a,b", headers={"Content-Type": "text/csv; charset=utf-8"}))

    assert response["headers"] == {"content-type": "text/csv; charset=utf-8"}
    assert response["body"] == "a,b"


def test_json_may_have_a_type_of_its_own():
    response = answer(Response({"a": 1}, status=207, content_type="application/vnd.items+json"))

    assert (response["statusCode"], response["body"]) == (207, '{"a":1}')
    assert response["headers"] == {"content-type": "application/vnd.items+json"}


@pytest.mark.parametrize(
    ("result", "content_type"),
    [(b"\x89PNG\xff", "application/octet-stream"), (Response(b"\x89PNG\xff", content_type="image/png"), "image/png")],
)
def test_bytes_are_sent_as_they_are(result, content_type):
    response = answer(result)

    assert response["headers"]["content-type"] == content_type
    assert response["isBase64Encoded"] is True
    assert base64.b64decode(response["body"]) == b"\x89PNG\xff"


def test_a_header_can_not_carry_another():
    with pytest.raises(ValueError, match="line break"):
        Response(headers={"x-name": "a\r\nset-cookie: b=c"})


def test_cookies_are_set_beside_the_headers(make_event):
    @handler
    def log_in() -> NoContent:
        return NoContent(cookies=[set_cookie("session", "abc", max_age=3600), delete_cookie("old")])

    assert log_in(make_event(), None)["cookies"] == [
        "session=abc; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax",
        "old=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
    ]


LONG = {"text": "x" * MINIMUM}


def test_a_long_body_is_compressed_for_a_client_that_allows_it():
    response = answer(LONG, "gzip, deflate, br")

    assert response["headers"] == {
        "content-type": "application/json",
        "vary": "accept-encoding",
        "content-encoding": "gzip",
    }
    assert response["isBase64Encoded"] is True
    assert json.loads(gzip.decompress(base64.b64decode(response["body"]))) == LONG


@pytest.mark.parametrize("accept_encoding", [None, "br", "gzip;q=0"])
def test_a_long_body_that_could_have_been_compressed_says_that_it_varies(accept_encoding):
    response = answer(LONG, accept_encoding)

    assert response["headers"] == {"content-type": "application/json", "vary": "accept-encoding"}
    assert json.loads(response["body"]) == LONG


def test_compression_starts_at_1024_bytes():
    at, below = "x" * (MINIMUM - 2), "x" * (MINIMUM - 3)  # and two quotes

    assert answer(at, "gzip")["headers"]["content-encoding"] == "gzip"
    assert answer(below, "gzip")["headers"] == {"content-type": "application/json"}


def test_vary_is_added_to_what_is_there():
    assert answer(Response(LONG, headers={"Vary": "origin"}))["headers"]["vary"] == "origin, accept-encoding"


@pytest.mark.parametrize(
    "result",
    [
        Response(b"\x00" * 2000, content_type="image/png"),
        Response(
            gzip.compress(bytes(range(256)) * 90), content_type="text/plain", headers={"Content-Encoding": "gzip"}
        ),
        b"\x00" * 2000,
    ],
)
def test_what_does_not_shrink_is_left_alone(result):
    body = result.body if isinstance(result, Response) else result
    response = answer(result, "gzip")

    assert "vary" not in response["headers"]
    assert base64.b64decode(response["body"]) == body
