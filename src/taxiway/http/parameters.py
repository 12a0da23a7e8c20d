"""Where each argument of a handler comes from, as its annotation says it.

    def list_items(category: Query[str], limit: Query[Annotated[int, Meta(ge=1, le=100)]] = 20) -> Page[Item]: ...

To a type checker `Query[int]` is `int`. A name that Python can't spell is given by `Name`:
`since: Query[Annotated[datetime, Name("from")]]`.
"""

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from msgspec import Struct

Source: TypeAlias = Literal["path", "query", "header", "cookie", "body", "context", "event", "if-match"]
T = TypeVar("T")


class From(Struct, frozen=True):
    """The mark that the aliases below leave on a type."""

    source: Source


class Name(Struct, frozen=True):
    """The parameter's name in the request, where it differs from the argument's."""

    name: str


Path = Annotated[T, From("path")]
"""A parameter of the path: `/items/{id}` has `id`."""

Query = Annotated[T, From("query")]
"""A parameter of the query string. `Query[list[T]]` takes every value of a repeated one."""

Header = Annotated[T, From("header")]
"""A header: `idempotency_key` is `idempotency-key`. `Header[list[T]]` splits its value at the commas."""

Cookie = Annotated[T, From("cookie")]
"""A cookie of the request."""

Body = Annotated[T, From("body")]
"""The body: JSON of any type, except that `Body[bytes]` and `Body[str]` are the raw body, whatever its content type."""

Event = Annotated[dict[str, Any], From("event")]
"""The event as API Gateway sent it (payload format 2.0)."""


IfMatch: TypeAlias = Annotated[int | None, From("if-match")]
"""The version that the client means to change, from If-Match: what `expect_version=` of the table's writes takes.

    def update_item(id: Path[str], body: ItemChanges, if_match: IfMatch = None) -> Item:
        return items.update(id, body, expect_version=if_match)

Without a default the client must send it, and is answered 428 where it doesn't. It is None for `If-Match: *`, any
version, and a version that no item has where the tag is not one of ours: that, too, is for the write to find out.
"""


class Parameter(Struct, frozen=True, kw_only=True):
    """One parameter of a handler."""

    name: str
    source: Source
    wire: str
    """Its name in the request; that of the argument for `body`, `context` and `event`."""
    type: Any
    """With its constraints (`Annotated[int, Meta(ge=1)]`), without the mark of its source."""
    required: bool
    default: Any = None
