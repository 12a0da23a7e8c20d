"""One small API in each of three frameworks that run on Lambda, and a plain handler."""

from collections.abc import Callable, Iterable
from typing import Any

from apig_wsgi import make_lambda_handler
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from mangum import Mangum


async def asgi(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answers with the request's method, path, query and body, and sets two cookies."""
    request = await receive()
    query = scope["query_string"].decode()
    body = f"{scope['method']} {scope['path']}?{query} ".encode() + request["body"]
    headers = [(b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same; the body is read as WSGI has it."""
    sent = environ["wsgi.input"].read()
    headers = [("content-type", environ["CONTENT_TYPE"]), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    start_response("201 Created", headers)
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']} ".encode(), sent]


powertools_app = APIGatewayHttpResolver()


@powertools_app.post("/powertools/<name>")
def post(name: str) -> Response[str]:
    event = powertools_app.current_event
    text = f"{event.http_method} {event.path}?{event.raw_query_string} {event.decoded_body}"
    return Response(status_code=201, content_type="text/plain", body=text, headers={"x-length": str(len(name))})


def powertools(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return powertools_app.resolve(event, context)


class Application:
    def __call__(self, _: dict[str, Any], context: Any) -> dict[str, Any]:
        return {"statusCode": "202", "body": b"called", "headers": {"x-function": context.function_name}}


mangum = Mangum(asgi, lifespan="off")
apig_wsgi = make_lambda_handler(wsgi)
application = Application()
method = application.__call__
