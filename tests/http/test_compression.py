import pytest

from taxiway.http.compression import accepts_gzip, is_compressible


@pytest.mark.parametrize(
    "header",
    [
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate, gzip;q=0.5",
        "gzip;q=1.0, identity; q=0.5, *;q=0",
        "*",
        "br, *;q=0.1",
        "gzip ; q=0.001",
        "identity, gzip",
    ],
)
def test_gzip_is_used_for_clients_that_take_it(header):
    assert accepts_gzip(header)


@pytest.mark.parametrize(
    "header",
    ["", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "*, gzip;q=0", "identity, gzip;q=0.5", "gzip;q=x", "gzipped", ",;"],
)
def test_gzip_is_not_used_for_others(header):
    assert not accepts_gzip(header)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/problem+json",
        "Application/JSON; charset=utf-8",
        "text/html; charset=utf-8",
        "image/svg+xml",
        "application/javascript",
    ],
)
def test_text_shrinks(content_type):
    assert is_compressible(content_type)


@pytest.mark.parametrize("content_type", ["image/png", "application/zip", "application/octet-stream", "video/mp4", ""])
def test_other_types_do_not(content_type):
    assert not is_compressible(content_type)
