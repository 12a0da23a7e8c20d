from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct

from taxiway.http import Body, Context, Cookie, Event, Path, Query, SignatureError, handler
from taxiway.http.signature import read_signature

if TYPE_CHECKING:
    from decimal import Decimal


class Item(Struct):
    name: str


class Plain:
    pass


def test_parameters_are_read_in_order_with_their_defaults():
    def get(a: Path[str], b: Query[int] = 1, *, c: Context, event: Event, d: Cookie[str | None] = None) -> Item: ...

    parameters, returns = read_signature(get)

    assert [(p.name, p.source, p.type, p.required, p.default) for p in parameters] == [
        ("a", "path", str, True, None),
        ("b", "query", int, False, 1),
        ("c", "context", Context, True, None),
        ("event", "event", dict[str, Any], True, None),
        ("d", "cookie", str | None, False, None),
    ]
    assert returns is Item


def test_a_struct_or_a_union_of_structs_is_the_body():
    class Other(Struct, tag=True):
        name: str

    def post(body: Item) -> None: ...
    def patch(body: Item | None = None) -> None: ...

    assert [read_signature(f)[0][0].source for f in (post, patch)] == ["body", "body"]


def no_annotation(value) -> None: ...
def no_source(value: str) -> None: ...
def plain_class(value: Plain) -> None: ...
def var_args(*value: Path[str]) -> None: ...
def var_keywords(**value: Path[str]) -> None: ...
def positional_only(value: Path[str], /) -> None: ...
def two_bodies(first: Item, value: Body[bytes]) -> None: ...
def not_imported(value: "Query[Decimal]") -> None: ...
def struct_in_query(value: Query[Item]) -> None: ...
def plain_in_query(value: Query[Plain]) -> None: ...
def dict_in_query(value: Query[dict[str, str]]) -> None: ...
def bytes_in_query(value: Query[bytes]) -> None: ...
def list_in_path(value: Path[list[str]]) -> None: ...
def list_in_cookie(value: Cookie[list[str]]) -> None: ...
def lists_in_query(value: Query[list[list[int]]]) -> None: ...
def ambiguous_body(value: Body[Item | dict[str, int]]) -> None: ...


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (no_annotation, "it has no annotation"),
        (no_source, "does not say where it comes from"),
        (plain_class, "does not say where it comes from"),
        (var_args, "it takes *args"),
        (var_keywords, "it takes *args, **kwargs"),
        (positional_only, "positional-only"),
        (two_bodies, "it is a second body, and a request has only one"),
        (not_imported, "outside TYPE_CHECKING"),
        (struct_in_query, "a query parameter is text"),
        (plain_in_query, "a query parameter is text"),
        (dict_in_query, "a query parameter is text"),
        (bytes_in_query, "a query parameter is text"),
        (list_in_path, "a path parameter has one value"),
        (list_in_cookie, "a cookie parameter has one value"),
        (lists_in_query, "a query parameter is text"),
        (ambiguous_body, "may not contain more than one dict-like type"),
    ],
)
def test_a_signature_that_can_not_be_served_is_an_error_at_import(function, problem):
    with pytest.raises(SignatureError) as refusal:
        handler(function)

    message = str(refusal.value)
    assert problem in message
    assert f"{__name__}.{function.__name__}" in message
    assert f"{__file__}:{function.__code__.co_firstlineno}" in message
    assert "Fix: " in message
    if function not in (var_args, var_keywords, positional_only, not_imported):
        assert "'value'" in message


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="takes a function"):
        handler(Plain)  # pyright: ignore[reportArgumentType]


def test_a_body_whose_own_annotations_can_not_be_read_is_refused():
    class Broken(Struct):
        price: "Nowhere"  # noqa: F821  what the test is about

    def post(body: Broken) -> None: ...

    with pytest.raises(SignatureError, match="Nowhere"):
        handler(post)
