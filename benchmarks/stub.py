"""A DynamoDB over TLS that answers at once and stores nothing: `python -m benchmarks.stub CERTIFICATE KEY`.

It checks each signature, and with `--conditions` that a put asks for its key to be free, as DynamoDB would have to.
GetItem always finds the same item, and Query as many as it asks for; every other answer is `{}`.
"""

import asyncio
import re
import ssl
import sys
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any, cast
from zlib import crc32

import httptools
import msgspec
import uvloop

SECRET = "secret"  # noqa: S105  the key that every client here signs with
ITEM = {
    "pk": {"S": "ITEM#01JV6Y0000"},
    "sk": {"S": "ITEM"},
    "gsi1pk": {"S": "ITEM#CATEGORY#stationery"},
    "gsi1sk": {"S": "2026-03-12T19:03:58.000000Z#01JV6Y0000"},
    "entity": {"S": "Item"},
    "id": {"S": "01JV6Y0000"},
    "name": {"S": "Fountain pen"},
    "category": {"S": "stationery"},
    "price": {"N": "12.5"},
    "tags": {"L": [{"S": "blue"}, {"S": "refillable"}]},
    "createdAt": {"S": "2026-03-12T19:03:58.000000Z"},
    "updatedAt": {"S": "2026-03-12T19:03:58.000000Z"},
    "version": {"N": "1"},
}
KEY = {name: ITEM[name] for name in ("pk", "sk", "gsi1pk", "gsi1sk")}
CREDENTIAL = re.compile(r"Credential=[^/]+/(\d+)/([^/]+)/([^/]+)/aws4_request")
SIGNED = re.compile(r"SignedHeaders=([^, ]+)")
SIGNATURE = re.compile(r"Signature=([0-9a-f]{64})")


class Asked(msgspec.Struct):
    """What of a request decides its answer."""

    limit: int = msgspec.field(name="Limit", default=20)
    condition: str = msgspec.field(name="ConditionExpression", default="")
    names: dict[str, str] = msgspec.field(name="ExpressionAttributeNames", default={})


def encoded(answer: Any, status: int = 200) -> bytes:
    body = msgspec.json.encode(answer)
    head = f"HTTP/1.1 {status} X\r\nserver: Server\r\ncontent-type: application/x-amz-json-1.0\r\n"
    head += f"x-amzn-requestid: {'Q' * 52}\r\nx-amz-crc32: {crc32(body)}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def refused(kind: str, message: str) -> bytes:
    return encoded({"__type": f"com.amazon.coral.service#{kind}", "message": message}, 400)


def pages(limit: int) -> bytes:
    return encoded({"Items": [ITEM] * limit, "Count": limit, "ScannedCount": limit, "LastEvaluatedKey": KEY})


NOTHING, FOUND = encoded({}), encoded({"Item": ITEM})
PAGES = {limit: pages(limit) for limit in (20, 21)}


def answer(headers: dict[str, str], body: bytes, *, conditions: bool) -> bytes:
    if not is_signed(headers, body):
        return refused("InvalidSignatureException", "The signature does not match.")
    operation = headers["x-amz-target"].rpartition(".")[2]
    if operation == "GetItem":
        return FOUND
    if operation == "Query":
        return PAGES[msgspec.json.decode(body, type=Asked).limit]
    if operation == "PutItem" and conditions and not asks_for_a_free_key(msgspec.json.decode(body, type=Asked)):
        return refused("ValidationException", "This put would overwrite an item.")
    return NOTHING


def asks_for_a_free_key(asked: Asked) -> bool:
    condition = asked.condition
    for placeholder, name in asked.names.items():
        condition = condition.replace(placeholder, name)
    return "attribute_not_exists(pk)" in condition.replace(" ", "")


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """Whether Signature Version 4 holds for a POST to `/`."""
    authorization = headers.get("authorization", "")
    found = [pattern.search(authorization) for pattern in (CREDENTIAL, SIGNED, SIGNATURE)]
    if None in found:
        return False
    credential, signed, signature = (cast(re.Match[str], each) for each in found)
    day, region, service = credential.groups()
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in signed[1].split(";")]
    canonical = "\n".join(["POST", "/", "", *lines, "", signed[1], sha256(body).hexdigest()])
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            f"{day}/{region}/{service}/aws4_request",
            sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return compare_digest(digest(key, text.encode(), "sha256").hex(), signature[1])


class Connection(asyncio.Protocol):
    """One connection; httptools calls its `on_…`."""

    def __init__(self, *, conditions: bool) -> None:
        self._conditions = conditions
        self._headers: dict[str, str] = {}
        self._body = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its bases

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._transport.write(answer(self._headers, self._body, conditions=self._conditions))
        self._headers, self._body = {}, b""


async def serve(certificate: str, key: str, *, conditions: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(conditions=conditions), "127.0.0.1", 0, ssl=context
    )
    print(f"https://localhost:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], sys.argv[2], conditions="--conditions" in sys.argv))
