"""The gate's server and its pipeline: identify the caller, pass the stages, forward to the service."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from taxiway.local.callers import outsider
from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.gate.credentials import Callers
from taxiway.local.gate.refusals import refusal
from taxiway.local.gate.signatures import Signatures
from taxiway.local.http1 import HttpServer, Request, Response

Service: TypeAlias = Callable[[Call], Awaitable[Response]]
"""Answers the calls of one service. Raises RefusalError."""

Stage: TypeAlias = Callable[[Call, Service], Awaitable[Response]]
"""Passes a call on to what it is given, or raises RefusalError; what records calls looks at the answer too."""

MAX_BODY = 20 * 1024 * 1024
"""Bytes; DynamoDB takes 16 MB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""


class Gate:
    """Answers signed requests on 127.0.0.1, each by the service that its signature names.

    A request is identified first: what no caller has signed is refused. The stages follow in their order (what
    authorizes a call before what records it), and the service comes last. `services` are by their names in signatures;
    every other is refused by name, and nothing is ever sent to AWS.
    """

    def __init__(self, callers: Callers, services: Mapping[str, Service], stages: Sequence[Stage] = ()) -> None:
        self._signatures = Signatures(callers)
        self._services = services
        self._port = 0
        self._server = HttpServer(self._answer, max_body=MAX_BODY)
        onward: Service = self._forward
        for stage in reversed(stages):
            onward = partial(_through, stage, onward)
        self._onward = onward

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1, and return the URL."""
        self._port = await self._server.start()
        return f"http://127.0.0.1:{self._port}"

    async def close(self) -> None:
        await self._server.close()

    async def _answer(self, request: Request) -> Response:
        try:
            # A second lock: no page has a signature that is right.
            if (reason := outsider(request, self._port)) is not None:
                raise RefusalError("AccessDeniedException", reason, xml_code="AccessDenied", status=403)
            if request.too_large:
                raise RefusalError(
                    "RequestEntityTooLargeException", f"Request body exceeds {MAX_BODY} bytes.", status=413
                )
            return await self._onward(self._signatures.identify(request))
        except RefusalError as error:
            return refusal(request, error)

    async def _forward(self, call: Call) -> Response:
        service = self._services.get(call.service)
        if service is None:
            raise RefusalError(
                "AccessDeniedException",
                f"The AWS service {call.service!r} is not available locally; nothing was sent to AWS. Fix: call it "
                "only in stages on AWS, or set AWS_ENDPOINT_URL_<SERVICE> in the function's environment to a server "
                "of your own",
                xml_code="AccessDenied",
                status=403,
            )
        return await service(call)


def _through(stage: Stage, onward: Service, call: Call) -> Awaitable[Response]:
    return stage(call, onward)
