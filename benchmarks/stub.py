"""A DynamoDB that answers at once and stores nothing: `python -m benchmarks.stub` prints its URL and serves.

GetItem always finds the same item and Query as many as it asks for, of which there are always more; all else is `{}`.
"""

import asyncio
from typing import Any

import msgspec
import uvloop

from taxiway.local.http1 import HttpServer, Request, Response

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


class _Query(msgspec.Struct):
    limit: int = msgspec.field(name="Limit", default=20)


def _encoded(answer: dict[str, Any]) -> Response:
    content_type = ("content-type", "application/x-amz-json-1.0")
    return Response(status=200, headers=[content_type], body=msgspec.json.encode(answer))


NOTHING = _encoded({})
FOUND = _encoded({"Item": ITEM})
PAGES = {
    limit: _encoded({"Items": [ITEM] * limit, "Count": limit, "ScannedCount": limit, "LastEvaluatedKey": KEY})
    for limit in (20, 21)
}


async def answer(request: Request) -> Response:
    match (request.header("x-amz-target") or "").rpartition(".")[2]:
        case "GetItem":
            return FOUND
        case "Query":
            return PAGES[msgspec.json.decode(request.body, type=_Query).limit]
        case _:
            return NOTHING


async def serve() -> None:
    port = await HttpServer(answer, max_body=1 << 20).start()
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


uvloop.run(serve())
