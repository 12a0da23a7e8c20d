"""DynamoDB and its streams behind the gate: passed on to the engine as they are, or signed for another endpoint."""

import asyncio
from time import monotonic

from taxiway.local.gate.call import Call, RefusalError
from taxiway.local.gate.upstream import Headers, Upstream, UpstreamError
from taxiway.local.http1 import Response
from taxiway.sdk.signing import Credentials, Scope

_RESTART_LIMIT = 5.0
"""Seconds for which a request waits for an engine that is being started again."""
_PAUSE = 0.02
_NOT_PASSED_ON = frozenset(
    {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "expect", "te", "trailer", "upgrade"}
)
"""Headers that belong to a connection or that the client writes itself."""
_SIGNED = ("content-type", "x-amz-target")
_PASSED_BACK = frozenset(
    {"content-type", "content-encoding", "x-amz-crc32", "x-amzn-requestid", "x-amzn-errortype", "x-amz-retry-after"}
)
"""The headers of an answer that a client reads. Nothing else passes, and so no CORS header does."""


class DynamoDB:
    """Answers the calls of the service `dynamodb`, which is DynamoDB's and its streams', at `url`.

    With `credentials`, requests are signed with these for that endpoint; without, they are passed on as they are,
    to an engine that checks no signature.
    """

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        self._upstream = Upstream(url)
        self._credentials = credentials
        self._scopes: dict[str, Scope] = {}

    def close(self) -> None:
        self._upstream.close()

    async def __call__(self, call: Call) -> Response:
        """Pass a call on. Raises RefusalError, with a code that SDKs try again after, where no answer comes."""
        request = call.request
        headers = self._signed(call) if self._credentials else _passed_on(request.headers)
        deadline = monotonic() + _RESTART_LIMIT
        while True:
            try:
                answer = await self._upstream.exchange(request.method, request.target, headers, request.body)
            except UpstreamError as error:
                if error.sent or monotonic() >= deadline:
                    problem = f"DynamoDB at {self._upstream.host} did not answer: {error}"
                    raise RefusalError("InternalServerError", problem, status=500) from None
            else:
                passed = [(name, value) for name, value in answer.headers if name in _PASSED_BACK]
                return Response(status=answer.status, headers=passed, body=answer.body)
            await asyncio.sleep(_PAUSE)

    def _signed(self, call: Call) -> Headers:
        assert self._credentials is not None
        scope = self._scopes.setdefault(call.region, Scope("dynamodb", call.region))
        request = call.request
        path, _, query = request.target.partition("?")
        headers = [(name, value) for name, value in request.headers if name in _SIGNED]
        signed = scope.sign(
            request.method,
            self._upstream.host,
            path,
            credentials=self._credentials,
            query=query,
            headers=headers,
            body=request.body,
        )
        del signed["host"]  # the client writes it
        return [*headers, *signed.items()]


def _passed_on(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name not in _NOT_PASSED_ON]
