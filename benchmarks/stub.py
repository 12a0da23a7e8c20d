"""A DynamoDB that says `{}` to everything, at once: `python -m benchmarks.stub` prints its URL and serves."""

import asyncio

import uvloop

from taxiway.local.http1 import HttpServer, Request, Response

NOTHING = Response(status=200, headers=[("content-type", "application/x-amz-json-1.0")], body=b"{}")


async def answer(_: Request) -> Response:
    return NOTHING


async def serve() -> None:
    port = await HttpServer(answer, max_body=1 << 20).start()
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


uvloop.run(serve())
