"""What a type checker makes of handlers; tests/http/test_typing.py runs pyright over it and compares."""

from typing import Annotated, reveal_type

from msgspec import Meta, Struct

from taxiway.http import Body, Context, Cookie, Created, Event, Header, Name, Path, Query, handler


class Item(Struct):
    name: str


@handler
def create(
    id: Path[int],
    body: Item,
    event: Event,
    context: Context,
    limit: Query[Annotated[int, Meta(ge=1)]] = 20,
    tags: Query[list[str] | None] = None,
    since: Query[Annotated[str, Name("from")]] = "",
    idempotency_key: Header[str | None] = None,
    session: Cookie[str] = "",
) -> Created[Item]:
    reveal_type(id)  # int
    reveal_type(body)  # Item
    reveal_type(event)  # dict[str, Any]
    reveal_type(context.get_remaining_time_in_millis())  # int
    reveal_type(limit)  # int
    reveal_type(tags)  # list[str] | None
    reveal_type(since)  # str
    reveal_type(idempotency_key)  # str | None
    reveal_type(session)  # str
    return Created(body)


@handler
async def upload(body: Body[bytes]) -> int:
    reveal_type(body)  # bytes
    return len(body)


async def call() -> None:
    reveal_type(create.function(1, Item("a"), {}, NotImplemented).body)  # Item
    reveal_type(await upload.function(b""))  # int
    reveal_type(upload({}, None))  # dict[str, Any]
    create.function("1", Item("a"), {}, NotImplemented)  # error: reportArgumentType


@handler
def wrong() -> Created[Item]:
    return Created(1)  # error: reportReturnType
