"""The runtime of one environment: takes events from the Lambda Runtime API, runs the handler, posts what it answers.

It does what AWS's `awslambdaric` does, in its words, and imports little: what it imports is the cold start.
It runs as a script, by its path; `taxiway.local.inline` runs handlers with the same functions.
"""

from __future__ import annotations

import _socket  # what `socket` is built on, without the enums and selectors that importing that one brings
import json
import os
import stat
import sys
import time
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    PathFinder,
    SourceFileLoader,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from logging import LogRecord
    from types import ModuleType
    from typing import Any, NoReturn, TypeAlias

    Handler: TypeAlias = Callable[[Any, "Context"], Any]

_API = "/2018-06-01/runtime"
_HERE = os.path.dirname(__file__) + os.sep  # noqa: PTH120  pathlib would cost every cold start 5 ms
_DECIMAL = os.urandom(12).hex()


class RuntimeFault(Exception):  # noqa: N818  Lambda's own word for it
    """What the runtime itself finds wrong: a handler that can't be imported, an answer that is not JSON."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = f"Runtime.{kind}"


class Context:
    """What a handler gets as its second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html. An HTTP API sends neither a client context nor a
    Cognito identity, so those are there and empty. `deadline` is in milliseconds since 1970.
    """

    client_context = None
    tenant_id = None

    def __init__(self, request_id: str, arn: str, deadline: int, environment: Mapping[str, str]) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = CognitoIdentity()
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class CognitoIdentity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


def read_sources_anew(project: str) -> None:
    """Import the project's modules from their source, always.

    Python takes a .pyc for current where the source's size and the second of its change are the same, so an edit that
    follows another at once could be missed. Installed packages keep using theirs.
    """

    def finder(path: str) -> FileFinder:
        if not (path + os.sep).startswith(project + os.sep) or "site-packages" in path:
            raise ImportError
        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceOnly, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()


class _SourceOnly(SourceFileLoader):
    def path_stats(self, path: str) -> NoReturn:
        raise OSError(f"{path} has no cached bytecode")


def load(path: str) -> Handler:
    """The handler at `module.name`. Raises RuntimeFault where there is none, and what importing its module raises."""
    module, dot, name = path.rpartition(".")
    if not dot:
        raise RuntimeFault("MalformedHandlerName", f"Bad handler '{path}': write it as module.name")
    try:
        __import__(module)
    except ImportError as error:
        raise RuntimeFault("ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        raise RuntimeFault("UserCodeSyntaxError", f"Syntax error in module '{module}': {error}") from error
    try:
        return getattr(sys.modules[module], name)
    except AttributeError:
        raise RuntimeFault("HandlerNotFound", f"Handler '{name}' missing on module '{module}'") from None


def run(handler: Handler, event: bytes, context: Context) -> tuple[bytes, dict[str, Any] | None]:
    """Answer one event: the answer as JSON, or what went wrong, which is then printed as well."""
    try:
        try:
            value = json.loads(event)
        except Exception as error:
            raise RuntimeFault("UnmarshalError", f"Unable to unmarshal input: {error}") from error
        return encode(handler(value, context)), None
    except Exception as error:  # a handler may raise anything; it fails its own invocation and no other
        return b"", report(error, context.aws_request_id)


def encode(answer: object) -> bytes:
    """An answer as Lambda encodes it (`lambda_runtime_marshaller` of awslambdaric, which has simplejson encode).

    Bytes as the whole answer stay as they are, and within it they are text; a Decimal becomes a number with all of its
    digits, and a named tuple an object. Raises RuntimeFault where the answer can't be encoded.
    """
    if isinstance(answer, bytes):
        return answer
    decimals: list[str] = []

    def default(value: Any) -> object:
        decimal = sys.modules.get("decimal")
        if decimal is None or not isinstance(value, decimal.Decimal):
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
        if value.is_nan():
            return float("nan")
        decimals.append(str(value))
        return f"{_DECIMAL}{len(decimals) - 1}"

    try:
        text = json.dumps(_plain(answer), ensure_ascii=sys.version_info < (3, 12), default=default)
        if decimals:
            import re

            text = re.sub(f'"{_DECIMAL}([0-9]+)"', lambda match: decimals[int(match[1])], text)
        return text.encode()
    except Exception as error:  # json calls methods of the answer's own types
        raise RuntimeFault("MarshalError", f"Unable to marshal response: {error}") from error


def _plain(value: Any) -> Any:
    """A value with its bytes as text and its named tuples as dicts."""
    kind: type[object] = value.__class__
    if issubclass(kind, dict):
        return {key.decode() if isinstance(key, bytes) else key: _plain(item) for key, item in value.items()}
    if issubclass(kind, list):
        return [_plain(item) for item in value]
    if callable(named := getattr(value, "_asdict", None)):
        return _plain(named())
    if issubclass(kind, tuple):
        return [_plain(item) for item in value]
    return value.decode() if issubclass(kind, bytes) else value


def report(error: Exception, request_id: str) -> dict[str, Any]:
    """Print an exception as Lambda logs it, and return what the Runtime API gets of it."""
    import traceback  # 10 ms that only an error pays

    kind = error.kind if isinstance(error, RuntimeFault) else type(error).__name__
    try:
        message = str(error)
    except Exception:  # its __str__ is the user's
        message = "<exception str() failed>"
    cause = error.__cause__ if isinstance(error, RuntimeFault) else error
    stack: Sequence[str] = ()
    printed = f"[ERROR] {kind}: {message}\n"
    if cause is not None:
        frames = cause.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_HERE):
            frames = frames.tb_next
        shown = traceback.TracebackException.from_exception(cause.with_traceback(frames))
        stack = shown.stack.format()
        printed += "".join(shown.format()).removesuffix("".join(shown.format_exception_only()))
    try:  # noqa: SIM105  contextlib is one more import
        sys.stderr.write(printed)
    except (OSError, ValueError):  # the handler has closed it
        pass
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}


class _Connection:
    """A connection to the Runtime API: HTTP/1.1, kept alive, with bodies of a known length."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._host = address
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._socket.connect((host, int(port)))
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._read = bytearray()

    def request(self, method: str, path: str, body: bytes = b"", *, error_type: str = "") -> bytes:
        """The bytes of a request."""
        lines = [f"{method} {_API}{path} HTTP/1.1", f"Host: {self._host}"]
        if method == "POST":
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        if error_type:
            lines.append(f"Lambda-Runtime-Function-Error-Type: {error_type}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body of the next answer. Raises EOFError where none comes."""
        end = self._read.find(b"\r\n\r\n")
        while end < 0:
            self._more()
            end = self._read.find(b"\r\n\r\n")
        status, *lines = self._read[:end].decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        start = end + 4
        stop = start + int(headers.get("content-length", "0"))
        while len(self._read) < stop:
            self._more()
        body = bytes(self._read[start:stop])
        del self._read[:stop]
        return int(status.split(" ")[1]), headers, body

    def _more(self) -> None:
        data = self._socket.recv(1 << 18)
        if not data:
            raise EOFError
        self._read += data


def _end_with_taxiway() -> None:
    """Have the kernel kill this process and its children when the process of `taxiway dev` ends, however it ends.

    Standard input is a pipe that `taxiway dev` holds open and never writes to. Linux signals its hang-up to the process
    group; elsewhere a process in the middle of a request ends when it finds nobody to answer to.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETSIG, 9)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_ASYNC)


class _Logging:
    """Gives the root logger its handler when `logging` is first imported, which costs nothing where it never is."""

    request_id = ""

    @classmethod
    def find_spec(cls, name: str, *where: Any) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, *where) if name == "logging" else None
        if spec is None or spec.loader is None:
            return None
        sys.meta_path.remove(cls)
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            cls.set_up(module)

        spec.loader.exec_module = exec_module
        return spec

    @classmethod
    def set_up(cls, logging: Any) -> None:
        """Level, time, request id and text: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html."""

        def with_request_id(record: LogRecord) -> bool:
            record.aws_request_id = cls.request_id
            return True

        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        formatter = logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(formatter)
        handler.addFilter(with_request_id)
        logging.getLogger().addHandler(handler)


def main() -> None:
    """Serve events until the Runtime API closes the connection."""
    environment = os.environ
    project = environment["LAMBDA_TASK_ROOT"]
    sys.path[0] = project
    _end_with_taxiway()
    read_sources_anew(project)
    sys.meta_path.insert(0, _Logging)
    try:
        _serve(_Connection(environment["AWS_LAMBDA_RUNTIME_API"]), environment)
    except (OSError, EOFError):
        os._exit(1)  # `taxiway dev` has ended: neither atexit nor threads of the handler hold this process up


def _serve(api: _Connection, environment: os._Environ[str]) -> NoReturn:  # pyright: ignore[reportPrivateUsage]  the class of os.environ has no other name
    try:
        handler = load(environment["_HANDLER"])
    except Exception as error:  # importing a module runs the user's code
        failure = report(error, "")
        api.send(api.request("POST", "/init/error", json.dumps(failure).encode(), error_type=failure["errorType"]))
        api.receive()
        os._exit(1)
    following = api.request("GET", "/invocation/next")
    api.send(following)
    while True:
        _, headers, event = api.receive()
        request_id = _Logging.request_id = headers["lambda-runtime-aws-request-id"]
        environment["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
        arn = headers["lambda-runtime-invoked-function-arn"]
        context = Context(request_id, arn, int(headers["lambda-runtime-deadline-ms"]), environment)
        answer, failure = run(handler, event, context)
        if failure is None:
            posted = api.request("POST", f"/invocation/{request_id}/response", answer)
        else:
            body = json.dumps(failure).encode()
            posted = api.request("POST", f"/invocation/{request_id}/error", body, error_type=failure["errorType"])
        api.send(posted + following)
        status, _, _ = api.receive()
        if status not in (202, 413):
            os._exit(1)


if __name__ == "__main__":
    main()
