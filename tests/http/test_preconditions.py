"""ETags of versioned entities, and the preconditions that are built on them."""

import gzip
import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

from taxiway.data import Entity, VersionMismatch, created, key, version
from taxiway.http import Created, IfMatch, NoContent, Path, Response, etag, handler

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Note(Entity):
    id: str
    text: str = ""
    created_at: datetime = created()
    version: int = version()

    @key(pk="NOTE#{id}", sk="NOTE")
    def by_id(self, id: str) -> None:
        """One note."""


class Draft(Entity):
    id: str

    @key(pk="DRAFT#{id}", sk="DRAFT")
    def by_id(self, id: str) -> None:
        """An entity with no version."""


NOTE = Note(id="1", text="short", created_at=NOW, version=3)
LONG = Note(id="1", text="long " * 500, created_at=NOW, version=3)


@handler
def get_note() -> Note:
    return NOTE


@handler
def get_long_note() -> Note:
    return LONG


@handler
def patch(if_match: IfMatch = None) -> dict[str, Any]:
    return {"expected": if_match}


@handler
def guarded_patch(if_match: IfMatch) -> dict[str, Any]:
    return {"expected": if_match}


@pytest.fixture
def request_of(make_event):
    """An event of a method with headers."""

    def make(method: str, **headers: str) -> dict[str, Any]:
        event = make_event(headers={name.replace("_", "-"): value for name, value in headers.items()})
        event["requestContext"]["http"]["method"] = method
        return event

    return make


def test_a_versioned_entity_is_answered_with_its_version_as_a_strong_etag(request_of):
    response = get_note(request_of("GET"), None)

    assert response["headers"] == {"content-type": "application/json", "etag": '"3"'}
    assert json.loads(response["body"])["version"] == 3


def test_so_is_an_entity_within_a_response(request_of):
    @handler
    def create() -> Created[Note]:
        return Created(NOTE, location="/notes/1")

    assert create(request_of("POST"), None)["headers"]["etag"] == '"3"'


def test_an_etag_of_the_handlers_own_stays(request_of):
    @handler
    def get() -> Response[Note]:
        return Response(NOTE, headers={"etag": '"mine"'})

    assert get(request_of("GET"), None)["headers"]["etag"] == '"mine"'


@pytest.mark.parametrize(
    "body",
    [Draft(id="1"), Note(id="1"), [NOTE], {"version": 3}, "text"],
    ids=["no version", "not stored", "a list", "a dict", "text"],
)
def test_what_has_no_stored_version_has_no_etag(body, request_of):
    @handler
    def get() -> Any:
        return body

    assert "etag" not in get(request_of("GET"), None)["headers"]


def test_the_answer_to_a_put_has_no_etag(request_of):
    assert "etag" not in get_note(request_of("PUT"), None)["headers"]
    assert get_note(request_of("PATCH"), None)["headers"]["etag"] == '"3"'


def test_another_view_of_an_entity_can_be_given_its_etag(request_of):
    class View(Struct):
        title: str

    @handler
    def get() -> Response[View]:
        return Response(View("Note"), headers={"etag": etag(NOTE.version)})

    assert get(request_of("GET"), None)["headers"]["etag"] == '"3"'
    assert get(request_of("GET", if_none_match='"3"'), None)["statusCode"] == 304


@pytest.mark.parametrize("held", ['"3"', 'W/"3"', '"1", "2" , W/"3"', "*", ' "3" ', '"a,b","3"'])
def test_a_read_of_what_the_client_holds_is_304_without_a_body(held, request_of):
    response = get_note(request_of("GET", if_none_match=held), None)

    assert response == {"statusCode": 304, "headers": {"etag": '"3"'}, "body": "", "isBase64Encoded": False}


@pytest.mark.parametrize("held", ['"2"', '"33"', "3", "", '""', '"3', "W/3", '"*"', '"3-gzip"'])
def test_a_read_of_anything_else_is_answered_in_full(held, request_of):
    assert get_note(request_of("GET", if_none_match=held), None)["statusCode"] == 200


def test_a_304_keeps_what_caches_need(request_of):
    @handler
    def get() -> Response[Note]:
        return Response(NOTE, headers={"Cache-Control": "max-age=60", "Vary": "accept-language"}, cookies=["a=1"])

    response = get(request_of("GET", if_none_match='"3"'), None)

    assert response["statusCode"] == 304
    assert response["headers"] == {"cache-control": "max-age=60", "vary": "accept-language", "etag": '"3"'}
    assert response["cookies"] == ["a=1"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_if_none_match_makes_no_write_a_304(method, request_of):
    assert get_note(request_of(method, if_none_match='"3"'), None)["statusCode"] == 200


def test_a_write_that_takes_if_match_refuses_if_none_match(request_of):
    refused = patch(request_of("PUT", if_match='"3"', if_none_match="*"), None)

    assert refused["statusCode"] == 400
    assert "if-none-match" in refused["body"]


def test_an_error_is_no_304(request_of):
    @handler
    def get() -> Response[Note]:
        return Response(NOTE, status=404)

    assert get(request_of("GET", if_none_match="*"), None)["statusCode"] == 404


def test_the_compressed_representation_has_a_tag_of_its_own(request_of):
    plain = get_long_note(request_of("GET"), None)
    squeezed = get_long_note(request_of("GET", accept_encoding="gzip"), None)

    assert (plain["headers"]["etag"], plain["headers"]["vary"]) == ('"3"', "accept-encoding")
    assert (squeezed["headers"]["etag"], squeezed["headers"]["vary"]) == ('"3-gzip"', "accept-encoding")
    assert gzip.decompress(b64decode(squeezed["body"])) == plain["body"].encode()


def test_a_client_is_spared_only_the_representation_that_it_would_get(request_of):
    same = get_long_note(request_of("GET", accept_encoding="gzip", if_none_match='"3-gzip"'), None)

    assert same["statusCode"] == 304
    assert same["headers"] == {"etag": '"3-gzip"', "vary": "accept-encoding"}
    assert get_long_note(request_of("GET", if_none_match='"3-gzip"'), None)["statusCode"] == 200
    assert get_long_note(request_of("GET", if_none_match='"3"'), None)["statusCode"] == 304


def test_a_weak_tag_stands_for_both_codings(request_of):
    @handler
    def get() -> Response[Note]:
        return Response(LONG, headers={"etag": 'W/"3"'})

    assert get(request_of("GET", accept_encoding="gzip"), None)["headers"]["etag"] == 'W/"3"'


@pytest.mark.parametrize("header", ['"3"', '"3-gzip"', '"3", "3-gzip"', ' "3" , "other", W/"4"'])
def test_if_match_is_the_version_that_the_write_expects(header, request_of):
    assert json.loads(patch(request_of("PATCH", if_match=header), None)["body"]) == {"expected": 3}
    assert json.loads(guarded_patch(request_of("PATCH", if_match=header), None)["body"]) == {"expected": 3}


def test_if_match_of_anything_expects_no_version(request_of):
    assert json.loads(guarded_patch(request_of("PATCH", if_match="*"), None)["body"]) == {"expected": None}


def test_a_put_takes_no_if_match_of_anything_since_there_may_be_nothing(request_of):
    refused = guarded_patch(request_of("PUT", if_match="*"), None)

    assert refused["statusCode"] == 400
    assert "if-match" in refused["body"]


@pytest.mark.parametrize("header", ['W/"3"', '"other"', '"03"', '""', '"-1"', '"3-br"', '"99999999999999999999"'])
def test_a_tag_that_is_weak_or_not_ours_expects_a_version_that_no_item_has(header, request_of):
    assert json.loads(patch(request_of("PATCH", if_match=header), None)["body"]) == {"expected": -1}


@pytest.mark.parametrize("header", ["3", "", '"3', '"3" "4"', '*, "3"', '"3"; q=1'])
def test_a_malformed_if_match_is_400_and_never_left_out_of_account(header, request_of):
    response = patch(request_of("PATCH", if_match=header), None)

    assert response["statusCode"] == 400
    assert json.loads(response["body"])["errors"] == [
        {"name": "if-match", "detail": 'Expected an entity tag, as in "3"', "in": "header"}
    ]


def test_one_write_expects_one_version(request_of):
    response = patch(request_of("PATCH", if_match='"3", "4"'), None)

    assert response["statusCode"] == 400
    assert json.loads(response["body"])["errors"][0]["detail"] == "Expected the tag of one version, got several"


def test_a_write_may_go_without_if_match_where_it_has_a_default_and_is_428_where_not(request_of):
    assert json.loads(patch(request_of("PATCH"), None)["body"]) == {"expected": None}

    response = guarded_patch(request_of("PATCH"), None)

    assert response["statusCode"] == 428
    assert response["headers"]["content-type"] == "application/problem+json"
    assert "If-Match" in json.loads(response["body"])["detail"]


def test_a_version_that_has_moved_on_is_412(request_of):
    @handler
    def delete(id: Path[str], if_match: IfMatch) -> NoContent:
        raise VersionMismatch(f"{id} is at version 4, not {if_match}.", actual=4)

    event = request_of("DELETE", if_match='"3"') | {"pathParameters": {"id": "1"}}

    response = delete(event, None)

    assert response["statusCode"] == 412
    assert "etag" not in response["headers"]


def test_the_parameter_is_described_as_the_header_that_it_is():
    parameter = guarded_patch.parameters[0]

    assert (parameter.source, parameter.wire, parameter.required) == ("if-match", "if-match", True)
    assert not patch.parameters[0].required
