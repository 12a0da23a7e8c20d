"""Cross-origin access to the template, as a browser asks for it."""

from taxiway.testing import Server


def test_a_preflight_is_answered_by_the_gateway(api: Server) -> None:
    answer = api.request(
        "OPTIONS",
        "/items",
        headers={"origin": "https://example.com", "access-control-request-method": "POST"},
    )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-type" in answer.headers["access-control-allow-headers"]


def test_an_answer_says_who_may_read_it(api: Server) -> None:
    answer = api.get("/health", headers={"origin": "https://example.com"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in api.get("/health").headers


def test_a_long_answer_is_compressed_for_who_accepts_it(api: Server) -> None:
    for n in range(20):
        api.request("POST", "/items", json={"name": f"Item {n}", "category": "long"})
    plain = api.get("/items?category=long")
    packed = api.get("/items?category=long", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 3
