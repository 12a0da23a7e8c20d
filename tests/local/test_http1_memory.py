"""The memory of what clients sent and gave up is given back."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from tests.counts import count

from .workers import PATIENCE

ROUNDS = 3
CONNECTIONS = 25
SENT = 9_000_000  # bytes of 10,000,000
LEFT = 50_000_000  # bytes

SERVER = """
import asyncio, sys, uvloop
from taxiway.local.http1 import HttpServer, Request, Response

async def answer(request: Request) -> Response:
    return Response(status=200, body=b"%d" % len(request.body))

async def main() -> None:
    print(await HttpServer(answer, max_body=10_000_000).start(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

uvloop.run(main())
"""


@pytest.fixture
def server() -> Iterator[tuple[psutil.Process, int]]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield psutil.Process(process.pid), int(process.stdout.readline())
        process.communicate(timeout=PATIENCE)


@count("uploads", test=ROUNDS * CONNECTIONS, soak=1_500)
@pytest.mark.parametrize("head", [b"Content-Length: 10000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n989680\r\n"])
def test_aborted_uploads_leave_nothing_behind(server: tuple[psutil.Process, int], head: bytes) -> None:
    process, port = server
    upload = b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"x" * SENT
    before = resident(process, port)
    for _ in range(ROUNDS):
        clients = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(CONNECTIONS)]
        for client in clients:
            client.sendall(upload)
        for client in clients:
            client.close()
    give_up = time.monotonic() + PATIENCE
    while resident(process, port) > before + LEFT:
        assert time.monotonic() < give_up, f"{(resident(process, port) - before) / 1e6:.0f} MB are not given back"
        time.sleep(0.05)


def resident(process: psutil.Process, port: int) -> int:
    """Bytes, once the server has answered, and so has seen what was sent before."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    return process.memory_info().rss
