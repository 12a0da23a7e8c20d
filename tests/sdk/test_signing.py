"""Signatures are botocore's, to the letter."""

import datetime
import string
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st
from tests.counts import count

from taxiway.sdk.signing import Credentials, PostSigner, Scope

REGIONS = st.sampled_from(["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1"])
SERVICES = st.sampled_from(["dynamodb", "secretsmanager", "sqs", "execute-api", "scheduler"])
HOSTS = st.sampled_from(
    ["dynamodb.eu-west-1.amazonaws.com", "localhost:8000", "127.0.0.1:4566", "[::1]:8000", "example.org"]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "get"])
MOMENTS = st.integers(1_000_000_000, 4_000_000_000)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
KEYS = st.text(string.ascii_letters + string.digits + "/+", min_size=16, max_size=40)
TOKENS = st.one_of(st.just(""), st.text(string.ascii_letters + string.digits + "/+=", min_size=1, max_size=80))
HEADER_NAMES = st.sampled_from(
    ["Content-Type", "X-Amz-Target", "x-custom", "User-Agent", "X-Amzn-Trace-Id", "traceparent", "Range", "Connection"]
)
HEADER_VALUES = st.text(string.ascii_letters + string.digits + " \t;=/.", max_size=30)
CREDENTIALS = st.builds(Credentials, KEYS, KEYS, TOKENS)
PATHS = st.lists(st.one_of(WORDS, st.sampled_from([".", "..", "", "a b", "ä", "~", "a%2Fb"])), max_size=5).map(
    lambda parts: "/" + "/".join(quote(part) for part in parts)
)
QUERIES = st.dictionaries(WORDS.filter(bool), WORDS, max_size=5)


@pytest.fixture(scope="module")
def monkeymodule():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def at_moment(monkeymodule):
    """Sets the time that botocore signs with."""

    def set_moment(seconds):
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        monkeymodule.setattr(auth, "get_current_datetime", lambda *_, **__: moment)

    return set_moment


def boto(credentials):
    return BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token or None)


@count("cases", test=200, soak=20_000)
@given(
    credentials=CREDENTIALS,
    service=SERVICES,
    region=REGIONS,
    method=METHODS,
    host=HOSTS,
    path=PATHS,
    parameters=QUERIES,
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=5),
    body=st.binary(max_size=100),
    seconds=MOMENTS,
)
def test_headers_are_signed_as_botocore_signs_them(
    at_moment, credentials, service, region, method, host, path, parameters, headers, body, seconds
):
    at_moment(seconds)
    query = urlencode(parameters, quote_via=quote, safe="")
    url = f"https://{host}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    auth.SigV4Auth(boto(credentials), service, region).add_auth(request)

    added = Scope(service, region).sign(
        method, host, path, credentials=credentials, query=query, headers=headers.items(), body=body, at=seconds
    )

    assert added["authorization"] == request.headers["Authorization"]
    assert added["x-amz-date"] == request.headers["X-Amz-Date"]
    assert added.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")


@count("cases", test=200, soak=20_000)
@given(credentials=CREDENTIALS, body=st.binary(max_size=100), seconds=MOMENTS, digest=st.text("0123456789abcdef"))
def test_a_declared_hash_stands_for_the_body(at_moment, credentials, body, seconds, digest):
    at_moment(seconds)
    declared = digest or "UNSIGNED-PAYLOAD"
    headers = {"X-Amz-Content-SHA256": declared}
    request = AWSRequest(method="PUT", url="https://h/", headers=headers, data=body)
    auth.SigV4Auth(boto(credentials), "s3", "eu-west-1").add_auth(request)

    added = Scope("s3", "eu-west-1").sign(
        "PUT", "h", "/", credentials=credentials, headers=headers.items(), body=body, at=seconds
    )

    assert added["authorization"] == request.headers["Authorization"]


@count("cases", test=200, soak=20_000)
@given(
    credentials=CREDENTIALS,
    region=REGIONS,
    host=HOSTS,
    path=PATHS,
    parameters=QUERIES,
    expires=st.integers(1, 604800),
    seconds=MOMENTS,
    s3=st.booleans(),
)
def test_a_presigned_url_is_botocores(at_moment, credentials, region, host, path, parameters, expires, seconds, s3):
    at_moment(seconds)
    query = urlencode(parameters, quote_via=quote, safe="")
    kind, service = (auth.S3SigV4QueryAuth, "s3") if s3 else (auth.SigV4QueryAuth, "execute-api")
    request = AWSRequest(method="GET", url=f"https://{host}{path}" + (f"?{query}" if query else ""))
    kind(boto(credentials), service, region, expires=expires).add_auth(request)

    signed = Scope(service, region).presign(
        "GET", host, path, credentials=credentials, query=query, expires=expires, at=seconds, unsigned_payload=s3
    )

    assert signed == urlsplit(request.url).query


@count("cases", test=200, soak=20_000)
@given(
    credentials=CREDENTIALS,
    service=SERVICES,
    region=REGIONS,
    host=HOSTS,
    operation=st.sampled_from(["PutItem", "GetItem"]),
    body=st.binary(max_size=200),
    seconds=MOMENTS,
)
def test_the_quick_head_is_signed_like_any_other_request(
    at_moment, credentials, service, region, host, operation, body, seconds
):
    at_moment(seconds)
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest(method="POST", url=f"https://{host}/", headers=headers, data=body)
    auth.SigV4Auth(boto(credentials), service, region).add_auth(request)
    signer = PostSigner(Scope(service, region), host, "application/x-amz-json-1.0", "DynamoDB_20120810")

    start, *lines = signer.head(operation, body, credentials, seconds).decode().removesuffix("\r\n\r\n").split("\r\n")

    sent = dict(line.split(": ", 1) for line in lines)
    assert start == "POST / HTTP/1.1"
    expected = {name.lower(): value for name, value in request.headers.items()}
    assert sent == {**expected, "host": host, "content-length": str(len(body))}


def test_the_signing_key_changes_with_the_day_and_with_the_credentials(at_moment):
    signer = PostSigner(Scope("dynamodb", "eu-west-1"), "h", "t", "T")
    for seconds in (1_764_374_399, 1_764_374_400):  # the last second of a day, and the first of the next
        for credentials in (Credentials("AKID", "one"), Credentials("AKID", "two")):
            at_moment(seconds)
            request = AWSRequest(
                method="POST", url="https://h/", headers={"Content-Type": "t", "X-Amz-Target": "T.X"}, data=b"{}"
            )
            auth.SigV4Auth(boto(credentials), "dynamodb", "eu-west-1").add_auth(request)

            assert request.headers["Authorization"].encode() in signer.head("X", b"{}", credentials, seconds)


def test_no_secret_is_in_a_repr():
    shown = repr(Credentials("AKID", "a-secret", "a-token"))

    assert "AKID" in shown
    assert "secret" not in shown
    assert "token" not in shown
