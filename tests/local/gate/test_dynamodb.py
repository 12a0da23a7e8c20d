"""DynamoDB behind the gate: a real engine with boto3 as client, and another endpoint that checks signatures."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from zlib import crc32

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.local.gate.gating import PATIENCE, Gating, client
from tests.sdk.server import Server, answer, cut, raw

from taxiway.local import dynamodb
from taxiway.local.gate.dynamodb import DynamoDB
from taxiway.sdk.signing import Credentials, Scope

TABLE = {
    "TableName": "items",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


@contextmanager
def engine(binary: Path) -> Iterator[dynamodb.Engine]:
    """An engine at a hidden address, supervised by a loop in a thread."""
    made = dynamodb.Engine(binary, None, note=print, host=dynamodb.hidden_host())
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def run(stop: asyncio.Event) -> None:
        await made.start()
        started.set()
        await stop.wait()
        await made.close()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run(stop)))
    thread.start()
    assert started.wait(PATIENCE)
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE)
    loop.close()


def test_boto3_reads_and_writes_items_and_streams(dynoxide: Path) -> None:
    with engine(dynoxide) as running, Gating({"dynamodb": DynamoDB(running.endpoint)}) as gating:
        credentials = gating.admit().credentials
        api = client("dynamodb", gating.url, credentials)
        api.create_table(**TABLE)
        item = {"pk": {"S": "ä"}, "n": {"N": "1.10"}, "b": {"B": b"\x00\xff" * 100_000}}
        api.put_item(TableName="items", Item=item)
        got = api.get_item(TableName="items", Key={"pk": {"S": "ä"}})["Item"]
        assert got == item | {"n": {"N": "1.1"}}
        with pytest.raises(ClientError) as caught:
            api.put_item(TableName="items", Item=item, ConditionExpression="attribute_not_exists(pk)")
        assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
        streams = client("dynamodbstreams", gating.url, credentials).list_streams(TableName="items")["Streams"]
        assert [each["TableName"] for each in streams] == ["items"]


def test_answers_come_as_the_engine_gives_them_with_their_checksum(dynoxide: Path) -> None:
    with engine(dynoxide) as running, Gating({"dynamodb": DynamoDB(running.endpoint)}) as gating:
        status, headers, body = gating.request(gating.signed(gating.admit().credentials))
        assert (status, json.loads(body)) == (200, {"TableNames": []})
        assert headers["x-amz-crc32"] == str(crc32(body))
        assert headers["x-amzn-requestid"]
        assert headers["content-type"] == "application/x-amz-json-1.0"


@pytest.mark.skipif(not Path("/proc/net").exists(), reason="only Linux has all of 127.0.0.0/8")
def test_the_engine_is_not_on_the_address_that_pages_try(dynoxide: Path) -> None:
    with engine(dynoxide) as running:
        host, port = running.endpoint.removeprefix("http://").split(":")
        assert host.startswith("127.")
        for tried in ("127.0.0.1", "::1", "0.0.0.0"):  # noqa: S104  a page may try it: it means this machine
            family = socket.AF_INET6 if ":" in tried else socket.AF_INET
            with socket.socket(family) as probe:
                assert probe.connect_ex((tried, int(port))) != 0
        listening = [each.laddr for each in psutil.Process(running.pid).net_connections() if each.status == "LISTEN"]
        assert [each.ip for each in listening] == [host]


def test_two_engines_have_two_addresses() -> None:
    drawn = {dynamodb.hidden_host() for _ in range(20)}
    assert len(drawn) > 1 or drawn == {"127.0.0.1"}


def test_an_engine_that_is_restarted_is_waited_for(dynoxide: Path) -> None:
    with engine(dynoxide) as running, Gating({"dynamodb": DynamoDB(running.endpoint)}) as gating:
        credentials = gating.admit().credentials
        for _ in range(3):
            assert gating.request(gating.signed(credentials))[0] == 200
            pid = running.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            deadline = monotonic() + PATIENCE
            while running.pid == pid:
                assert monotonic() < deadline
                sleep(0.002)
            status, _, body = gating.request(gating.signed(credentials))
            # Only a connection that the gate had not yet seen closed may fail, and then the client tries again.
            assert status == 200 or (status == 500 and b"InternalServerError" in body)
            assert gating.request(gating.signed(credentials))[0] == 200
            while running.pid is None:
                assert monotonic() < deadline
                sleep(0.002)


def test_where_no_answer_comes_after_sending_the_client_is_told_that_it_may_have_run() -> None:
    with Server(cut) as server, Gating({"dynamodb": DynamoDB(server.url)}) as gating:
        status, _, body = gating.request(gating.signed(gating.admit().credentials))
        assert status == 500
        assert json.loads(body)["__type"].endswith("#InternalServerError")
        assert len(server.requests) == 1  # a write is not repeated behind the client's back


@pytest.mark.parametrize("bytes_", [b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"])
def test_an_answer_that_is_not_whole_is_an_error(bytes_: bytes) -> None:
    with Server(raw(bytes_, close=True)) as server, Gating({"dynamodb": DynamoDB(server.url)}) as gating:
        assert gating.request(gating.signed(gating.admit().credentials))[0] == 500


def test_connections_are_kept_and_a_closed_one_is_not_used_again() -> None:
    with Server() as server, Gating({"dynamodb": DynamoDB(server.url)}) as gating:
        credentials = gating.admit().credentials
        for _ in range(5):
            assert gating.request(gating.signed(credentials))[0] == 200
        assert server.connections == 1
        server.end_connections()
        for _ in range(5):
            gating.request(gating.signed(credentials))
        assert server.connections == 2


def test_no_header_of_the_server_lets_a_page_in() -> None:
    allowing = answer({}, 200, access_control_allow_origin="*", server="x")
    with Server(allowing) as server, Gating({"dynamodb": DynamoDB(server.url)}) as gating:
        status, headers, _ = gating.request(gating.signed(gating.admit().credentials))
        assert status == 200
        assert not {"access-control-allow-origin", "server"} & headers.keys()


def test_another_endpoint_is_called_with_the_persons_own_credentials() -> None:
    own = Credentials("AKIAOWN", "the-secret", "the-token")
    with Server() as server, Gating({"dynamodb": DynamoDB(server.url, own)}) as gating:
        caller = gating.admit()
        assert gating.request(gating.signed(caller.credentials))[0] == 200
    (request,) = server.requests
    expected = Scope("dynamodb", "eu-west-1").sign(
        "POST",
        request.headers["host"],
        "/",
        credentials=own,
        headers=[("content-type", request.headers["content-type"]), ("x-amz-target", request.headers["x-amz-target"])],
        body=request.body,
        at=_epoch(request.headers["x-amz-date"]),
    )
    assert request.headers["authorization"] == expected["authorization"]
    assert request.headers["x-amz-security-token"] == "the-token"
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert caller.credentials.access_key not in str(request.headers)


def _epoch(date: str) -> float:
    from datetime import UTC, datetime

    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
