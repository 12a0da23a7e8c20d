import json

import pytest

from taxiway.http import (
    BadRequest,
    Conflict,
    ContentTooLarge,
    FieldError,
    Forbidden,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
    UnsupportedMediaType,
    handler,
)


def answer(make_event, error):
    @handler
    def fail() -> None:
        raise error

    response = fail(make_event(), None)
    return response, json.loads(response["body"])


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [
        (BadRequest, 400, "Bad Request"),
        (Unauthorized, 401, "Unauthorized"),
        (Forbidden, 403, "Forbidden"),
        (NotFound, 404, "Not Found"),
        (Conflict, 409, "Conflict"),
        (PreconditionFailed, 412, "Precondition Failed"),
        (ContentTooLarge, 413, "Content Too Large"),
        (UnsupportedMediaType, 415, "Unsupported Media Type"),
        (UnprocessableContent, 422, "Unprocessable Content"),
        (PreconditionRequired, 428, "Precondition Required"),
        (TooManyRequests, 429, "Too Many Requests"),
    ],
)
def test_each_kind_has_its_status_and_title(make_event, kind, status, title):
    response, problem = answer(make_event, kind("because"))

    assert response["statusCode"] == problem["status"] == status
    assert problem["title"] == problem["error"] == title
    assert problem["detail"] == "because"


def test_a_problem_of_ones_own(make_event):
    response, problem = answer(
        make_event,
        Problem(
            "The card was refused.",
            status=402,
            type="https://example.com/problems/card",
            headers={"x-reason": "funds"},
            errors=[FieldError(detail="expired", pointer="/card", in_="body")],
        ),
    )

    assert response["statusCode"] == 402
    assert response["headers"] == {"x-reason": "funds", "content-type": "application/problem+json"}
    assert problem["title"] == "Payment Required"
    assert problem["type"] == "https://example.com/problems/card"
    assert problem["errors"] == [{"pointer": "/card", "detail": "expired", "in": "body"}]


def test_a_kind_may_be_made_of_another(make_event):
    class OutOfStock(Conflict):
        pass

    response, _ = answer(make_event, OutOfStock("none left"))

    assert response["statusCode"] == 409


def test_unauthorized_challenges_the_client(make_event):
    response, _ = answer(make_event, Unauthorized("Who are you?", challenge='Bearer realm="items"'))

    assert response["headers"]["www-authenticate"] == 'Bearer realm="items"'


def test_too_many_requests_says_when_to_come_back(make_event):
    response, _ = answer(make_event, TooManyRequests("Slow down.", retry_after=30))

    assert response["headers"]["retry-after"] == "30"


def test_an_exception_may_tell_its_own_meaning(make_event, capsys):
    class AlreadyExistsError(Exception):
        http_status = 409
        public_detail = "There is such an item."

    response, problem = answer(make_event, AlreadyExistsError("pk=ITEM#secret"))

    assert response["statusCode"] == 409
    assert problem["title"] == "Conflict"
    assert problem["detail"] == "There is such an item."
    assert "secret" not in response["body"]
    logged = json.loads(capsys.readouterr().out)
    assert (logged["level"], logged["reason"], logged["status"]) == ("INFO", "pk=ITEM#secret", 409)


def test_what_may_be_sent_again_is_logged_as_a_warning_and_says_when(make_event, capsys):
    class BusyError(Exception):
        http_status = 503
        public_detail = "Try again in a moment."
        retry_after = 2

    response, _ = answer(make_event, BusyError("it is contended"))

    assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "2")
    logged = json.loads(capsys.readouterr().out)
    assert (logged["level"], logged["error"], logged["reason"]) == ("WARN", "BusyError", "it is contended")


def test_an_exception_that_means_a_500_is_logged(make_event, capsys):
    class UnavailableError(Exception):
        http_status = 503
        public_detail = "Try again."

    response, _ = answer(make_event, UnavailableError("engine is down"))

    assert response["statusCode"] == 503
    assert json.loads(capsys.readouterr().out)["exception"]["message"] == "engine is down"


@pytest.mark.parametrize(("status", "detail"), [(200, "fine"), ("404", "text"), (404, None)])
def test_attributes_that_mean_something_else_are_not_trusted(make_event, capsys, status, detail):
    class StrangeError(Exception):
        http_status = status
        public_detail = detail

    response, problem = answer(make_event, StrangeError())

    assert response["statusCode"] == 500
    assert problem["title"] == "Internal Server Error"
    assert "requestId" in problem["detail"]
    assert capsys.readouterr().out


def test_a_status_without_a_phrase_has_a_title_still():
    assert Problem(status=499).title == "Error"
