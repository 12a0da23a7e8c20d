"""Idempotency-Key: a request that is sent again is answered again and carried out once, whatever happens in between."""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from msgspec import Meta, Struct
from tests.counts import count
from tests.tables import create_table, rows_of

from taxiway.data import Entity, TableClient, add, key, pattern, sortable_id, version
from taxiway.data.request_records import PARTITION_KEY
from taxiway.declare import grants
from taxiway.http import Created, Handler, NoContent, NotFound, Response, handler
from taxiway.http.idempotency import LARGEST, Idempotency

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"


class Note(Entity):
    id: str = sortable_id()
    text: str
    version: int = version()

    @key(pk="NOTE#{id}", sk="NOTE")
    def by_id(self, id: str) -> None:
        """One note."""

    @pattern("gsi1", pk="NOTES", sk="{id}")
    def all(self) -> None:
        """Every note."""


class NewNote(Struct):
    text: Annotated[str, Meta(min_length=1)]


class Context:
    aws_request_id = "lambda-1"
    function_name = "create-note"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@pytest.fixture
def table(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> TableClient:
    """A client of an empty table, with the environment of a function."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = TableClient(table_name=f"t-{uuid.uuid4().hex}")
    create_table(client.core, client.name, "gsi1")
    return client


def creating(table: TableClient, during: Callable[[], Any] = lambda: None, **options: Any) -> Handler[..., Any]:
    """POST /notes; `during` runs in the handler, after its write."""

    @handler(idempotency=Idempotency(table, **options))
    def create(body: NewNote) -> Created[Note]:
        note = table.create(Note(text=body.text))
        during()
        return Created(note, location=f"/notes/{note.id}", cookies=["a=1"])

    return create


@pytest.fixture
def post(make_event):
    """An event of POST /notes."""

    def make(text: str = "hello", *, key: str | None = UUID, **members: Any) -> dict[str, Any]:
        headers = {} if key is None else {"idempotency-key": key}
        context = {"requestId": "r", "http": {"method": "POST", "path": "/notes"}}
        if "authorizer" in members:
            context["authorizer"] = members.pop("authorizer")
        defaults = {"routeKey": "POST /notes", "rawPath": "/notes", "requestContext": context}
        headers |= members.pop("headers", {})
        body = members.pop("body", json.dumps({"text": text}))
        return make_event(body, headers=headers, **(defaults | members)) | {"isBase64Encoded": False}

    return make


def notes(table: TableClient) -> list[str]:
    return [note.text for note in table.query(Note.all(), limit=1000).items]


def records(table: TableClient) -> list[dict[str, Any]]:
    return [row for row in rows_of(table) if row["pk"].startswith("IDEMPOTENCY#")]


def expire(table: TableClient) -> None:
    """Let the one record that there is be past its time."""
    (record,) = records(table)
    table.core.put_item(table.name, record | {"expiresAt": 1})


def problem(response: dict[str, Any]) -> dict[str, Any]:
    assert response["headers"]["content-type"] == "application/problem+json"
    return json.loads(response["body"])


def test_a_request_that_is_sent_again_gets_the_first_answer_and_is_not_carried_out_again(table, post):
    create = creating(table)

    first = create(post(), Context())
    again = create(post(), Context())

    assert first["statusCode"] == 201
    assert "idempotency-replayed" not in first["headers"]
    assert again["headers"].pop("idempotency-replayed") == "true"
    assert again == first
    assert list(again["headers"]) == list(first["headers"])
    assert first["headers"]["location"] == f"/notes/{json.loads(first['body'])['id']}"
    assert (first["headers"]["etag"], first["cookies"]) == ('"1"', ["a=1"])
    assert notes(table) == ["hello"]


def test_another_key_is_another_request(table, post):
    create = creating(table)

    ids = {json.loads(create(post(key=key), Context())["body"])["id"] for key in ("one", "two")}

    assert len(ids) == 2


def test_a_request_without_a_key_is_served_as_ever_and_leaves_no_record(table, post):
    create = creating(table)

    assert [create(post(key=None), Context())["statusCode"] for _ in range(2)] == [201, 201]
    assert notes(table) == ["hello", "hello"]
    assert records(table) == []


def test_a_key_is_the_same_quoted_and_bare(table, post):
    create = creating(table)

    create(post(key=UUID), Context())

    assert create(post(key=f'"{UUID}"'), Context())["headers"]["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "other",
    [{"text": "other"}, {"rawPath": "/notes/"}, {"rawPath": "/notes\ud800"}, {"rawQueryString": "a=1"}],
    ids=["body", "path", "a path that is no text", "query"],
)
def test_a_key_that_comes_with_another_request_is_422(other, table, post):
    create = creating(table)
    create(post(), Context())

    response = create(post(**other), Context())

    assert response["statusCode"] == 422
    assert "Idempotency-Key" in problem(response)["detail"]
    assert notes(table) == ["hello"]


def test_the_same_body_is_the_same_request_however_the_gateway_passes_it_on(table, post):
    create = creating(table)
    create(post(body='{"text": "hello"}'), Context())

    again = create(post(body="eyJ0ZXh0IjogImhlbGxvIn0=") | {"isBase64Encoded": True}, Context())

    assert again["headers"]["idempotency-replayed"] == "true"


def test_a_key_that_must_be_there_is_named_with_everything_else_that_is_wrong(table, post):
    create = creating(table, required=True)

    response = create(post("", key=None), Context())

    assert response["statusCode"] == 400
    assert [error.get("name", error.get("pointer")) for error in problem(response)["errors"]] == [
        "/text",
        "idempotency-key",
    ]
    assert create(post(), Context())["statusCode"] == 201


@pytest.mark.parametrize("key", ["", '""', "a b", "a,b", '"a', 'a"', "é", "\x00", "x" * 256, f'"{"x" * 256}"'])
def test_a_malformed_key_is_400(key, table, post):
    response = creating(table)(post(key=key), Context())

    assert response["statusCode"] == 400
    assert problem(response)["errors"][0]["name"] == "idempotency-key"
    assert notes(table) == []


def test_a_key_may_be_any_short_text(table, post):
    create = creating(table)

    for text in ("x" * 255, '"a b, c"', r'"a \"quoted\" \\ one"', "a/b?c=d&e"):
        assert create(post(key=text), Context())["statusCode"] == 201

    assert len(notes(table)) == 4


def jwt(subject: str, **claims: str) -> dict[str, Any]:
    return {"jwt": {"claims": {"iss": "https://issuer", "sub": subject, **claims}, "scopes": None}}


def test_the_keys_of_two_callers_never_meet(table, post):
    create = creating(table)
    callers = [None, jwt("ada"), jwt("bob"), jwt("ada", iss="https://other"), {"lambda": {"user": "ada"}}]

    for caller in callers:
        event = post("hello" if caller else "anonymous", **({"authorizer": caller} if caller else {}))
        assert "idempotency-replayed" not in create(event, Context())["headers"]

    assert len(notes(table)) == len(callers)


def test_a_caller_stays_the_same_when_its_token_is_refreshed(table, post):
    create = creating(table)
    create(post(authorizer=jwt("ada", exp="1")), Context())

    assert create(post(authorizer=jwt("ada", exp="2")), Context())["headers"]["idempotency-replayed"] == "true"


def test_callers_of_an_authorizer_stay_apart_where_others_are_anonymous(table, post):
    create = creating(table, caller=None)
    for text, caller in (("a", jwt("ada")), ("b", jwt("bob")), ("anonymous", None)):
        event = post(text, **({"authorizer": caller} if caller else {}))
        assert create(event, None)["statusCode"] == 201
    assert create(post("anonymous"), None)["headers"]["idempotency-replayed"] == "true"


def test_who_the_caller_is_can_be_said_otherwise(table, post):
    create = creating(table, caller=lambda event: event["headers"]["x-tenant"])

    for tenant in ("a", "b", "a"):
        create(post(headers={"x-tenant": tenant}), Context())

    assert len(notes(table)) == 2


def test_the_keys_of_two_routes_never_meet(table, post):
    create = creating(table)

    for route in ("POST /notes", "POST /drafts"):
        assert "idempotency-replayed" not in create(post(routeKey=route), Context())["headers"]


def test_a_request_that_is_being_served_is_409_for_anyone_else_who_sends_it(table, post):
    seen: list[dict[str, Any]] = []

    def meanwhile() -> None:
        with ThreadPoolExecutor(1) as thread:
            seen.append(thread.submit(creating(table), post(), Context()).result())

    first = creating(table, meanwhile)(post(), Context())

    assert first["statusCode"] == 201
    assert (seen[0]["statusCode"], seen[0]["headers"]["retry-after"]) == (409, "1")
    assert notes(table) == ["hello"]


def test_nothing_is_written_before_the_answer_is_kept(table, post):
    during: list[list[str]] = []

    creating(table, lambda: during.append(notes(table)))(post(), Context())

    assert during == [[]]
    assert notes(table) == ["hello"]


def test_an_error_is_not_kept_and_leaves_nothing_behind(table, post):
    def fail() -> None:
        raise NotFound("There is no author.")

    response = creating(table, fail)(post(), Context())

    assert response["statusCode"] == 404
    assert (notes(table), records(table)) == ([], [])
    assert creating(table)(post("corrected"), Context())["statusCode"] == 201


def test_an_error_that_is_returned_is_treated_as_one_that_is_raised(table, post):
    @handler(idempotency=Idempotency(table))
    def create(body: NewNote) -> Response[str]:
        table.create(Note(text=body.text))
        return Response("no", status=422)

    assert create(post(), Context())["statusCode"] == 422
    assert (notes(table), records(table)) == ([], [])


def test_an_answer_is_hidden_when_its_time_is_over_deleted_or_not(table, post):
    create = creating(table)
    create(post(), Context())
    expire(table)

    response = create(post("something else"), Context())

    assert response["statusCode"] == 201
    assert "idempotency-replayed" not in response["headers"]
    assert notes(table) == ["hello", "something else"]


def test_an_answer_is_kept_for_its_lifetime_and_a_claim_for_the_time_that_the_function_has_left(table, post):
    claims: list[dict[str, Any]] = []

    creating(table, lambda: claims.extend(records(table)), lifetime=100_000)(post(), Context())

    (kept,) = records(table)
    assert 99_900 - 31 < kept["expiresAt"] - claims[0]["expiresAt"] <= 100_000
    assert kept["claim"] == claims[0]["claim"]


class Crash(BaseException):
    """What ends a process; nothing in the handler's way catches it."""


def crash() -> None:
    raise Crash


def test_a_crash_blocks_its_key_until_its_claim_ends_and_no_longer(table, post):
    with pytest.raises(Crash):
        creating(table, crash)(post(), Context())

    assert creating(table)(post(), Context())["statusCode"] == 409
    expire(table)
    assert creating(table)(post(), Context())["statusCode"] == 201
    assert notes(table) == ["hello"]


def test_one_that_was_taken_for_dead_can_commit_no_more(table, post):
    seen: list[dict[str, Any]] = []

    def taken_over() -> None:
        expire(table)
        with ThreadPoolExecutor(1) as thread:
            seen.append(thread.submit(creating(table), post(), Context()).result())

    zombie = creating(table, taken_over)(post(), Context())

    assert (zombie["statusCode"], seen[0]["statusCode"]) == (503, 201)
    assert notes(table) == ["hello"]
    assert creating(table)(post(), Context())["body"] == seen[0]["body"]


def test_nor_can_one_whose_claim_the_database_has_deleted(table, post):
    def deleted() -> None:
        (record,) = records(table)
        table.core.delete_item(table.name, {"pk": record["pk"], "sk": record["sk"]})

    assert creating(table, deleted)(post(), Context())["statusCode"] == 503
    assert notes(table) == []


@count("requests", test=200, soak=20_000)
def test_of_many_that_come_at_once_one_is_carried_out(table, post):
    create = creating(table)
    threads = 8
    rounds = 25
    barrier = threading.Barrier(threads)

    def send(event: dict[str, Any]) -> dict[str, Any]:
        barrier.wait()
        return create(event, Context())

    with ThreadPoolExecutor(threads) as pool:
        for turn in range(rounds):
            answers = list(pool.map(send, [post(str(turn), key=f"key-{turn}") for _ in range(threads)]))
            bodies = {answer["body"] for answer in answers if answer["statusCode"] == 201}
            assert {answer["statusCode"] for answer in answers} <= {201, 409}
            assert len(bodies) == 1

    assert Counter(notes(table)) == Counter(str(turn) for turn in range(rounds))


ERRORS = {
    "refuse": b'{"__type":"com.amazon.coral.validate#ValidationException","message":"refused"}',
    "conflict": b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException",'
    b'"message":"Transaction is ongoing for the item"}',
}
"""What DynamoDB says instead of carrying out the call."""


class Proxy(ThreadingHTTPServer):
    """Between the client and the engine. `faults` says, by operation, what happens to its next calls."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), Forward)
        self.engine = urlsplit(endpoint).netloc
        self.faults: dict[str, list[str]] = {}
        self.calls: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Forward(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        operation = self.headers["x-amz-target"].rpartition(".")[2]
        self.server.calls[operation] += 1
        planned = self.server.faults.get(operation)
        fault = planned.pop(0) if planned else "none"
        status, answer = 400, ERRORS["conflict" if fault == "conflict" else "refuse"]
        if fault not in ERRORS:
            upstream = http.client.HTTPConnection(self.server.engine)
            upstream.request("POST", self.path, body, dict(self.headers))
            response = upstream.getresponse()
            done = response.read()
            upstream.close()
            if fault == "none":
                status, answer = response.status, done
        if fault == "lose":
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def faulty(table: TableClient, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[Proxy, TableClient]]:
    """A proxy, and another client of the table that goes through it."""
    with Proxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        try:
            yield proxy, TableClient(table_name=table.name)
        finally:
            proxy.shutdown()
            thread.join()


def test_a_request_whose_answer_is_just_being_kept_is_409(table, endpoint, monkeypatch, post):
    with faulty(table, endpoint, monkeypatch) as (proxy, client):
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        proxy.faults["PutItem"] = ["conflict"]

        response = creating(client)(post(), Context())

    assert (response["statusCode"], response["headers"]["retry-after"]) == (409, "1")


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
def test_an_answer_of_the_database_that_is_lost_makes_no_second_item(operation, table, endpoint, monkeypatch, post):
    with faulty(table, endpoint, monkeypatch) as (proxy, client):
        proxy.faults[operation] = ["lose"]

        response = creating(client)(post(), Context())

        assert proxy.calls[operation] == 2
    assert response["statusCode"] == 201
    assert notes(table) == ["hello"]
    assert creating(table)(post(), Context())["body"] == response["body"]


def test_a_commit_whose_answer_says_it_failed_is_found_to_be_done(table, endpoint, monkeypatch, post):
    with faulty(table, endpoint, monkeypatch) as (proxy, client):
        proxy.faults["TransactWriteItems"] = ["do and refuse"]

        response = creating(client)(post(), Context())

    assert response["statusCode"] == 201
    assert notes(table) == ["hello"]
    assert creating(table)(post(), Context())["body"] == response["body"]


def test_a_commit_that_failed_is_an_error_and_the_client_may_try_again(table, endpoint, monkeypatch, post):
    with faulty(table, endpoint, monkeypatch) as (proxy, client):
        proxy.faults["TransactWriteItems"] = ["refuse"]

        assert creating(client)(post(), Context())["statusCode"] == 500
        assert (notes(table), records(table)) == ([], [])
        assert creating(client)(post(), Context())["statusCode"] == 201


class Weather(dict[str, list[str]]):
    """Something goes wrong with a quarter of all calls."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def get(self, _operation: str, _default: Any = None) -> list[str]:
        faults = ("lose", "refuse", "do and refuse")
        return [self._chance.choice(faults)] if self._chance.random() < 0.25 else []


@count("requests", test=240, soak=24_000)
def test_in_any_weather_a_key_makes_one_item_at_most_and_every_success_is_the_same(
    table, endpoint, monkeypatch, post, run
):
    keys = [str(number) for number in range(40)]
    sent = [json.dumps(post(key, key=key)) for key in keys for _ in range(6)]
    random.Random(run).shuffle(sent)
    with faulty(table, endpoint, monkeypatch) as (proxy, client):
        proxy.faults = Weather(seed=run)
        create = creating(client)
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda event: create(json.loads(event), Context()), sent))

    assert {answer["statusCode"] for answer in answers} <= {201, 409, 500, 503}
    successes = {answer["body"] for answer in answers if answer["statusCode"] == 201}
    made = [json.loads(body)["text"] for body in successes]
    assert len(set(made)) == len(made) > 20
    assert Counter(notes(table)).most_common(1)[0][1] == 1
    assert set(made) <= set(notes(table))
    for name in keys:
        assert creating(table)(post(name, key=name), Context())["statusCode"] in {201, 409}
    assert set(Counter(notes(table)).values()) == {1}


def test_an_answer_is_compressed_for_whoever_gets_it(table, post):
    create = creating(table)
    text = "long " * 500

    first = create(post(text, headers={"accept-encoding": "gzip"}), Context())
    again = create(post(text), Context())

    assert (first["headers"]["content-encoding"], first["headers"]["etag"]) == ("gzip", '"1-gzip"')
    assert "content-encoding" not in again["headers"]
    assert (again["headers"]["vary"], again["headers"]["etag"]) == ("accept-encoding", '"1"')
    assert json.loads(again["body"])["text"] == text


def test_an_answer_that_is_empty_or_binary_is_kept_as_it_is(table, post):
    @handler(idempotency=Idempotency(table))
    def nothing(body: NewNote) -> NoContent:
        return NoContent(headers={"x-seen": body.text})

    @handler(idempotency=Idempotency(table))
    def image() -> Response[bytes]:
        return Response(bytes(range(256)), content_type="image/png")

    for create, name in ((nothing, "1"), (image, "2")):
        first, again = create(post(key=name), Context()), create(post(key=name), Context())
        assert again["headers"].pop("idempotency-replayed") == "true"
        assert again == first


def test_an_answer_too_large_to_be_kept_is_an_error_that_writes_nothing(table, post, capsys):
    @handler(idempotency=Idempotency(table))
    def create(body: NewNote) -> Response[str]:
        table.create(Note(text=body.text))
        return Response("x" * (LARGEST + 1), content_type="text/plain")

    assert create(post(), Context())["statusCode"] == 500
    assert "Fix: return less" in capsys.readouterr().out
    assert (notes(table), records(table)) == ([], [])


def creating_two(table: TableClient, *, undone: bool = False) -> Handler[..., Any]:
    """POST /notes, which writes two or none, by a transaction of its own."""

    @handler(idempotency=Idempotency(table))
    def create(body: NewNote) -> Created[Note]:
        try:
            with table.transaction():
                note = table.create(Note(text=body.text))
                table.create(Note(id="second", text=f"{body.text} again"))
                if undone:
                    raise LookupError
        except LookupError:
            note = table.create(Note(id="third", text="in their place"))
        return Created(note)

    return create


@pytest.mark.parametrize("key", [UUID, None])
def test_a_handler_may_open_a_transaction_whether_or_not_there_is_a_key(table, post, key):
    create = creating_two(table)

    assert create(post(key=key), Context())["statusCode"] == 201
    assert sorted(notes(table)) == ["hello", "hello again"]

    assert create(post("more", key=None if key is None else "another"), Context())["statusCode"] == 409
    assert sorted(notes(table)) == ["hello", "hello again"]


@pytest.mark.parametrize("key", [UUID, None])
def test_what_a_handlers_own_transaction_abandons_is_not_written_with_the_rest(table, post, key):
    create = creating_two(table, undone=True)

    first = create(post(key=key), Context())

    assert first["statusCode"] == 201
    assert notes(table) == ["in their place"]


def test_an_async_handler_takes_part_in_the_transaction(table, post):
    @handler(idempotency=Idempotency(table))
    async def create(body: NewNote) -> Created[Note]:
        return Created(table.create(Note(text=body.text)))

    first, again = create(post(), Context()), create(post(), Context())

    assert again["body"] == first["body"]
    assert notes(table) == ["hello"]


def test_a_handler_tells_that_it_takes_keys(table):
    create = creating(table, required=True)

    assert create.idempotency is not None
    assert create.idempotency.required
    assert create.__name__ == "create"


def test_its_grant_is_for_the_records_alone():
    (access,) = grants.allow.idempotency_records().accesses

    assert (access.partition_key, access.index) == (PARTITION_KEY, None)
    assert set(access.calls) == {"PutItem", "DeleteItem"}


def test_handlers_without_it_do_not_load_the_table():
    code = "import sys, taxiway.http; sys.exit('taxiway.data' in sys.modules or 'hashlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_answer_of_bytes_is_as_large_as_they_are(table, post):
    picture = bytes(LARGEST)

    @handler(idempotency=Idempotency(table))
    def image() -> Response[bytes]:
        return Response(picture, content_type="image/png")

    first, again = (image(post(), Context()) for _ in range(2))
    assert (first["statusCode"], again["headers"]["idempotency-replayed"]) == (200, "true")
    assert first["body"] == again["body"]


class Sequence(Entity):
    id: str
    last: int = 0

    @key(pk="COUNTER#{id}", sk="COUNTER")
    def by_id(self, id: str) -> None: ...


class Ticket(Entity):
    number: int

    @key(pk="TICKET#{number:04}", sk="TICKET")
    def by_number(self, number: int) -> None: ...


@pytest.mark.parametrize("has_key", [True, False])
def test_many_keys_at_once_number_their_items_by_one_counter(table, post, has_key):
    """With a key the handler runs again by itself; a handler of one's own does so by `transact`."""

    def number() -> Ticket:
        last = table.update(Sequence.by_id("tickets"), {"last": add(1)}).last
        return table.create(Ticket(number=last))

    @handler(idempotency=Idempotency(table))
    def take() -> Ticket:
        return number() if has_key else table.transact(number)

    table.create(Sequence(id="tickets"))
    with ThreadPoolExecutor(32) as threads:
        answers = list(
            threads.map(lambda n: take(post(str(n), key=f"key-{n}" if has_key else None), Context()), range(64))
        )
    assert [answer["statusCode"] for answer in answers] == [200] * 64
    assert sorted(json.loads(answer["body"])["number"] for answer in answers) == list(range(1, 65))
    assert table.get(Sequence.by_id("tickets"), consistent=True).last == 64
