import base64
import gzip
import json
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from msgspec import Struct

from taxiway.http import Body, handler


class Price(Struct):
    amount: Decimal
    note: str = ""


class Basket(TypedDict):
    total: Decimal


def send(annotation: Any, event: dict[str, Any]) -> Any:
    """What a handler with a body of this annotation gets, or its status and errors."""
    taken: list[Any] = []

    def post(body):
        taken.append(body)

    post.__annotations__ = {"body": annotation}
    response = handler(post)(event, None)
    return taken[0] if taken else (response["statusCode"], json.loads(response["body"])["errors"])


def refused(detail: str, pointer: str = "") -> Any:
    return (400, [{"pointer": pointer, "detail": detail, "in": "body"}])


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        "application/vnd.items.v1+json;q=1",
    ],
)
def test_json_is_taken_under_any_of_its_types(make_event, content_type):
    assert send(Price, make_event('{"amount": 1}', headers={"content-type": content_type})) == Price(Decimal(1))


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_anything_else_is_an_unsupported_media_type(make_event, content_type):
    @handler
    def post(body: Price) -> None: ...

    response = post(make_event('{"amount": 1}', headers={"content-type": content_type}), None)

    assert response["statusCode"] == 415
    assert "send it as application/json" in json.loads(response["body"])["detail"]


@pytest.mark.parametrize("body", [None, ""])
def test_a_missing_body_is_refused_where_it_is_required(make_event, body):
    assert send(Price, make_event(body)) == refused("A body is required")
    assert send(Body[bytes], make_event(body)) == refused("A body is required")


def test_a_missing_body_has_its_default(make_event):
    @handler
    def post(body: Price | None = None) -> str:
        return "none" if body is None else "some"

    assert post(make_event(), None)["body"] == '"none"'
    assert post(make_event('{"amount": 1}'), None)["body"] == '"some"'


def test_a_base64_body_is_decoded_first(make_event):
    body = base64.b64encode(b'{"amount": 1, "note": "\xc3\xa9"}').decode()

    assert send(Price, make_event(body, isBase64Encoded=True)) == Price(Decimal(1), "é")


def test_a_body_may_be_of_any_json_type(make_event):
    assert send(Body[list[Price]], make_event('[{"amount": 1}]')) == [Price(Decimal(1))]
    assert send(Body[dict[str, int]], make_event('{"a": 1}')) == {"a": 1}
    assert send(Body[Any], make_event("[null]")) == [None]


def test_a_raw_body_is_taken_as_it_is(make_event):
    text = make_event("né", headers={"content-type": "text/plain"})
    binary = make_event(base64.b64encode(b"\x00\xff").decode(), isBase64Encoded=True)

    assert send(Body[str], text) == "né"
    assert send(Body[bytes], text) == "né".encode()
    assert send(Body[bytes], binary) == b"\x00\xff"
    assert send(Body[str], binary) == refused("The body is not valid UTF-8")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("{", "The body is not valid JSON: Input data was truncated"),
        ('{"amount": 1}}', "The body is not valid JSON: trailing characters (byte 14)"),
        ('{"amount": NaN}', "The body is not valid JSON: invalid character (byte 11)"),
        ('{"amount": -Infinity}', "The body is not valid JSON: invalid character (byte 12)"),
        ('{"amount": "x", }', "The body is not valid JSON: trailing comma in object (byte 16)"),
        ("[" * 10_000, "The body is nested too deeply"),
        ('{"note":' + "[" * 10_000, "The body is nested too deeply"),
        ("\ud800", "The body is not valid UTF-8"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_json_is_refused_with_the_place(make_event, body, detail):
    assert send(Body[Any] if body.startswith("[") else Price, make_event(body)) == refused(detail)


def test_bytes_that_are_no_utf8_are_refused(make_event):
    event = make_event(base64.b64encode(b'{"note": "\xff"}').decode(), isBase64Encoded=True)

    assert send(Price, event) == refused("The body is not valid UTF-8")


def test_a_body_that_is_no_base64_is_refused(make_event):
    assert send(Price, make_event("a", isBase64Encoded=True)) == refused("The body is not valid base64")


def test_numbers_out_of_range_are_refused(make_event):
    assert send(Body[dict[str, float]], make_event('{"a": 1e999}')) == refused("Number out of range")
    assert send(Body[list[int]], make_event(f"[{'9' * 5000}]")) == refused("Integer value out of range", "/0")


@pytest.mark.parametrize("text", ["NaN", "nan", "sNaN1", "Infinity", "-inf", r"\u006eaN", r"\u0069nf"])
def test_a_decimal_is_a_finite_number(make_event, text):
    fault = refused("Expected a finite number", "/amount")

    assert send(Price, make_event(f'{{"amount": "{text}"}}')) == fault
    assert send(Body[dict[str, Decimal]], make_event(f'{{"amount": "{text}"}}')) == fault
    assert send(Body[list[Price]], make_event(f'[{{"amount": "{text}"}}]')) == refused(
        fault[1][0]["detail"], "/0/amount"
    )


def test_a_decimal_in_a_typed_dict_is_a_finite_number_too(make_event):
    assert send(Body[Basket], make_event('{"total": "nan"}')) == refused("Expected a finite number", "/total")


def test_texts_about_infinity_are_fine(make_event):
    assert send(Price, make_event('{"amount": "1.50", "note": "NaN and inf"}')) == Price(Decimal("1.50"), "NaN and inf")


def test_a_decimal_that_is_no_number_is_named_beside_other_faults(make_event):
    status, errors = send(Price, make_event('{"amount": "NaN", "note": 1}'))

    assert status == 400
    assert [(error["pointer"], error["detail"]) for error in errors] == [
        ("/amount", "Expected a finite number"),
        ("/note", "Expected `str`, got `int`"),
    ]


@pytest.mark.parametrize("annotation", [Price, Body[str]])
def test_a_compressed_body_is_415_and_names_the_coding(make_event, annotation):
    def post(body):
        raise AssertionError(body)

    post.__annotations__ = {"body": annotation}
    body = base64.b64encode(gzip.compress(b'{"amount": 1}')).decode()
    response = handler(post)(make_event(body, headers={"content-encoding": "gzip"}, isBase64Encoded=True), None)

    assert (response["statusCode"], response["headers"]["accept-encoding"]) == (415, "identity")
    detail = json.loads(response["body"])["detail"]
    assert detail == "The body was sent with the content coding 'gzip'; send it without one."


def test_gzip_is_recognized_where_no_header_says_so(make_event):
    @handler
    def post(body: Price) -> None: ...

    body = base64.b64encode(gzip.compress(b'{"amount": 1}')).decode()
    response = post(make_event(body, isBase64Encoded=True), None)

    assert response["statusCode"] == 415
    assert "'gzip'" in json.loads(response["body"])["detail"]


def test_a_raw_body_may_be_compressed(make_event):
    body = gzip.compress(b"1")
    event = make_event(base64.b64encode(body).decode(), headers={"content-encoding": "gzip"}, isBase64Encoded=True)

    assert send(Body[bytes], event) == body


def test_the_coding_identity_is_none(make_event):
    assert send(Price, make_event('{"amount": 1}', headers={"content-encoding": "identity"})) == Price(Decimal(1))


def test_a_byte_order_mark_is_skipped(make_event):
    """https://www.rfc-editor.org/rfc/rfc8259#section-8.1"""
    text = '\ufeff{"amount": 1}'

    assert send(Price, make_event(text)) == Price(Decimal(1))
    assert send(Price, make_event(base64.b64encode(text.encode()).decode(), isBase64Encoded=True)) == Price(Decimal(1))
