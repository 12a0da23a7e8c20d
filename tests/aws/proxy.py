"""What stands between a command and MiniStack: it says which calls were made, and can answer, or hold, some of them."""

import http.client
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Proxy(ThreadingHTTPServer):
    """`calls` are as IAM names them, `cloudformation:DescribeStacks`; of S3 and Lambda, `s3:PUT`."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.backend = urlsplit(endpoint).netloc
        self.calls: list[str] = []
        self._errors: dict[str, list[str | None]] = {}
        self._held: dict[str, tuple[threading.Event, threading.Event]] = {}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, call: str, code: str, *, after: int = 0, times: int = 1) -> None:
        """Answer a call with an error of AWS's, so many times, once it was let through `after` times."""
        self._errors[call] = [*[None] * after, *[code] * times]

    def hold(self, call: str) -> threading.Event:
        """Keep a call waiting until it is let through; the event is set when it comes."""
        came = threading.Event()
        self._held[call] = came, threading.Event()
        return came

    def let(self, call: str) -> None:
        """Let what is held through, and what comes after it."""
        _, go = self._held.pop(call)
        go.set()

    def error(self, call: str) -> str | None:
        """The error to answer a call with, or None, once it is let through."""
        if held := self._held.get(call):
            came, go = held
            came.set()
            go.wait(120)
        errors = self._errors.get(call)
        return errors.pop(0) if errors else None

    def release(self) -> None:
        for call in list(self._held):
            self.let(call)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        call = self._call(body)
        self.server.calls.append(call)
        if code := self.server.error(call):
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
            said = f"<ErrorResponse><Error><Code>{code}</Code><Message>It was said so</Message></Error></ErrorResponse>"
            self._answer(400, [("content-type", "text/xml")], said.encode())
            return
        connection = http.client.HTTPConnection(self.server.backend, timeout=120)
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = connection.getresponse()
            self._answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(body)))
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _call(self, body: bytes) -> str:
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/(\w+)/", self.headers.get("authorization", ""))
        action = self.headers.get("x-amz-target", "").rpartition(".")[2]
        if not action and b"Action=" in body:
            action = parse_qs(body.decode())["Action"][0]
        return f"{scope[1] if scope else '?'}:{action or self.command}"

    def log_message(self, *_: object) -> None:
        pass

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = _forward  # noqa: N815  the names that http.server calls


@contextmanager
def before(endpoint: str) -> Generator[Proxy]:
    """A proxy before an endpoint, while the block runs."""
    with Proxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.release()
            proxy.shutdown()
            thread.join()
