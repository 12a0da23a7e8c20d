import pytest

from taxiway.http import set_cookie


def test_a_cookie_is_safe_unless_told_otherwise():
    assert set_cookie("a", "b") == "a=b; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_every_attribute_can_be_chosen():
    cookie = set_cookie(
        "a", "b", max_age=60, path="/x", domain="example.com", secure=False, http_only=False, same_site="Strict"
    )

    assert cookie == "a=b; Path=/x; Domain=example.com; Max-Age=60; SameSite=Strict"


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [("", "b", "/"), ("a b", "c", "/"), ("a", "b; Domain=evil.example", "/"), ("a", "é", "/"), ("a", "b", "/\r\nx: y")],
)
def test_a_cookie_can_not_carry_more_than_itself(name, value, path):
    with pytest.raises(ValueError, match="cookie"):
        set_cookie(name, value, path=path)


def test_a_cookie_for_other_sites_must_be_secure():
    with pytest.raises(ValueError, match="Secure"):
        set_cookie("a", "b", same_site="None", secure=False)
