"""An endpoint before DynamoDB that passes calls on, and keeps them as text that a page can show."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_QUIET = frozenset(
    {
        *("TableName", "ReturnConsumedCapacity", "ReturnValues", "ReturnValuesOnConditionCheckFailure"),
        *("ExpressionAttributeNames", "ExpressionAttributeValues", "ClientRequestToken"),
    }
)
"""What is not shown: the same in every call, or filled into the expressions."""
_USUAL = {"ConsistentRead": False, "ScanIndexForward": True}
_FIRST = ("Key", "Item", "IndexName", "KeyConditionExpression", "FilterExpression", "ProjectionExpression")
_READS = frozenset({"GetItem", "Query", "BatchGetItem", "TransactGetItems"})


class Recorder(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.engine = urlsplit(endpoint).netloc
        self.calls: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Recorder

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        operation = self.headers["x-amz-target"].rpartition(".")[2]
        connection = HTTPConnection(self.server.engine)
        names = ("content-type", "x-amz-target", "x-amz-date", "authorization", "x-amz-security-token")
        headers = {name: value for name in names if (value := self.headers[name]) is not None}
        connection.request("POST", "/", json.dumps(body | {"ReturnConsumedCapacity": "TOTAL"}), headers)
        with connection.getresponse() as response:
            status, content = response.status, response.read()
        connection.close()
        self.server.calls.append(shown(operation, body, json.loads(content)))
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def recording(endpoint: str) -> Iterator[Recorder]:
    recorder = Recorder(endpoint)
    thread = threading.Thread(target=recorder.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield recorder
    finally:
        recorder.shutdown()
        thread.join()
        recorder.server_close()


def shown(operation: str, body: dict[str, Any], answer: dict[str, Any]) -> str:
    """A call as a person would write it down, and under its name what it was billed, or how it was refused."""
    return "\n".join([f"{operation}  ({_outcome(operation, answer)})", *_parameters(body)])


def _outcome(operation: str, answer: dict[str, Any]) -> str:
    if "__type" in answer:
        return str(answer["__type"]).rpartition("#")[2]
    consumed = answer.get("ConsumedCapacity", [])
    total = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
    return f"{total:g} {'RCU' if operation in _READS else 'WCU'}"


def _parameters(body: dict[str, Any], indent: str = "  ") -> Iterator[str]:
    for name in sorted(body, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        value = body[name]
        if name in _QUIET or value == _USUAL.get(name):
            continue
        if name == "RequestItems":
            (requests,) = value.values()
            yield from _parameters({"Requests": requests} if isinstance(requests, list) else requests, indent)
        elif name in ("TransactItems", "Requests"):
            for each in value:
                ((kind, inner),) = each.items()
                yield f"{indent}{kind}"
                yield from _parameters(inner, indent + "  ")
        elif name == "Keys":
            yield from (f"{indent}Key: {_item(key)}" for key in value)
        elif name in ("Item", "Key", "ExclusiveStartKey"):
            yield f"{indent}{name}: {_item(value)}"
        elif name.endswith("Expression"):
            yield f"{indent}{name}: {_expression(value, body)}"
        else:
            yield f"{indent}{name}: {json.dumps(value)}"


def _expression(text: str, body: dict[str, Any]) -> str:
    names, values = body.get("ExpressionAttributeNames", {}), body.get("ExpressionAttributeValues", {})
    written = re.sub(r"[#:]\w+", lambda found: names.get(found[0]) or _value(values[found[0]]), text)
    return re.sub(r'(, | AND )_w (=|<>) "[^"]*"|_w = "[^"]*", ', "", written)  # an id that each write has anew


def _item(attributes: dict[str, Any]) -> str:
    names = attributes.keys() - {"_w"}
    ordered = sorted(names, key=lambda name: (not name.endswith(("pk", "sk")), "gsi" in name, name))
    return "{" + ", ".join(f"{name}: {_value(attributes[name])}" for name in ordered) + "}"


def _value(typed: dict[str, Any]) -> str:
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return str(value)
        case "M":
            return _item(value)
        case "L":
            return "[" + ", ".join(map(_value, value)) + "]"
        case "SS":
            return "{" + ", ".join(map(json.dumps, sorted(value))) + "}"
        case "NULL":
            return "null"
        case _:
            return json.dumps(value, ensure_ascii=False)
