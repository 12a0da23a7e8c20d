"""A server of sockets for these tests: it answers each request as the next step of its script says."""

import json
import socket
import ssl
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from zlib import crc32

Step = Callable[[socket.socket], bool]
"""Answers one request; False closes the connection."""


class Request(NamedTuple):
    connection: int
    """The number of the connection that it came on, from 1."""
    start: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]


class Server:
    """Serves on a free port of `host` while it is entered. Without a script's step, an empty object is the answer."""

    def __init__(self, *steps: Step, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.script = deque(steps)
        self.default = answer({})
        self.requests: list[Request] = []
        self.stop = threading.Event()
        self._context = context
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._host = f"[{host}]" if ":" in host else host
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._connections = 0

    @property
    def connections(self) -> int:
        return self._connections

    @property
    def url(self) -> str:
        name = "localhost" if self._context else self._host
        return f"{'https' if self._context else 'http'}://{name}:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.end_connections()
        for thread in list(self._threads):
            thread.join(20)
            assert not thread.is_alive()

    def end_connections(self) -> None:
        """Close every connection, as a service does with those that were idle."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            self._open.append(accepted)
            thread = threading.Thread(target=self._serve, args=(accepted, self._connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        made = plain
        with suppress(OSError):
            if self._context is not None:
                made = self._context.wrap_socket(plain, server_side=True)
                self._open.append(made)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _read(made, number)) is not None:
                self.requests.append(request)
                step = self.script.popleft() if self.script else self.default
                if not step(made):
                    break
        made.close()
        plain.close()


def _read(made: socket.socket, number: int) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = made.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    while len(body) < int(headers.get("content-length", "0")):
        body += made.recv(65536)
    return Request(number, start, headers, body)


def answer(body: Any, status: int = 200, /, **headers: str) -> Step:
    """A whole answer of JSON, or of bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-length": str(len(content)), "x-amz-crc32": str(crc32(content))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return raw(head.encode() + b"\r\n" + content)


def failure(code: str, message: str = "m", status: int = 400, /, **headers: str) -> Step:
    return answer({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, status, **headers)


def raw(*parts: bytes, close: bool = False) -> Step:
    """Bytes as they are, each part sent by itself."""

    def step(made: socket.socket) -> bool:
        for part in parts:
            made.sendall(part)
        return not close

    return step


def cut(made: socket.socket) -> bool:
    """Ends the connection in place of an answer."""
    made.shutdown(socket.SHUT_RDWR)
    return False


def stall(made: socket.socket) -> bool:
    """Says nothing until the client ends the connection."""
    with suppress(OSError):
        made.recv(1)
    return False


def make_certificate(directory: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for names and addresses that signs itself, and a server's context with it."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subject = ",".join(f"IP:{name}" if name[0].isdigit() else f"DNS:{name}" for name in names)
    made_by = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    parts = ["-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=test"]
    subprocess.run([*made_by, *parts, "-addext", f"subjectAltName={subject}"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context
