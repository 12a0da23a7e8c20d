"""Hosts are those that botocore knows, and the environment may name others."""

import pytest
from botocore.config import Config
from botocore.session import get_session
from hypothesis import example, given
from hypothesis import strategies as st
from tests.counts import count

from taxiway.sdk import NotConfigured, secretsmanager
from taxiway.sdk.dynamodb import service, streams
from taxiway.sdk.endpoints import Endpoint, endpoint_for, parse_url, region_of_environment

SERVICES = {"dynamodb": service.SERVICE, "dynamodbstreams": streams.SERVICE, "secretsmanager": secretsmanager.SERVICE}
SESSION = get_session()
REGIONS = [
    region
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("dynamodb", partition)
]


def of(name, region="eu-west-1"):
    service = SERVICES[name]
    return endpoint_for(service.host_prefix, service.variable, region)


@pytest.mark.parametrize("name", SERVICES)
def test_a_regions_host_is_botocores(name):
    for region in REGIONS:
        config = Config(account_id_endpoint_mode="disabled")
        client = SESSION.create_client(
            name, region, config=config, aws_access_key_id="AKID", aws_secret_access_key="secret"
        )
        found = of(name, region)

        assert f"https://{found.host}" == client.meta.endpoint_url
        assert (found.secure, found.name, found.port) == (True, found.host, 443)


def test_the_protocols_are_botocores():
    for name, ours in SERVICES.items():
        metadata = SESSION.get_service_model(name).metadata
        assert ours.target_prefix == metadata["targetPrefix"]
        assert ours.content_type == f"application/x-amz-json-{metadata['jsonVersion']}"
        assert ours.name == metadata.get("signingName", metadata["endpointPrefix"])
        assert ours.variable.replace("_", "-").lower() == metadata["serviceId"].replace(" ", "-").lower()


def test_a_services_own_variable_goes_before_the_common_one(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "http://localhost:8001/")

    assert of("dynamodb") == Endpoint(secure=False, host="localhost:4566", name="localhost", port=4566)
    assert of("dynamodbstreams").port == 8001

    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert of("dynamodb").host == "dynamodb.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("variable", ["AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"])
def test_what_is_not_supported_is_refused(monkeypatch, variable):
    monkeypatch.setenv(variable, "true")
    with pytest.raises(NotConfigured, match=rf"{variable} is not supported(?s:.*)Fix: .*AWS_ENDPOINT_URL_DYNAMODB="):
        of("dynamodb")


@pytest.mark.parametrize(
    ("url", "endpoint", "path"),
    [
        ("https://example.org", Endpoint(secure=True, host="example.org", name="example.org", port=443), "/"),
        ("http://A.B:80/x?y=1", Endpoint(secure=False, host="a.b", name="A.B", port=80), "/x?y=1"),
        ("HTTPS://[::1]:8443/", Endpoint(secure=True, host="[::1]:8443", name="::1", port=8443), "/"),
        ("http://[fd00:ec2::23]", Endpoint(secure=False, host="[fd00:ec2::23]", name="fd00:ec2::23", port=80), "/"),
    ],
)
def test_a_url_is_read(url, endpoint, path):
    assert parse_url(url, "X") == (endpoint, path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "localhost:8000", "ftp://a", "http://", "http://:80", "http://a:b", "http://a:0", "http://a:65536"),
        *("http://user@a", "http://a b", "http://a\r\nx: y", "http://a/\r\nx", "http://[::1", "http://[::1]x"),
        *("http://[a]", "http://a..b", "http://.a", "http://a:٣", "http://ä"),
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(NotConfigured, match="Invalid URL"):
        parse_url(url, "X")


@count("cases", test=200, soak=20_000)
@given(st.text(max_size=30).map(lambda text: f"http://{text}"))
@example("http://[")
def test_any_text_is_a_url_or_a_typed_error(url):
    try:
        endpoint, path = parse_url(url, "X")
    except NotConfigured:
        return
    assert f"{endpoint.host}{path}".isprintable()


def test_the_region_is_the_environments(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert region_of_environment() == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert region_of_environment() == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "us-east-1.evil.org/")
    with pytest.raises(NotConfigured, match="Invalid AWS region"):
        region_of_environment()
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NotConfigured, match="region is missing"):
        region_of_environment()
