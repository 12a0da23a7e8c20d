"""The parser of responses: what RFC 9112 allows, and typed errors for everything else."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.counts import count

from taxiway.sdk.responses import LARGEST_HEAD, MOST_HEADERS, ResponseError, read_response

LARGEST = 1000


def parse(data, piece=65_536):
    """Reads a response that comes in pieces of so many bytes."""
    rest = [data]

    def receive(size):
        given, rest[0] = rest[0][: min(size, piece)], rest[0][min(size, piece) :]
        return given

    return read_response(receive, LARGEST)


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amz-Crc32: 7\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5;name=value\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\nx-checksum: 1\r\n\r\n"
)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(("data", "body"), [(GOOD, b"hello"), (CHUNKED, b"hello world")])
def test_it_does_not_matter_how_a_response_is_cut(data, body, piece):
    response = parse(data, piece)

    assert (response.status, response.body, response.reusable) == (200, body, True)


def test_names_of_headers_are_in_lower_case_and_values_are_trimmed():
    response = parse(b"HTTP/1.1 404 Not Found\r\nX-A: \t b c \r\nx-a:d\r\nContent-Length:0\r\n\r\n")

    assert response.status == 404
    assert response.headers == {"x-a": "b c, d", "content-length": "0"}


def test_interim_responses_are_skipped():
    assert parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\n" + GOOD).body == b"hello"


def test_a_status_may_have_no_reason_and_204_no_body():
    assert parse(b"HTTP/1.1 204\r\n\r\n").body == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 \xb2\xb9\xb2 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1\t200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: line\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 4\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n" + bytes(1001),
        b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * LARGEST_HEAD + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * MOST_HEADERS + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * (LARGEST_HEAD + 10),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: a\r\n" * LARGEST_HEAD,
    ],
    ids=lambda data: repr(data[16:60]),
)
def test_what_is_not_a_whole_response_is_refused(data):
    with pytest.raises(ResponseError):
        parse(data)


@count("cases", test=200, soak=100_000)
@given(st.binary(max_size=200), st.integers(1, 50))
@example(GOOD, 1)
def test_any_bytes_are_a_response_or_a_typed_error(data, piece):
    with suppress(ResponseError):
        parse(data, piece)


@count("cases", test=200, soak=100_000)
@given(st.sampled_from([GOOD, CHUNKED]), st.data())
def test_a_response_that_was_damaged_is_a_response_or_a_typed_error(data, draw):
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(damaged) - 1))
        if draw.draw(st.booleans()):
            damaged[place] = draw.draw(st.integers(0, 255))
        else:
            del damaged[place:]
            damaged += b"\r"
    with suppress(ResponseError):
        response = parse(bytes(damaged))
        assert len(response.body) <= LARGEST
