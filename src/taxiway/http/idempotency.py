"""Idempotency-Key: a repeated request gets the first response again, and is carried out once.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from binascii import a2b_base64
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from taxiway.data import TableClient
from taxiway.data.request_records import Kept, Records
from taxiway.http.context import Json, method, strings
from taxiway.http.problems import Conflict, FieldError, UnprocessableContent
from taxiway.http.responses import Response, render

if TYPE_CHECKING:
    from taxiway.data.transactions import Transaction

HEADER = "idempotency-key"
LIFETIME = 24 * 60 * 60
"""Seconds for which an answer is kept."""
LEASE = 30.0
"""Seconds that a request may take where there is no context to ask: what an HTTP API waits at most."""
LARGEST = 350_000
"""Bytes of an answer that can be kept: a record is one item, which DynamoDB limits to 400 KB."""

# A string of https://www.rfc-editor.org/rfc/rfc8941#section-3.3.3, or the same bare, as most clients send it.
_QUOTED = r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"'
_BARE = r"[\x21\x23-\x2b\x2d-\x7e]{1,255}"


def caller_of(event: Json) -> str:
    """The caller of a request, from the route's authorizer; empty without one.

    The issuer and subject of a JWT, because the rest changes when it is refreshed; a Lambda authorizer's whole context.
    """
    context: Json = event.get("requestContext") or {}
    authorizer: Json = context.get("authorizer") or {}
    jwt: Json = authorizer.get("jwt") or {}
    claims: Json = jwt.get("claims") or {}
    if "sub" in claims:
        return msgspec.json.encode((claims.get("iss"), claims["sub"])).decode()
    return msgspec.json.encode(authorizer, order="sorted").decode() if authorizer else ""


class Idempotency:
    """The argument of `@handler(idempotency=…)`: the table that stores responses, and for how long.

    If a request has a key, the handler runs in a transaction of the table, and its response is stored in the same
    transaction as its writes. A response of 400 or more is not stored, and nothing is written: the client may try
    again. It runs again by itself where other writers came between. `lifetime` is in seconds.
    With `required`, a request without a key gets a 400.

    A key is its caller's own, so that no caller gets another's response. `caller` returns the caller of an event; by
    default, the route's authorizer names it. A route without an authorizer needs a `caller`: a function, or None if
    its clients are anonymous and share their keys. Where there is an authorizer, None changes nothing.
    """

    def __init__(
        self,
        table: TableClient,
        *,
        required: bool = False,
        lifetime: int = LIFETIME,
        caller: Callable[[Json], str] | Literal["by-authorizer"] | None = "by-authorizer",
    ) -> None:
        self.required = required
        self._table = table
        self._records = Records(table, lifetime=lifetime)
        self.needs_authorizer = caller == "by-authorizer"
        """Whether a route without an authorizer would take all of its callers for one."""
        self._caller = caller if callable(caller) else caller_of

    def key(self, event: Json, errors: list[FieldError]) -> str | None:
        """The request's key, or None; what is wrong with it is added to the errors."""
        text = strings(event, "headers").get(HEADER)
        if text is None:
            if self.required:
                errors.append(_error("Missing required header: send a new UUID with each new request"))
            return None
        quoted = re.fullmatch(_QUOTED, text)
        if quoted:
            return re.sub(r"\\(.)", r"\1", quoted[1])
        if not re.fullmatch(_BARE, text):
            errors.append(_error('Expected 1 to 255 printable ASCII characters, as in "8e03978e-40d5-43dd"'))
        return text

    def serve(self, key: str, call: Callable[[], Any], event: Json, context: Any) -> Json:
        """The response: the handler's, or the one that was kept. Raises Conflict and UnprocessableContent."""
        fingerprint = _digest(method(event), event.get("rawPath", ""), event.get("rawQueryString", ""), _body(event))
        request = _digest(event.get("routeKey", ""), self._caller(event), key).hex()
        lease = LEASE if context is None else context.get_remaining_time_in_millis() / 1000
        taken = self._records.claim(request, fingerprint, lease=lease)
        if isinstance(taken, Kept):
            return _replay(taken, fingerprint, event)
        from taxiway.data.transactions import run

        answers: list[Json] = []

        def attempt(transaction: "Transaction") -> None:
            answers[:] = [_answer(call(), event)]
            if answers[0]["status"] >= 400:
                raise _NotKept
            taken.keep(answers[0], transaction)

        begin = partial(self._table.transaction, joinable=True)
        try:
            run(begin, attempt, remaining=None if context is None else lease)
        except _NotKept:
            taken.release()
        except Exception:
            if not taken.release():
                raise
        return render(_response(answers[0]), event)


class _NotKept(Exception):  # noqa: N818  caught here and never seen outside
    """The handler has answered with an error, which abandons the transaction."""


def _replay(kept: Kept, fingerprint: bytes, event: Json) -> Json:
    if kept.fingerprint != fingerprint:
        raise UnprocessableContent("This Idempotency-Key was sent with another request. Give each request its own.")
    if kept.answer is None:
        raise Conflict(
            "A request with this Idempotency-Key is still being processed. Send it again in a moment.",
            headers={"retry-after": "1"},
        )
    response = _response(kept.answer)
    response.headers["idempotency-replayed"] = "true"
    return render(response, event)


def _answer(result: Any, event: Json) -> Json:
    """What is kept of a handler's result: its response before any compression. Raises ValueError if it is too large."""
    rendered = render(result, {**event, "headers": {}})
    text: str = rendered["body"]
    body = a2b_base64(text) if rendered["isBase64Encoded"] else text
    size = len(body) if isinstance(body, bytes) else len(body.encode())
    if size > LARGEST:
        raise ValueError(
            f"The response of {event.get('routeKey')} has {size} bytes, and at most {LARGEST} can be stored for its "
            "Idempotency-Key.\nFix: return less, such as the URL of the full result"
        )
    return {
        "status": rendered["statusCode"],
        "headers": [[name, value] for name, value in rendered["headers"].items()],  # a map would lose their order
        "cookies": rendered.get("cookies", []),
        "body": body,
    }


def _response(answer: Json) -> Response[Any]:
    headers: dict[str, str] = dict(answer["headers"])
    return Response(
        answer["body"] or None,
        status=answer["status"],
        headers=headers,
        cookies=answer["cookies"],
        content_type=headers.get("content-type"),
    )


def _body(event: Json) -> str | bytes:
    body: str = event.get("body") or ""
    return a2b_base64(body) if event.get("isBase64Encoded") else body


def _digest(*parts: str | bytes) -> bytes:
    """24 bytes that tell lists of texts apart; half a surrogate pair, which a path may hold, is text too."""
    from hashlib import blake2b

    digest = blake2b(digest_size=24, person=b"taxiway.idem")
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def _error(detail: str) -> FieldError:
    return FieldError(name=HEADER, detail=detail, in_="header")
