"""The line of a request: its target with secrets masked, and columns that stay where a path is long."""

import io

import pytest

from taxiway.local.gateway import Entry
from taxiway.local.shown_target import shortened, shown_target
from taxiway.local.terminal import Console

from .serving import ServedGateway


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line_of(stream: io.StringIO, path: str, query: str = "") -> str:
    Console(stream).request(
        Entry(method="GET", path=path, query=query, request_id="id", status=200, function="f", cold=False)
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", "/a"),
        ("category=office&limit=20", "/a?category=office&limit=20"),
        ("id=01JDQ7ZV4M3K8W2N5T6R9XYBCD&deep", "/a?id=01JDQ7ZV4M3K8W2N5T6R9XYBCD&deep"),
        ("id=c2b5e1e8-5a2f-4c1e-9d3c-7a1f6f2a9b10", "/a?id=c2b5e1e8-5a2f-4c1e-9d3c-7a1f6f2a9b10"),
        ("access_token=abc&page=2", "/a?access_token=***&page=2"),
        ("x=1&PASSWORD=hunter2", "/a?x=1&PASSWORD=***"),
        ("api-key=1", "/a?api-key=***"),
        ("apikey=1", "/a?apikey=***"),
        ("X-Amz-Signature=0", "/a?X-Amz-Signature=***"),
        ("code=4711", "/a?code=***"),
        ("postcode=4711", "/a?postcode=4711"),
        ("token=", "/a?token="),
        ("q=eyJhbGciOiJI.eyJzdWIiOiIx.abc", "/a?q=***"),
        ("q=AKIAIOSFODNN7EXAMPLE", "/a?q=***"),
        ("q=8f14e45fceea167a5a36dedd4bea2543c81e728d9d4c2f63", "/a?q=***"),
    ],
)
def test_values_that_look_like_secrets_are_masked(query: str, shown: str) -> None:
    assert shown_target("/a", query) == shown
    assert shown in line_of(io.StringIO(), "/a", query)


def test_the_columns_stay_where_a_path_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    short, long = line_of(Terminal(), "/a"), line_of(Terminal(), "/shops/" + "x" * 200, "limit=20")
    assert len(short) == len(long) <= 121
    assert short.index(" ms  warm") == long.index(" ms  warm")
    assert "…" in long
    assert "limit=20" in long


def test_elsewhere_a_path_is_written_whole() -> None:
    assert "x" * 200 + "?limit=20 " in line_of(io.StringIO(), "/" + "x" * 200, "limit=20")


@pytest.mark.parametrize("width", [32, 33, 34, 100])
def test_a_shortened_target_has_the_width_and_both_ends(width: int) -> None:
    shown = shortened("/start/" + "x" * 200 + "end", width)
    assert len(shown) == width
    assert shown.startswith("/start/")
    assert shown.endswith("xend")
    assert shortened("/" + "x" * (width - 1), width) == "/" + "x" * (width - 1)


def test_no_target_steers_the_terminal() -> None:
    assert "\x1b" not in line_of(io.StringIO(), "/", "q=\x1b[2J")


def test_a_request_has_its_line_while_the_project_is_broken() -> None:
    with ServedGateway("GET /items") as api:
        api.gateway.readable = False
        assert api.request("GET", "/items?limit=2").status == 500
    entry = api.entries[0]
    assert (entry.method, entry.path, entry.query, entry.status) == ("GET", "/items", "limit=2", 500)
