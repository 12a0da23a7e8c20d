"""Calls over real sockets: what is tried again, and what is told of attempts that may have been carried out."""

import json
import socket
import threading
import time

import pytest
from tests.sdk.server import Server, answer, cut, failure, raw, stall

from taxiway.sdk import (
    CredentialsUnavailable,
    DeadlineExceeded,
    InvalidAnswer,
    InvalidValue,
    NoAnswer,
    NotConfigured,
    ServiceError,
)
from taxiway.sdk.client import Client
from taxiway.sdk.dynamodb.errors import (
    ConditionalCheckFailed,
    DynamoDBError,
    TransactionCanceled,
    TransactionInProgress,
)
from taxiway.sdk.dynamodb.service import SERVICE
from taxiway.sdk.retries import CAPACITY

OK = answer({"ok": 1})
HALF = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", close=True)
WRONG_SUM = answer({"ok": 1}, x_amz_crc32="1")


@pytest.fixture(autouse=True)
def no_chance(monkeypatch):
    """Pauses have their shortest length: what is random is tested where it is made."""
    monkeypatch.setattr("taxiway.sdk.retries.chance", lambda: 0.0)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_answer_is_its_bytes(client_of):
    with Server(OK) as server:
        answered = client_of(server.url).call("GetItem", b'{"TableName":"t"}')

    assert json.loads(answered.body) == {"ok": 1}
    assert (answered.attempts, answered.may_have_run) == (1, False)
    (request,) = server.requests
    assert request.start == "POST / HTTP/1.1"
    assert request.operation == "GetItem"
    assert request.body == b'{"TableName":"t"}'
    assert "accept-encoding" not in request.headers


@pytest.mark.parametrize(
    ("trouble", "may_have_run"),
    [
        (failure("InternalServerError", "m", 500), True),
        (failure("", "m", 503), True),
        (cut, True),
        (HALF, True),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), True),
        (WRONG_SUM, True),
        (answer({"__type": "x#ValidationException"}, 400, x_amz_crc32="1"), False),
        (failure("ProvisionedThroughputExceededException"), False),
        (failure("ThrottlingException"), False),
        (failure("TransactionConflictException"), False),
        (answer({"message": "slow down"}, 429), False),
    ],
)
def test_a_retry_tells_whether_the_attempt_before_may_have_been_carried_out(client_of, trouble, may_have_run):
    with Server(trouble, OK) as server:
        answered = client_of(server.url).call("PutItem", b"{}")

    assert (answered.attempts, answered.may_have_run) == (2, may_have_run)


def test_a_refusal_after_a_lost_answer_tells_that_the_lost_one_may_have_been_carried_out(client_of):
    with (
        Server(cut, failure("ConditionalCheckFailedException")) as server,
        pytest.raises(ConditionalCheckFailed) as raised,
    ):
        client_of(server.url).call("PutItem", b"{}")

    assert (raised.value.attempts, raised.value.may_have_run) == (2, True)


def test_a_refusal_is_not_tried_again_and_was_not_carried_out(client_of):
    with (
        Server(failure("ConditionalCheckFailedException")) as server,
        pytest.raises(ConditionalCheckFailed, match="ConditionalCheckFailedException: m") as raised,
    ):
        client_of(server.url).call("PutItem", b"{}")

    assert (raised.value.attempts, raised.value.may_have_run) == (1, False)
    assert len(server.requests) == 1


def test_a_read_time_out_may_have_been_carried_out(client_of):
    with Server(stall, stall) as server, pytest.raises(NoAnswer, match="timed out") as raised:
        client_of(server.url, read_timeout=0.05, max_attempts=2).call("PutItem", b"{}")

    assert (raised.value.attempts, raised.value.may_have_run) == (2, True)


def test_a_connection_that_fails_was_not_carried_out(client_of):
    with pytest.raises(NoAnswer, match=r"cannot connect to 127\.0\.0\.1:") as raised:
        client_of(f"http://127.0.0.1:{closed_port()}").call("PutItem", b"{}")

    assert (raised.value.attempts, raised.value.may_have_run) == (4, False)


def test_a_connection_that_takes_too_long_was_not_carried_out(client_of):
    with socket.socket() as full:  # its queue holds one connection, so the next gets no answer
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            client = client_of(f"http://127.0.0.1:{address[1]}", connect_timeout=0.1, max_attempts=1)
            with pytest.raises(NoAnswer, match="timed out") as raised:
                client.call("PutItem", b"{}")

    assert not raised.value.may_have_run


def test_a_retry_sends_the_same_bytes(client_of):
    with Server(cut, failure("ThrottlingException"), OK) as server:
        client_of(server.url).call("TransactWriteItems", b'{"ClientRequestToken": "a"}')

    assert {request.body for request in server.requests} == {b'{"ClientRequestToken": "a"}'}


@pytest.mark.parametrize(("setting", "attempts"), [(None, 4), ("2", 2), ("1", 1)])
def test_attempts_are_those_of_the_environment(client_of, monkeypatch, setting, attempts):
    if setting:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", setting)
    with Server(*[cut] * 9) as server, pytest.raises(NoAnswer) as raised:
        client_of(server.url).call("PutItem", b"{}")

    assert raised.value.attempts == attempts == len(server.requests)


def test_attempts_that_are_no_number_are_refused(client_of, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "many")
    with pytest.raises(NotConfigured, match="Invalid AWS_MAX_ATTEMPTS 'many'"):
        client_of("http://127.0.0.1:1").call("PutItem", b"{}")


def test_a_client_out_of_tokens_does_not_try_again(client_of):
    with Server() as server:
        server.default = cut
        client = client_of(server.url)
        failed = [client_error(client) for _ in range(CAPACITY // (14 * 3) + 2)]
        assert failed[0].attempts == 4
        assert failed[-1].attempts == 1
        server.default = OK
        client.call("GetItem", b"{}")


def client_error(client) -> NoAnswer:
    with pytest.raises(NoAnswer) as raised:
        client.call("GetItem", b"{}")
    return raised.value


def test_the_deadline_ends_a_call_that_waits(client_of):
    with Server(stall) as server:
        client = client_of(server.url)
        client.deadline = time.monotonic() + 0.1
        with pytest.raises(DeadlineExceeded) as raised:
            client.call("PutItem", b"{}")

    assert raised.value.may_have_run
    assert len(server.requests) == 1


def test_a_timeout_holds_for_the_whole_call(client_of):
    def trickle(made):
        made.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        for _ in range(100):
            made.sendall(b"x")
            time.sleep(0.02)
        return True

    with Server(trickle) as server:
        client = client_of(server.url)
        with pytest.raises(DeadlineExceeded):
            client.call("GetItem", b"{}", timeout=0.1)
        server.end_connections()


def test_a_deadline_that_has_passed_sends_nothing(client_of):
    with Server() as server:
        client = client_of(server.url)
        client.deadline = time.monotonic() - 1
        with pytest.raises(DeadlineExceeded, match="no time is left") as raised:
            client.call("PutItem", b"{}")

    assert not raised.value.may_have_run
    assert server.requests == []


def test_no_retry_is_waited_for_beyond_the_deadline(client_of, monkeypatch):
    monkeypatch.setattr("taxiway.sdk.retries.chance", lambda: 0.99)
    with Server(failure("ThrottlingException")) as server, pytest.raises(ServiceError) as raised:
        client_of(server.url).call("PutItem", b"{}", timeout=0.5)

    assert raised.value.code == "ThrottlingException"
    assert raised.value.attempts == 1


def date_of(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "AccessDeniedException"])
def test_a_clock_that_differs_is_made_up_for(client_of, code):
    theirs = time.time() + 3600
    with Server(failure(code, "m", 400, date=date_of(theirs)), OK, OK) as server:
        client = client_of(server.url)
        answered = client.call("GetItem", b"{}")
        client.call("GetItem", b"{}")

    assert (answered.attempts, answered.may_have_run) == (2, False)
    _, *adjusted = [request.headers["x-amz-date"] for request in server.requests]
    assert len(adjusted) == 2
    for signed in adjusted:
        assert signed[:11] == time.strftime("%Y%m%dT%H", time.gmtime(theirs))[:11]


def test_calls_at_the_same_time_set_the_clock_once(client_of):
    refusal = failure("InvalidSignatureException", "m", 403, date=date_of(time.time() + 3600))
    together = threading.Barrier(4)

    def refuse(made):
        together.wait(20)
        return refusal(made)

    with Server(*[refuse] * 4) as server:
        client = client_of(server.url)
        threads = [threading.Thread(target=client.call, args=("GetItem", b"{}")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.call("GetItem", b"{}")

    assert len(server.requests) == 9
    assert len({request.headers["x-amz-date"][:11] for request in server.requests[4:]}) <= 2  # of one clock


@pytest.mark.parametrize("seconds", [0, 200, -200])
def test_a_clock_that_is_near_enough_is_not_the_reason(client_of, seconds):
    with (
        Server(failure("AccessDeniedException", "m", 400, date=date_of(time.time() + seconds))) as server,
        pytest.raises(DynamoDBError),
    ):
        client_of(server.url).call("GetItem", b"{}")

    assert len(server.requests) == 1


def test_a_clock_that_is_right_by_now_is_not_set_again(client_of):
    refusal = failure("InvalidSignatureException", "m", 403, date=date_of(time.time() + 3600))
    with Server(refusal, refusal) as server, pytest.raises(DynamoDBError):
        client_of(server.url).call("GetItem", b"{}")

    assert len(server.requests) == 2


def cancelled(*codes):
    return answer(
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "cancelled",
            "CancellationReasons": [{"Code": code} for code in codes],
        },
        400,
    )


@pytest.mark.parametrize(
    ("codes", "again"),
    [
        (("None", "TransactionConflict"), True),
        (("ThrottlingError",), True),
        (("ProvisionedThroughputExceeded", "None"), True),
        (("TransactionConflict", "ConditionalCheckFailed"), False),
        (("ConditionalCheckFailed",), False),
        (("ValidationError", "None"), False),
        (("None",), False),
        ((), False),
    ],
)
def test_a_transaction_that_met_other_writers_is_tried_again(client_of, codes, again):
    with Server(cancelled(*codes), OK) as server:
        client = client_of(server.url)
        if again:
            assert client.call("TransactWriteItems", b"{}").attempts == 2
        else:
            with pytest.raises(TransactionCanceled) as raised:
                client.call("TransactWriteItems", b"{}")
            assert [reason.code for reason in raised.value.reasons] == list(codes)


def test_a_transaction_that_is_still_running_is_asked_for_after_five_seconds(client_of, monkeypatch):
    slept = []
    monkeypatch.setattr("taxiway.sdk.attempts.time.sleep", slept.append)
    with Server(*[failure("TransactionInProgressException")] * 4) as server, pytest.raises(TransactionInProgress):
        client_of(server.url).call("TransactWriteItems", b"{}")

    assert len(slept) == 3
    assert slept[-1] > 5


def test_what_is_not_json_is_an_error_all_the_same(client_of):
    with Server(answer(b"<html>", 400)) as server, pytest.raises(DynamoDBError, match="HTTP 400") as raised:
        client_of(server.url).call("GetItem", b"{}")

    assert (raised.value.code, raised.value.status, raised.value.body) == ("", 400, b"<html>")


def test_the_code_may_come_in_a_header(client_of):
    step = answer(b"", 400, x_amzn_errortype="UnrecognizedClientException:http://internal/", x_amzn_requestid="R1")
    with Server(step) as server, pytest.raises(DynamoDBError) as raised:
        client_of(server.url).call("GetItem", b"{}")

    assert (raised.value.code, raised.value.request_id) == ("UnrecognizedClientException", "R1")


@pytest.mark.parametrize(
    ("missing", "error", "told"),
    [
        ("AWS_REGION", NotConfigured, "Fix: export AWS_REGION="),
        ("AWS_ACCESS_KEY_ID", CredentialsUnavailable, "Fix: export AWS_ACCESS_KEY_ID="),
    ],
)
def test_what_the_environment_lacks_is_told(monkeypatch, missing, error, told):
    for name in {"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} - {missing}:
        monkeypatch.setenv(name, "eu-west-1")
    with pytest.raises(error, match=told):
        Client(SERVICE).call("GetItem", b"{}")


def test_a_hook_is_told_of_each_call(client_of):
    calls = []
    with Server(cut, OK, failure("ValidationException")) as server:
        client = client_of(server.url)
        client.hook = calls.append
        client.call("PutItem", b"{}")
        with pytest.raises(DynamoDBError):
            client.call("GetItem", b"[]")

    first, second = calls
    assert (first.operation, first.attempts, first.may_have_run, first.error) == ("PutItem", 2, True, None)
    assert first.answer == b'{"ok": 1}'
    assert first.duration > 0
    assert (second.operation, second.request, second.answer, second.attempts) == ("GetItem", b"[]", None, 1)
    assert isinstance(second.error, DynamoDBError)


def test_threads_share_a_client(client_of):
    with Server() as server:
        client = client_of(server.url)
        gate = threading.Barrier(8)

        def work():
            gate.wait()
            for _ in range(50):
                client.call("GetItem", b"{}")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(server.requests) == 400
        assert server.connections <= 8
        client.close()


def test_a_snapshot_holds_no_connection(client_of, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    runtime = pytest.importorskip("snapshot_restore_py")
    monkeypatch.setattr(runtime, "_before_snapshot_registry", [])
    with Server() as server:
        client = client_of(server.url)
        client.call("GetItem", b"{}")
        for function, arguments, named in runtime.get_before_snapshot():
            function(*arguments, **named)
        client.call("GetItem", b"{}")

    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize(
    ("error", "may_have_run"),
    [(NotConfigured("x"), False), (InvalidValue("x"), False), (InvalidAnswer("x"), True)],
)
def test_errors_beside_a_call_say_whether_it_may_have_been_carried_out(error, may_have_run):
    assert error.may_have_run is may_have_run


def test_credentials_that_run_out_between_attempts_do_not_hide_what_may_have_run(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr("taxiway.sdk.credentials.PAUSE", 0.0)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    expiring = answer({"AccessKeyId": "AKID", "SecretAccessKey": "s", "Token": "t", "Expiration": soon})
    with Server(expiring) as container, Server(cut) as server:
        container.default = answer({}, 500)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url)
        with pytest.raises(NoAnswer) as raised:
            Client(SERVICE, endpoint=server.url).call("PutItem", b"{}")

    assert (raised.value.attempts, raised.value.may_have_run) == (1, True)
    assert "credentials" in raised.value.__notes__[0]
